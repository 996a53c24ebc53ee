// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event channels: who has which, and whose handler is run when there is an event.
 *
 * Whoever binds a port gets an irq (channel.c).  Who binds it "late EOI" says
 * when he is done, and hears of nothing until then (lateeoi.c).
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
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

/* Guards all_channels, and channels against everybody but interrupts. */
static DEFINE_MUTEX(bind_lock);
/* By port. */
static DEFINE_XARRAY(channels);
/* Those without a port, too. */
static LIST_HEAD(all_channels);

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

	/* It has gone just now, masked; the port may be another one's already. */
	if (!channel)
		return;
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
	err = xa_err(xa_store(&channels, port, channel, GFP_KERNEL));
	if (err)
		channel->port = 0;
	else
		guest_channel_arrives(channel);
	return err;
}

/* Under bind_lock.  The port stays open; the caller may close it. */
static evtchn_port_t detach(struct guest_channel *channel)
{
	evtchn_port_t port;
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	port = channel->port;
	channel->port = 0;
	if (port)
		guest_events_ops->mask(port);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	if (port) {
		xa_erase(&channels, port);
		guest_channel_leaves(channel);
	}
	return port;
}

static struct guest_channel *channel_create(bool late)
{
	struct guest_channel *channel = kzalloc_obj(*channel, GFP_KERNEL);
	int err;

	if (!channel)
		return ERR_PTR(-ENOMEM);
	raw_spin_lock_init(&channel->lock);
	channel->late = late;
	channel->masks = GUEST_MASK_IRQ;
	guest_lateeoi_prepare(channel);
	err = guest_channel_make_irq(channel);
	if (err) {
		kfree(channel);
		return ERR_PTR(err);
	}
	return channel;
}

static void channel_destroy(struct guest_channel *channel)
{
	irq_free_desc(channel->irq);
	/* An interrupt on another CPU may just have looked it up. */
	kfree_rcu(channel, rcu);
}

/* Under bind_lock.  Returns the irq. */
static int bind_new(evtchn_port_t port, bool late)
{
	struct guest_channel *channel = channel_create(late);
	int err;

	if (IS_ERR(channel))
		return PTR_ERR(channel);
	err = attach(channel, port);
	if (err) {
		channel_destroy(channel);
		return err;
	}
	list_add(&channel->link, &all_channels);
	return channel->irq;
}

/*
 * Whoever had it before has freed the irq, and no more than that: he may not
 * have said that he is done with the last event, and will not.
 */
static int bind_again(struct guest_channel *channel, bool late)
{
	unsigned long flags;

	if (channel->late != late || irq_has_action(channel->irq))
		return -EBUSY;
	guest_lateeoi_cancel(channel);
	raw_spin_lock_irqsave(&channel->lock, flags);
	guest_channel_unmask(channel, GUEST_MASK_EOI);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	return channel->irq;
}

static int bind(evtchn_port_t port, bool late)
{
	struct guest_channel *channel;
	int ret;

	mutex_lock(&bind_lock);
	channel = xa_load(&channels, port);
	ret = channel ? bind_again(channel, late) : bind_new(port, late);
	mutex_unlock(&bind_lock);
	return ret;
}

/* Nobody has requested the irq any more. */
static void unbind(struct guest_channel *channel)
{
	evtchn_port_t port;

	guest_lateeoi_cancel(channel);
	mutex_lock(&bind_lock);
	list_del(&channel->link);
	port = detach(channel);
	if (port)
		close_port(port);
	mutex_unlock(&bind_lock);
	channel_destroy(channel);
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
 * It belongs to the irq from now on, and is closed with it.  Whoever must not
 * close it frees the irq alone, and is given the same one next time.
 *
 * Context: process; sleeps.
 * Return: the irq; or -EBUSY, if somebody uses the port, or another negative
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
		guest_channel_leaves(channel);
		xa_erase(&channels, port);
	}
	err = guest_events_ops->resume();
	if (err)
		pr_err("xen-guest: no event will come: %d\n", err);
}

/*
 * A kernel that died, or did not clean up before kexec: the hypervisor would
 * write to its pages, and take none of ours.
 */
static int __init take_back(void)
{
	if (!guest_fifo_is_in_use())
		return 0;
	pr_info("xen-guest: a kernel before this one has left its event channels; they are closed\n");
	guest_channels_reset();
	if (!guest_fifo_is_in_use())
		return 0;
	pr_err("xen-guest: the hypervisor does not give them back: the domain has to be started anew\n");
	return -ENODEV;
}

static int __init start(void)
{
	int err;

	err = take_back();
	if (err)
		return err;
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

/**
 * guest_events_stop() - no event comes any more
 *
 * Who is here next, in this domain, begins as if nobody had been.
 *
 * Context: any.
 */
void guest_events_stop(void)
{
	if (guest_events_ops)
		guest_events_ops->stop();
}

static void free_events(void)
{
	if (guest_events_ops->free)
		guest_events_ops->free();
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
	guest_events_stop();
	free_events();
err_lateeoi:
	guest_lateeoi_exit();
	return err;
}

/* What the toolstack opened once and for all is not closed. */
static void leave_channels(void)
{
	struct guest_channel *channel, *next;

	mutex_lock(&bind_lock);
	list_for_each_entry_safe(channel, next, &all_channels, link) {
		list_del(&channel->link);
		guest_lateeoi_cancel(channel);
		detach(channel);
		channel_destroy(channel);
	}
	mutex_unlock(&bind_lock);
}

void guest_events_exit(void)
{
	leave_channels();
	guest_events_stop();
	guest_upcall_exit();
	free_events();
	guest_lateeoi_exit();
	xa_destroy(&channels);
}
