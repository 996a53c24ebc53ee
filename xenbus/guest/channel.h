/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An event channel, for those who make an irq of it.
 */
#ifndef _XEN_GUEST_CHANNEL_H
#define _XEN_GUEST_CHANNEL_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <xen/interface/event_channel.h>

/* Why a channel is silent. */
#define GUEST_MASK_IRQ	BIT(0)	/* the kernel does not want the irq */
#define GUEST_MASK_EOI	BIT(1)	/* its user has not said that he is done */
#define GUEST_MASK_MOVE	BIT(2)	/* something is being done to it */

/**
 * struct guest_channel - a port that is bound to an irq
 * @lock:	guards what is not constant, and the port's mask
 * @port:	the local port; 0 when the hypervisor knows none.  Read without
 *		the lock where nothing else is looked at
 * @irq:	constant
 * @late:	its user says when he is done; constant
 * @cpu:	whom it tells
 * @masks:	GUEST_MASK_*; the port is masked if there is one
 * @slow:	it came in a pass that took too long, so that it has to wait
 * @spurious:	events in a row that its user found nothing to do for
 * @eoi:	takes GUEST_MASK_EOI away, later
 * @link:	in the list of all channels, whose lock guards it
 * @rcu:	it is looked up in interrupts
 *
 * Made by bind, freed by unbind, which the irq's user calls; or with the module,
 * if he has only freed the irq, as is done with what the toolstack opened.
 */
struct guest_channel {
	raw_spinlock_t lock;	/* guards what is not constant */
	evtchn_port_t port;
	unsigned int irq;
	bool late;
	unsigned int cpu;
	unsigned int masks;
	bool slow;
	u8 spurious;
	struct delayed_work eoi;
	struct list_head link;
	struct rcu_head rcu;
};

int guest_channel_make_irq(struct guest_channel *channel);
void guest_channel_arrives(struct guest_channel *channel);
void guest_channel_leaves(struct guest_channel *channel);
struct guest_channel *guest_channel_of(unsigned int irq);
void guest_channel_mask(struct guest_channel *channel, unsigned int why);
void guest_channel_unmask(struct guest_channel *channel, unsigned int why);

int guest_lateeoi_init(void);
void guest_lateeoi_exit(void);
void guest_lateeoi_prepare(struct guest_channel *channel);
void guest_lateeoi_cancel(struct guest_channel *channel);

#endif /* _XEN_GUEST_CHANNEL_H */
