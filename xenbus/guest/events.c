// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event channels as interrupts.
 *
 * Whoever binds a port gets an irq, which the kernel treats as an edge.  Who
 * binds it "late EOI" says when he is done, and hears of nothing until then:
 * lateeoi.c.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <xen/events.h>

#include "channel.h"
#include "guest.h"

/* A pass over the events that takes longer holds others up. */
#define PATIENCE	2	/* jiffies */

static bool fifo = true;
module_param(fifo, bool, 0444);
MODULE_PARM_DESC(fifo, "Have pending events told of in queues, where the hypervisor can do that (default: yes); else by 2-level bits");

const struct guest_events_ops *guest_events_ops __ro_after_init;

/* Channels by port.  Looked up in interrupts; changed under bind_lock. */
static DEFINE_XARRAY(channels);
static DEFINE_MUTEX(bind_lock);
/* How many channels a CPU has, so that they are spread. */
static DEFINE_PER_CPU(atomic_t, load);

/**
 * guest_channel_mask() - have a channel be silent for one more reason
 * @channel:	the channel
 * @why:	GUEST_MASK_*
 *
 * Context: any; under &guest_channel.lock.
 */
void guest_channel_mask(struct guest_channel *channel, unsigned int why)
{
	if (!channel->masks && channel->port)
		guest_events_ops->mask(channel->port);
	channel->masks |= why;
}

/**
 * guest_channel_unmask() - have a channel be silent for one reason less
 * @channel:	the channel
 * @why:	GUEST_MASK_*
 *
 * What has come meanwhile is told of, if it was the last one.
 *
 * Context: any; under &guest_channel.lock, interrupts off.
 */
void guest_channel_unmask(struct guest_channel *channel, unsigned int why)
{
	if (!(channel->masks & why))
		return;
	channel->masks &= ~why;
	if (!channel->masks && channel->port)
		guest_events_ops->unmask(channel->port, channel->cpu);
}

static void irq_event_mask(struct irq_data *data)
{
	struct guest_channel *channel = irq_data_get_irq_chip_data(data);
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	guest_channel_mask(channel, GUEST_MASK_IRQ);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
}

static void irq_event_unmask(struct irq_data *data)
{
	struct guest_channel *channel = irq_data_get_irq_chip_data(data);
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	guest_channel_unmask(channel, GUEST_MASK_IRQ);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
}

static void irq_event_ack(struct irq_data *data)
{
	struct guest_channel *channel = irq_data_get_irq_chip_data(data);
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	if (channel->late)
		guest_channel_mask(channel, GUEST_MASK_EOI);
	if (channel->port)
		guest_events_ops->clear(channel->port);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
}

/* No handler is run for this one, so no EOI would come. */
static void irq_event_mask_ack(struct irq_data *data)
{
	struct guest_channel *channel = irq_data_get_irq_chip_data(data);
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	guest_channel_mask(channel, GUEST_MASK_IRQ);
	if (channel->port)
		guest_events_ops->clear(channel->port);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
}

static int irq_event_retrigger(struct irq_data *data)
{
	struct guest_channel *channel = irq_data_get_irq_chip_data(data);
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	if (channel->port) {
		/* An event that is set unseen is told of when it is unmasked. */
		guest_channel_mask(channel, GUEST_MASK_MOVE);
		guest_events_ops->set(channel->port);
		guest_channel_unmask(channel, GUEST_MASK_MOVE);
	}
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	return 1;
}

static unsigned int pick_cpu(const struct cpumask *mask)
{
	unsigned int cpu, best = nr_cpu_ids;
	int least = INT_MAX;

	for_each_cpu_and(cpu, mask, cpu_online_mask) {
		int here = atomic_read(&per_cpu(load, cpu));

		if (here < least && guest_upcall_reaches(cpu)) {
			least = here;
			best = cpu;
		}
	}
	return best;
}

/* With interrupts off. */
static int move(struct guest_channel *channel, unsigned int cpu)
{
	struct evtchn_bind_vcpu bind = { .vcpu = guest_vcpu_id(cpu) };
	int err = 0;

	raw_spin_lock(&channel->lock);
	if (channel->port) {
		bind.port = channel->port;
		/* What is pending is told of where it is unmasked. */
		guest_channel_mask(channel, GUEST_MASK_MOVE);
		err = HYPERVISOR_event_channel_op(EVTCHNOP_bind_vcpu, &bind);
		if (!err) {
			atomic_dec(&per_cpu(load, channel->cpu));
			atomic_inc(&per_cpu(load, cpu));
			channel->cpu = cpu;
		}
		guest_channel_unmask(channel, GUEST_MASK_MOVE);
	}
	raw_spin_unlock(&channel->lock);
	return err;
}

static int irq_event_set_affinity(struct irq_data *data,
				  const struct cpumask *mask, bool force)
{
	struct guest_channel *channel = irq_data_get_irq_chip_data(data);
	unsigned int cpu = pick_cpu(mask);
	int err;

	if (cpu >= nr_cpu_ids)
		return -EINVAL;
	if (cpu != channel->cpu) {
		err = move(channel, cpu);
		if (err)
			return err;
	}
	irq_data_update_effective_affinity(data, cpumask_of(cpu));
	return IRQ_SET_MASK_OK;
}

static struct irq_chip event_chip = {
	.name = "xen-event",
	.irq_mask = irq_event_mask,
	.irq_unmask = irq_event_unmask,
	.irq_ack = irq_event_ack,
	.irq_mask_ack = irq_event_mask_ack,
	.irq_retrigger = irq_event_retrigger,
	.irq_set_affinity = irq_event_set_affinity,
	.flags = IRQCHIP_SKIP_SET_WAKE,
};

/**
 * guest_channel_of() - the channel behind an irq
 * @irq: the irq
 *
 * Context: any.
 * Return: the channel, or NULL if the irq is none of ours.
 */
struct guest_channel *guest_channel_of(unsigned int irq)
{
	struct irq_data *data = irq_get_irq_data(irq);

	if (!data || irq_data_get_irq_chip(data) != &event_chip)
		return NULL;
	return irq_data_get_irq_chip_data(data);
}

/**
 * guest_events_handle() - a port has an event
 * @port:	the port
 * @loop:	the pass over the events that found it
 *
 * Context: interrupts off.
 */
void guest_events_handle(evtchn_port_t port, struct guest_event_loop *loop)
{
	struct guest_channel *channel = xa_load(&channels, port);

	if (!channel) {
		guest_events_ops->mask(port);
		return;
	}
	if (loop->own && READ_ONCE(channel->cpu) != loop->cpu)
		return;
	if (!loop->slow && time_after(jiffies, loop->start + PATIENCE))
		loop->slow = true;
	if (loop->slow)
		WRITE_ONCE(channel->slow, true);
	generic_handle_irq(channel->irq);
}

static void close_port(evtchn_port_t port)
{
	struct evtchn_close close = { .port = port };
	int err = HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);

	if (err)
		pr_err("xen-guest: port %u cannot be closed: %d\n", port, err);
}

static int make_irq(struct guest_channel *channel)
{
	int irq = irq_alloc_desc(NUMA_NO_NODE);

	if (irq < 0)
		return irq;
	channel->irq = irq;
	irq_set_chip_data(irq, channel);
	irq_set_chip_and_handler_name(irq, &event_chip, handle_edge_irq,
				      channel->late ? "late-eoi" : "edge");
	return 0;
}

/* New channels tell vCPU 0; the kernel moves them when they are requested. */
static unsigned int boot_vcpu(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		if (guest_vcpu_id(cpu) == 0)
			return cpu;
	return 0;
}

/* Under bind_lock. */
static int attach(struct guest_channel *channel, evtchn_port_t port)
{
	int err;

	if (!port || port >= guest_events_ops->max)
		return -EINVAL;
	if (xa_load(&channels, port))
		return -EBUSY;
	err = guest_events_ops->setup(port);
	if (err)
		return err;
	guest_events_ops->mask(port);
	channel->port = port;
	channel->cpu = boot_vcpu();
	err = xa_err(xa_store(&channels, port, channel, GFP_KERNEL));
	if (err)
		channel->port = 0;
	else
		atomic_inc(&per_cpu(load, channel->cpu));
	return err;
}

static int bind(evtchn_port_t port, bool late)
{
	struct guest_channel *channel;
	int err;

	channel = kzalloc_obj(*channel, GFP_KERNEL);
	if (!channel)
		return -ENOMEM;
	raw_spin_lock_init(&channel->lock);
	channel->late = late;
	channel->masks = GUEST_MASK_IRQ;
	guest_lateeoi_prepare(channel);

	err = make_irq(channel);
	if (err)
		goto err_free;
	mutex_lock(&bind_lock);
	err = attach(channel, port);
	mutex_unlock(&bind_lock);
	if (err)
		goto err_irq;
	return channel->irq;

err_irq:
	irq_free_desc(channel->irq);
err_free:
	kfree(channel);
	return err;
}

/* Nobody has requested the irq any more. */
static void unbind(struct guest_channel *channel)
{
	evtchn_port_t port;
	unsigned long flags;

	guest_lateeoi_cancel(channel);
	mutex_lock(&bind_lock);
	raw_spin_lock_irqsave(&channel->lock, flags);
	port = channel->port;
	channel->port = 0;
	if (port)
		guest_events_ops->mask(port);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	if (port) {
		xa_erase(&channels, port);
		atomic_dec(&per_cpu(load, channel->cpu));
		close_port(port);
	}
	mutex_unlock(&bind_lock);
	irq_free_desc(channel->irq);
	/* An interrupt on another CPU may just have looked it up. */
	kfree_rcu(channel, rcu);
}

static int bind_handler(evtchn_port_t port, bool late, irq_handler_t handler,
			unsigned long irqflags, const char *name, void *data)
{
	int irq, err;

	irq = bind(port, late);
	if (irq < 0)
		return irq;
	err = request_irq(irq, handler, irqflags, name, data);
	if (err) {
		unbind(guest_channel_of(irq));
		return err;
	}
	return irq;
}

/**
 * bind_evtchn_to_irq() - have an irq for a port
 * @port: the port, which nobody else has
 *
 * It belongs to the irq from now on, and is closed with it.
 *
 * Context: process; sleeps.
 * Return: the irq; or -EBUSY, if somebody has the port, or another negative
 *	   errno, with the port still the caller's.
 */
int bind_evtchn_to_irq(evtchn_port_t port)
{
	return bind(port, false);
}
EXPORT_SYMBOL_GPL(bind_evtchn_to_irq);

/**
 * bind_evtchn_to_irq_lateeoi() - have an irq whose user says when he is done
 * @port: the port, which nobody else has
 *
 * Context: process; sleeps.
 * Return: as bind_evtchn_to_irq().
 */
int bind_evtchn_to_irq_lateeoi(evtchn_port_t port)
{
	return bind(port, true);
}
EXPORT_SYMBOL_GPL(bind_evtchn_to_irq_lateeoi);

/**
 * bind_evtchn_to_irqhandler() - have a handler for a port
 * @port:	the port, which nobody else has
 * @handler:	as for request_irq()
 * @irqflags:	as for request_irq()
 * @devname:	as for request_irq()
 * @dev_id:	as for request_irq()
 *
 * Context: process; sleeps.
 * Return: as bind_evtchn_to_irq(); if the handler could not be installed, the
 *	   port is closed.
 */
int bind_evtchn_to_irqhandler(evtchn_port_t port, irq_handler_t handler,
			      unsigned long irqflags, const char *devname,
			      void *dev_id)
{
	return bind_handler(port, false, handler, irqflags, devname, dev_id);
}
EXPORT_SYMBOL_GPL(bind_evtchn_to_irqhandler);

/**
 * bind_evtchn_to_irqhandler_lateeoi() - have a handler that says when it is done
 * @port:	the port, which nobody else has
 * @handler:	as for request_irq(); it has xen_irq_lateeoi() called in the end
 * @irqflags:	as for request_irq()
 * @devname:	as for request_irq()
 * @dev_id:	as for request_irq()
 *
 * Context: process; sleeps.
 * Return: as bind_evtchn_to_irqhandler().
 */
int bind_evtchn_to_irqhandler_lateeoi(evtchn_port_t port,
				      irq_handler_t handler,
				      unsigned long irqflags,
				      const char *devname, void *dev_id)
{
	return bind_handler(port, true, handler, irqflags, devname, dev_id);
}
EXPORT_SYMBOL_GPL(bind_evtchn_to_irqhandler_lateeoi);

/**
 * unbind_from_irqhandler() - give handler, irq and port back
 * @irq:	the irq
 * @dev_id:	what it was requested with; NULL if it was not
 *
 * Context: process; sleeps until the handler does not run.
 */
void unbind_from_irqhandler(unsigned int irq, void *dev_id)
{
	struct guest_channel *channel = guest_channel_of(irq);

	if (WARN_ON_ONCE(!channel))
		return;
	if (irq_has_action(irq))
		free_irq(irq, dev_id);
	unbind(channel);
}
EXPORT_SYMBOL_GPL(unbind_from_irqhandler);

/**
 * rebind_evtchn_irq() - have another port for the same irq
 * @port:	the port, which nobody else has
 * @irq:	the irq, whose own one is of another life
 *
 * Context: process; sleeps.
 */
void rebind_evtchn_irq(evtchn_port_t port, int irq)
{
	struct guest_channel *channel = guest_channel_of(irq);
	unsigned long flags;
	int err;

	if (WARN_ON_ONCE(!channel || channel->port))
		return;
	disable_irq(irq);
	mutex_lock(&bind_lock);
	err = attach(channel, port);
	mutex_unlock(&bind_lock);
	if (err) {
		pr_err("xen-guest: irq %d cannot have port %u: %d\n", irq, port, err);
	} else {
		raw_spin_lock_irqsave(&channel->lock, flags);
		if (!channel->masks)
			guest_events_ops->unmask(port, channel->cpu);
		raw_spin_unlock_irqrestore(&channel->lock, flags);
		irq_set_affinity(irq, cpu_online_mask);
	}
	enable_irq(irq);
}
EXPORT_SYMBOL_GPL(rebind_evtchn_irq);

/**
 * notify_remote_via_irq() - tell the other end that there is something
 * @irq: the irq
 *
 * Context: any.
 */
void notify_remote_via_irq(int irq)
{
	struct guest_channel *channel = guest_channel_of(irq);
	evtchn_port_t port = channel ? READ_ONCE(channel->port) : 0;

	if (port)
		notify_remote_via_evtchn(port);
}
EXPORT_SYMBOL_GPL(notify_remote_via_irq);

/**
 * irq_from_evtchn() - the irq that a port is bound to
 * @port: the port
 *
 * Context: any.
 * Return: that, or 0.
 */
unsigned int irq_from_evtchn(evtchn_port_t port)
{
	struct guest_channel *channel;
	unsigned int irq;

	rcu_read_lock();
	channel = xa_load(&channels, port);
	irq = channel ? channel->irq : 0;
	rcu_read_unlock();
	return irq;
}
EXPORT_SYMBOL_GPL(irq_from_evtchn);

/**
 * guest_events_resume() - no port means anything any more
 *
 * Their irqs stay until whoever has them gives them back.
 *
 * Context: one CPU runs, interrupts are off.
 */
void guest_events_resume(void)
{
	struct guest_channel *channel;
	unsigned long port;
	int err;

	xa_for_each(&channels, port, channel) {
		channel->port = 0;
		channel->masks &= ~GUEST_MASK_EOI;
		atomic_dec(&per_cpu(load, channel->cpu));
		xa_erase(&channels, port);
	}
	err = guest_events_ops->resume();
	if (err)
		pr_err("xen-guest: no event will come: %d\n", err);
}

static int __init start(void)
{
	int err;

	if (!fifo && guest_fifo_is_lent()) {
		pr_info("xen-guest: fifo=0 comes too late: it was begun with\n");
		fifo = true;
	}
	if (fifo) {
		guest_events_ops = &guest_fifo_ops;
		err = guest_events_ops->start();
		if (!err)
			return 0;
		pr_info("xen-guest: no FIFO event channels: %d\n", err);
	}
	guest_events_ops = &guest_twolevel_ops;
	return guest_events_ops->start();
}

int __init guest_events_init(void)
{
	int err;

	err = guest_lateeoi_init();
	if (err)
		return err;
	err = start();
	if (err)
		goto err_lateeoi;
	pr_info("xen-guest: %s event channels\n", guest_events_ops->name);
	err = guest_upcall_init();
	if (err)
		goto err_stop;
	return 0;

err_stop:
	guest_events_ops->stop();
err_lateeoi:
	guest_lateeoi_exit();
	return err;
}

void guest_events_exit(void)
{
	guest_events_ops->stop();
	guest_upcall_exit();
	guest_lateeoi_exit();
	xa_destroy(&channels);
}
