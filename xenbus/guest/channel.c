// SPDX-License-Identifier: GPL-2.0-only
/*
 * A channel's irq, which the kernel treats as an edge: when it is silent, and on
 * which CPU it comes.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/limits.h>
#include <linux/percpu.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/event_channel.h>

#include "channel.h"
#include "guest.h"

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

/* One that is as good as where the channel is does not take it. */
static unsigned int pick_cpu_of(const struct guest_channel *channel,
				const struct cpumask *mask)
{
	unsigned int cpu, best = nr_cpu_ids;
	int least = INT_MAX;

	for_each_cpu_and(cpu, mask, cpu_online_mask) {
		int here = atomic_read(&per_cpu(load, cpu));

		if (channel->port && channel->cpu == cpu)
			here--;
		if (here < least && guest_upcall_reaches(cpu)) {
			least = here;
			best = cpu;
		}
	}
	return best;
}

/* A mask of CPUs that get no events must not leave a channel where it is lost. */
static unsigned int pick_cpu(const struct guest_channel *channel,
			     const struct cpumask *mask)
{
	unsigned int cpu = pick_cpu_of(channel, mask);

	return cpu < nr_cpu_ids ? cpu : pick_cpu_of(channel, cpu_online_mask);
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
	unsigned int cpu = pick_cpu(channel, mask);
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
 * guest_channel_make_irq() - have an irq for a channel
 * @channel: the channel, which has no port yet
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno.
 */
int guest_channel_make_irq(struct guest_channel *channel)
{
	int irq;

	/*
	 * Without an owner: who requests it would hold this module, and
	 * xenstore's is requested by the module itself, which could never go.
	 * Others need our symbols, and so hold it anyway.
	 */
	irq = __irq_alloc_descs(-1, 0, 1, NUMA_NO_NODE, NULL, NULL);
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

/**
 * guest_channel_arrives() - a channel has a port, which is to tell vCPU 0
 * @channel: the channel, whose irq nobody has requested
 *
 * What the toolstack opened may still tell whom it told in an earlier life of
 * this module.
 *
 * Context: any; the port is masked.
 */
void guest_channel_arrives(struct guest_channel *channel)
{
	struct evtchn_bind_vcpu bind = { .port = channel->port };

	channel->cpu = boot_vcpu();
	bind.vcpu = guest_vcpu_id(channel->cpu);
	/* Some ports tell vCPU 0 for ever, and say so by an error. */
	HYPERVISOR_event_channel_op(EVTCHNOP_bind_vcpu, &bind);
	atomic_inc(&per_cpu(load, channel->cpu));
}

/**
 * guest_channel_leaves() - a channel has no port any more
 * @channel: the channel
 *
 * Context: any.
 */
void guest_channel_leaves(struct guest_channel *channel)
{
	atomic_dec(&per_cpu(load, channel->cpu));
}
