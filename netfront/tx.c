// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transmit ring: what was written there is shown to the backend, and is
 * free when the backend has answered each slot of it.
 */
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <net/xdp.h>
#include <xen/events.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xenfront.h>

#include "netfront.h"

/* Until copied packets are taken back, if nothing else has NAPI look. */
#define RECLAIM		1

/**
 * netfront_tx_stats_read() - counters that belong together
 * @stats:	a queue's
 * @values:	for NETFRONT_TX_COUNTERS numbers
 *
 * Context: any.
 */
void netfront_tx_stats_read(const struct netfront_stats *stats, u64 *values)
{
	unsigned int start, i;

	do {
		start = u64_stats_fetch_begin(&stats->tx_sync);
		for (i = 0; i < NETFRONT_TX_COUNTERS; i++)
			values[i] = u64_stats_read(&stats->tx[i]);
	} while (u64_stats_fetch_retry(&stats->tx_sync, start));
}

/**
 * netfront_tx_create() - make the transmit ring and its slots' grants
 * @queue: the queue
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno; netfront_tx_destroy() undoes what was done.
 */
int netfront_tx_create(struct netfront_queue *queue)
{
	struct netfront_tx *tx = &queue->tx;
	grant_ref_t head;
	unsigned int i;
	int err;

	spin_lock_init(&tx->lock);
	err = xenfront_ring_create(&tx->shared, queue->nf->xf.dev, 0);
	if (err)
		return err;
	SHARED_RING_INIT((struct xen_netif_tx_sring *)tx->shared.pages);
	FRONT_RING_INIT(&tx->front,
			(struct xen_netif_tx_sring *)tx->shared.pages,
			XEN_PAGE_SIZE);

	err = gnttab_alloc_grant_references(NETFRONT_TX_SLOTS, &head);
	if (err < 0)
		return err;
	for (i = 0; i < NETFRONT_TX_SLOTS; i++) {
		tx->slots[i].ref = gnttab_claim_grant_reference(&head);
		tx->free[i] = NETFRONT_TX_SLOTS - 1 - i;
	}
	tx->nr_free = NETFRONT_TX_SLOTS;

	/* It goes without, too. */
	if (xenfront_ring_create(&tx->cells, queue->nf->xf.dev,
				 NETFRONT_TX_CELLS_ORDER))
		dev_dbg(&queue->nf->xf.dev->dev, "no memory for cells\n");
	return 0;
}

static void slot_put(struct netfront_tx *tx, unsigned int id)
{
	tx->slots[id].state = NETFRONT_TX_FREE;
	tx->free[tx->nr_free++] = id;
}

/* Hide a slot's page from the backend.  False: the backend still has it. */
static bool slot_revoke(const struct netfront_tx *tx,
			struct netfront_tx_slot *slot)
{
	switch (tx->slots[slot->head].kind) {
	case NETFRONT_TX_CELL:
	case NETFRONT_TX_MESSAGE:
		return true;
	default:
		break;
	}
	if (!gnttab_end_foreign_access_ref(slot->ref))
		return false;
	if (slot->own)
		__free_page(slot->own);
	slot->own = NULL;
	return true;
}

/* Take a slot back, for good.  False: the backend still has its page. */
static bool slot_end(struct netfront_tx *tx, struct netfront_tx_slot *slot,
		     bool force)
{
	if (slot->state != NETFRONT_TX_SENT && slot->state != NETFRONT_TX_HELD)
		return true;
	if (!slot_revoke(tx, slot)) {
		/* The kernel says so, each time. */
		if (!force)
			return false;
		/* It may read on: neither page is reused. */
		gnttab_end_foreign_access(slot->ref, slot->own);
		slot->ref = 0;
		if (!slot->own)
			tx->slots[slot->head].skb = NULL;	/* or frame */
		slot->own = NULL;
	}
	slot->state = NETFRONT_TX_ANSWERED;
	return true;
}

/* Of a slot that was taken back.  Returns whether a packet is lost with it. */
static bool slot_free(struct netfront_tx_slot *slot)
{
	bool lost = false;

	if (slot->state == NETFRONT_TX_ANSWERED && slot->left) {
		if (slot->kind == NETFRONT_TX_FRAME && slot->frame)
			xdp_return_frame(slot->frame);
		else
			dev_kfree_skb_any(slot->skb);
		lost = slot->kind != NETFRONT_TX_MESSAGE;
		slot->skb = NULL;
		slot->left = 0;
	}
	if (slot->ref)
		gnttab_free_grant_reference(slot->ref);
	slot->ref = 0;
	slot->state = NETFRONT_TX_FREE;
	return lost;
}

/**
 * netfront_tx_destroy() - undo netfront_tx_create(); drop what was under way
 * @queue:	the queue: no handler, no NAPI, nobody transmits
 * @force:	leave pages that the backend still maps to it for good
 *
 * Context: process; sleeps.
 * Return: 0, or -EBUSY (see netfront_queues_destroy()).
 */
int netfront_tx_destroy(struct netfront_queue *queue, bool force)
{
	struct netfront_tx *tx = &queue->tx;
	unsigned int i, lost = 0;

	if (!tx->nr_free && !tx->slots[0].ref)
		goto out;

	for (i = 0; i < NETFRONT_TX_SLOTS; i++)
		if (!slot_end(tx, &tx->slots[i], force))
			return -EBUSY;
	/* Packets only when none of their slots is with the backend. */
	for (i = 0; i < NETFRONT_TX_SLOTS; i++)
		lost += slot_free(&tx->slots[i]);
	while (tx->nr_done)
		xdp_return_frame(tx->done[--tx->nr_done]);
	tx->nr_free = 0;
	tx->nr_held = 0;
	if (lost)
		netfront_tx_count(queue, NETFRONT_TX_DROPPED, lost);
	for (i = queue->id; i < queue->nf->netdev->num_tx_queues;
	     i += queue->nf->nr_queues)
		netdev_tx_reset_queue(netdev_get_tx_queue(queue->nf->netdev, i));
out:
	xenfront_ring_destroy(&tx->cells);
	xenfront_ring_destroy(&tx->shared);
	return 0;
}

/* ------------------------------------------------------------------------
 * out
 */

/*
 * A packet that is held belongs to somebody, whose share of memory or of the
 * queue it uses up; or there are many; or the stack has stopped until some
 * come back.
 */
static bool is_waited_for(const struct netfront_queue *queue)
{
	const struct net_device *netdev = queue->nf->netdev;

	return queue->tx.nr_held ||
	       netfront_tx_under_way(&queue->tx) > NETFRONT_TX_FEW ||
	       queue->tx.stopped ||
	       netif_xmit_stopped(netdev_get_tx_queue(netdev, queue->id));
}

/*
 * Ask for the event that tells of answers.  If somebody waits, it comes when
 * half of what is under way is answered.  If not, none comes: whatever has
 * NAPI look next takes the answers, which is a packet from whom these went to,
 * as a rule, and a timer at the latest.  An event of its own for each packet
 * would cost a conversation of small ones half of its interrupts.
 *
 * Returns whether there are answers now, and it may be too late for an event.
 */
static bool ask_for_event(struct netfront_queue *queue)
{
	struct netfront_tx *tx = &queue->tx;
	struct xen_netif_tx_sring *sring = tx->front.sring;
	RING_IDX cons = tx->front.rsp_cons;
	unsigned int after = NETFRONT_TX_SLOTS;

	tx->waited_for = is_waited_for(queue);
	if (tx->waited_for)
		after = netfront_tx_under_way(tx) / 2 + 1;
	WRITE_ONCE(sring->rsp_event,
		   cons + min(after, READ_ONCE(queue->nf->tx_frames)));
	/* The wish before the look; pairs with the backend's own order. */
	virt_mb();
	return READ_ONCE(sring->rsp_prod) != cons;
}

/**
 * netfront_tx_push() - let the backend see what was written
 * @queue: the queue
 *
 * Context: any; under &netfront_tx.lock.
 */
void netfront_tx_push(struct netfront_queue *queue)
{
	struct netfront_tx *tx = &queue->tx;
	struct xen_netif_tx_sring *sring = tx->front.sring;

	if (xenfront_ring_push(&tx->pushed, tx->front.req_prod_pvt,
			       &sring->req_prod, &sring->req_event)) {
		netfront_tx_count(queue, NETFRONT_TX_NOTIFICATIONS, 1);
		notify_remote_via_irq(tx->shared.irq ?: queue->rx.shared.irq);
	}
	if (tx->waited_for)
		return;
	if (!is_waited_for(queue))
		netfront_queue_look_later(queue, RECLAIM);
	else if (ask_for_event(queue))
		napi_schedule(queue->napi);
}

/* ------------------------------------------------------------------------
 * back
 */

/* What the stack is told once for a whole batch. */
struct completed {
	unsigned int txq;
	unsigned int packets;
	unsigned int bytes;
	struct sk_buff_head skbs;
};

static void completed_flush(struct netfront_queue *queue, struct completed *c)
{
	struct net_device *netdev = queue->nf->netdev;

	if (c->packets)
		netdev_tx_completed_queue(netdev_get_tx_queue(netdev, c->txq),
					  c->packets, c->bytes);
	c->packets = 0;
	c->bytes = 0;
}

static void completed_add(struct netfront_queue *queue, struct completed *c,
			  const struct netfront_tx_slot *head)
{
	if (c->txq != head->txq)
		completed_flush(queue, c);
	c->txq = head->txq;
	c->packets++;
	c->bytes += head->bytes;
}

/* All slots of a packet are answered. */
static void packet_done(struct netfront_queue *queue,
			struct netfront_tx_slot *head, bool failed,
			struct completed *c)
{
	struct netfront_tx *tx = &queue->tx;

	if (failed && head->kind != NETFRONT_TX_MESSAGE)
		netfront_tx_count(queue, NETFRONT_TX_ERRORS, 1);
	switch (head->kind) {
	case NETFRONT_TX_MESSAGE:
		if (failed)
			netfront_mcast_refused(queue->nf);
		break;
	case NETFRONT_TX_FRAME:
		tx->done[tx->nr_done++] = head->frame;
		head->frame = NULL;
		tx->nr_held--;
		break;
	case NETFRONT_TX_SKB:
	case NETFRONT_TX_CELL:
		completed_add(queue, c, head);
		if (!head->skb)
			break;
		__skb_queue_tail(&c->skbs, head->skb);
		head->skb = NULL;
		tx->nr_held--;
		break;
	}
	slot_put(tx, head->head);
}

/* One answer; false if it makes no sense. */
static bool take_answer(struct netfront_queue *queue,
			const struct xen_netif_tx_response *rsp,
			struct completed *c)
{
	struct netfront_tx *tx = &queue->tx;
	struct netfront_tx_slot *slot, *head;

	if (rsp->id >= NETFRONT_TX_SLOTS ||
	    tx->slots[rsp->id].state != NETFRONT_TX_SENT) {
		xenfront_break(&queue->nf->xf,
			       "backend answered packet slot %u, which is not with it",
			       rsp->id);
		return false;
	}
	slot = &tx->slots[rsp->id];
	head = &tx->slots[slot->head];
	if (!slot_revoke(tx, slot)) {
		slot->state = NETFRONT_TX_HELD;
		xenfront_break(&queue->nf->xf,
			       "backend still maps a page of a sent packet");
		return false;
	}
	if (slot != head)
		slot_put(tx, rsp->id);
	else
		slot->state = NETFRONT_TX_ANSWERED;
	if (!--head->left)
		packet_done(queue, head, rsp->status != XEN_NETIF_RSP_OKAY, c);
	return true;
}

static void wake(struct netfront_queue *queue)
{
	struct netfront *nf = queue->nf;
	unsigned int i;

	queue->tx.stopped = false;
	for (i = queue->id; i < nf->netdev->real_num_tx_queues;
	     i += nf->nr_queues)
		netif_tx_wake_queue(netdev_get_tx_queue(nf->netdev, i));
}

/**
 * netfront_tx_clean() - take the answers that are there
 * @queue:	the queue
 * @budget:	NAPI's; 0 from netpoll
 *
 * Bounded: never more answers than there are slots on the ring.
 *
 * Context: NAPI.
 * Return: true if there were any.
 */
bool netfront_tx_clean(struct netfront_queue *queue, int budget)
{
	struct netfront_tx *tx = &queue->tx;
	struct xen_netif_tx_response rsp;
	struct completed c = {};
	struct sk_buff *skb;
	unsigned long flags;
	RING_IDX cons, prod;
	bool any;

	__skb_queue_head_init(&c.skbs);
	spin_lock_irqsave(&tx->lock, flags);
	prod = READ_ONCE(tx->front.sring->rsp_prod);
	cons = tx->front.rsp_cons;
	any = cons != prod;
	if (RING_RESPONSE_PROD_OVERFLOW(&tx->front, prod)) {
		xenfront_break(&queue->nf->xf,
			       "backend claims %u answers to %u packet slots",
			       prod - cons, tx->front.req_prod_pvt - cons);
		prod = cons;
	}
	/* Read the answers after the index that covers them. */
	virt_rmb();
	for (; cons != prod && tx->nr_done < NETFRONT_TX_SLOTS; cons++) {
		RING_COPY_RESPONSE(&tx->front, cons, &rsp);
		/* What extra information gets. */
		if (rsp.status == XEN_NETIF_RSP_NULL)
			continue;
		if (!take_answer(queue, &rsp, &c))
			break;
	}
	tx->front.rsp_cons = cons;
	completed_flush(queue, &c);
	if (tx->stopped && netfront_tx_has_room(tx))
		wake(queue);
	spin_unlock_irqrestore(&tx->lock, flags);

	while ((skb = __skb_dequeue(&c.skbs)))
		napi_consume_skb(skb, budget);
	/* Page pools are not for wherever netpoll may come from. */
	while (budget && tx->nr_done)
		xdp_return_frame(tx->done[--tx->nr_done]);
	return any;
}

/**
 * netfront_tx_more() - ask for an event, and look whether it is too late for it
 * @queue: the queue
 *
 * Context: NAPI, or as good as.
 * Return: true if there are answers now.
 */
bool netfront_tx_more(struct netfront_queue *queue)
{
	struct netfront_tx *tx = &queue->tx;
	unsigned long flags;
	bool more;

	spin_lock_irqsave(&tx->lock, flags);
	more = ask_for_event(queue);
	if (netfront_tx_under_way(tx) && !tx->waited_for)
		netfront_queue_look_later(queue, RECLAIM);
	spin_unlock_irqrestore(&tx->lock, flags);
	return more;
}
