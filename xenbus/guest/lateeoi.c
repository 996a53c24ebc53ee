// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events whose user says when he is done with them.
 *
 * Until then the port stays masked.  That is how a backend that sends more
 * events than there is work is slowed down: each one for which nothing was
 * found to do makes the next wait longer, up to a second, until there is
 * something again (XSA-332).
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/workqueue.h>
#include <xen/events.h>

#include "channel.h"

/* What every driver may do once without being slow to blame. */
#define FORGIVEN	1
/* Jiffies to wait for an event that came in a pass that took too long. */
#define SLOW_DELAY	10

static struct workqueue_struct *queue;

static void eoi_work(struct work_struct *work)
{
	struct guest_channel *channel =
		container_of(to_delayed_work(work), struct guest_channel, eoi);
	unsigned long flags;

	raw_spin_lock_irqsave(&channel->lock, flags);
	guest_channel_unmask(channel, GUEST_MASK_EOI);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
}

/* In jiffies; under the channel's lock. */
static unsigned long delay_of(struct guest_channel *channel, bool spurious)
{
	unsigned long delay = 0;

	if (!spurious) {
		channel->spurious = 0;
	} else {
		/* Long before that the delay is a second. */
		if (channel->spurious < FORGIVEN + 16)
			channel->spurious++;
		if (channel->spurious > FORGIVEN)
			delay = min(1UL << (channel->spurious - FORGIVEN - 1),
				    (unsigned long)HZ);
	}
	if (channel->slow)
		delay = max(delay, (unsigned long)SLOW_DELAY);
	channel->slow = false;
	return delay;
}

/**
 * xen_irq_lateeoi() - an event was dealt with
 * @irq:	an irq that was bound late EOI
 * @eoi_flags:	XEN_EOI_FLAG_SPURIOUS: there was nothing to do
 *
 * The next one may come: at once, or after a while if there were too many for
 * nothing.
 *
 * Context: any.
 */
void xen_irq_lateeoi(unsigned int irq, unsigned int eoi_flags)
{
	struct guest_channel *channel = guest_channel_of(irq);
	unsigned long flags, delay;

	if (!channel)
		return;
	raw_spin_lock_irqsave(&channel->lock, flags);
	delay = delay_of(channel, eoi_flags & XEN_EOI_FLAG_SPURIOUS);
	if (!delay)
		guest_channel_unmask(channel, GUEST_MASK_EOI);
	raw_spin_unlock_irqrestore(&channel->lock, flags);
	if (delay)
		queue_delayed_work(queue, &channel->eoi, delay);
}
EXPORT_SYMBOL_GPL(xen_irq_lateeoi);

void guest_lateeoi_prepare(struct guest_channel *channel)
{
	INIT_DELAYED_WORK(&channel->eoi, eoi_work);
}

/* Nobody calls xen_irq_lateeoi() any more. */
void guest_lateeoi_cancel(struct guest_channel *channel)
{
	cancel_delayed_work_sync(&channel->eoi);
}

int __init guest_lateeoi_init(void)
{
	/* A disk's events may be what memory is waiting for. */
	queue = alloc_workqueue("xen-eoi", WQ_UNBOUND | WQ_HIGHPRI |
				WQ_MEM_RECLAIM, 0);
	return queue ? 0 : -ENOMEM;
}

void guest_lateeoi_exit(void)
{
	destroy_workqueue(queue);
}
