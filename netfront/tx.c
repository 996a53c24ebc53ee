// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transmit: packets become slots of the ring, and are free when the backend
 * has answered each of them.
 *
 * The protocol's rules (io/netif.h), and what Linux' backend rejects:
 *  - the first slot says the length of the whole packet, the others their own;
 *  - extra information takes the place in the ring behind the first slot;
 *  - no slot crosses a page, none is empty, and there are at most
 *    XEN_NETIF_NR_SLOTS_MIN of them;
 *  - the first one holds an Ethernet header at least.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <net/xdp.h>
#include <xen/events.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xenfront.h>

#include "netfront.h"
#include "packet.h"

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
	struct netfront_tx_slot *slot, *head;
	unsigned int i, lost = 0;

	if (!tx->nr_free && !tx->slots[0].ref)
		goto out;

	for (i = 0; i < NETFRONT_TX_SLOTS; i++) {
		slot = &tx->slots[i];
		if (slot->state == NETFRONT_TX_SENT ||
		    slot->state == NETFRONT_TX_HELD) {
			head = &tx->slots[slot->head];
			if (slot_revoke(tx, slot)) {
				slot->state = NETFRONT_TX_ANSWERED;
			} else if (force) {
				/* It may read on: neither page is reused. */
				gnttab_end_foreign_access(slot->ref, slot->own);
				slot->ref = 0;
				slot->state = NETFRONT_TX_ANSWERED;
				if (!slot->own)
					head->skb = NULL;	/* or frame */
				slot->own = NULL;
			} else {
				/* The kernel says so, each time. */
				return -EBUSY;
			}
		}
	}

	for (i = 0; i < NETFRONT_TX_SLOTS; i++) {
		slot = &tx->slots[i];
		if (slot->state == NETFRONT_TX_ANSWERED && slot->left) {
			if (slot->kind == NETFRONT_TX_FRAME && slot->frame)
				xdp_return_frame(slot->frame);
			else
				dev_kfree_skb_any(slot->skb);
			if (slot->kind != NETFRONT_TX_MESSAGE)
				lost++;
			slot->skb = NULL;
			slot->left = 0;
		}
		if (slot->ref)
			gnttab_free_grant_reference(slot->ref);
		slot->ref = 0;
		slot->state = NETFRONT_TX_FREE;
	}
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

static unsigned int slots_of(const struct sk_buff *skb)
{
	unsigned int i, slots, len;

	slots = netfront_pages_of(offset_in_page(skb->data), skb_headlen(skb));
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		len = skb_frag_size(frag);
		if (len)
			slots += netfront_pages_of(skb_frag_off(frag), len);
	}
	return slots;
}

/**
 * netfront_packet_slot() - one slot
 * @pkt:	the packet
 * @offset:	where its data begin in its page
 * @len:	how much there is
 *
 * The caller makes its grant, if there is to be one.
 *
 * Context: any; under &netfront_tx.lock, and there is room.
 * Return: the slot.
 */
struct netfront_tx_slot *netfront_packet_slot(struct netfront_packet *pkt,
					      unsigned int offset,
					      unsigned int len)
{
	struct netfront_tx *tx = &pkt->queue->tx;
	struct xen_netif_tx_request *req;
	struct netfront_tx_slot *slot;
	unsigned int id;

	id = tx->free[--tx->nr_free];
	slot = &tx->slots[id];
	WARN_ON_ONCE(slot->state != NETFRONT_TX_FREE);
	slot->state = NETFRONT_TX_SENT;

	req = RING_GET_REQUEST(&tx->front, tx->front.req_prod_pvt++);
	req->id = id;
	req->gref = slot->ref;
	req->offset = offset;
	req->size = len;
	req->flags = 0;
	if (pkt->first) {
		pkt->last->flags |= XEN_NETTXF_more_data;
	} else {
		pkt->first = req;
		pkt->head = id;
	}
	pkt->last = req;
	pkt->slots++;
	slot->head = pkt->head;
	return slot;
}

/* One slot: @len bytes at @offset of the Xen page @gfn. */
static struct netfront_tx_slot *slot_write(struct netfront_packet *pkt,
					   unsigned long gfn,
					   unsigned int offset,
					   unsigned int len)
{
	struct netfront_tx_slot *slot = netfront_packet_slot(pkt, offset, len);

	gnttab_grant_foreign_access_ref(slot->ref,
					pkt->queue->nf->xf.dev->otherend_id,
					gfn, GNTMAP_readonly);
	return slot;
}

/**
 * netfront_packet_range() - slots for a piece of memory
 * @pkt:	the packet
 * @page:	where it is; granted, read-only
 * @offset:	where it begins, maybe in a later page of a compound one
 * @len:	its length
 *
 * Context: any; under &netfront_tx.lock, and there is room.
 */
void netfront_packet_range(struct netfront_packet *pkt, struct page *page,
			   unsigned int offset, unsigned int len)
{
	unsigned int part;

	/* A compound page counts on. */
	page += offset / PAGE_SIZE;
	offset %= PAGE_SIZE;
	while (len) {
		part = min_t(unsigned int, len,
			     XEN_PAGE_SIZE - offset % XEN_PAGE_SIZE);
		slot_write(pkt, xen_page_to_gfn(page) + offset / XEN_PAGE_SIZE,
			   offset % XEN_PAGE_SIZE, part);
		len -= part;
		offset += part;
		if (offset == PAGE_SIZE) {
			page++;
			offset = 0;
		}
	}
}

/**
 * netfront_packet_extra() - what else the backend is to know of a packet
 * @pkt:	the packet, which has one slot so far and no such information
 * @type:	XEN_NETIF_EXTRA_TYPE_*
 *
 * It takes the place in the ring behind the first slot.
 *
 * Context: any; under &netfront_tx.lock, and there is room.
 * Return: what the caller fills in.
 */
struct xen_netif_extra_info *
netfront_packet_extra(struct netfront_packet *pkt, u8 type)
{
	struct netfront_tx *tx = &pkt->queue->tx;
	struct xen_netif_extra_info *extra;

	extra = (struct xen_netif_extra_info *)
		RING_GET_REQUEST(&tx->front, tx->front.req_prod_pvt++);
	memset(extra, 0, sizeof(*extra));
	extra->type = type;
	pkt->first->flags |= XEN_NETTXF_extra_info;
	return extra;
}

static void write_gso(struct netfront_packet *pkt, const struct sk_buff *skb)
{
	struct xen_netif_extra_info *extra;

	extra = netfront_packet_extra(pkt, XEN_NETIF_EXTRA_TYPE_GSO);
	extra->u.gso.size = skb_shinfo(skb)->gso_size;
	extra->u.gso.type = skb_shinfo(skb)->gso_type & SKB_GSO_TCPV6 ?
		XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4;
}

/**
 * netfront_packet_describe() - say what the stack knows of a packet
 * @pkt:	the packet, which has one slot so far
 * @skb:	the stack's
 *
 * Context: any; under &netfront_tx.lock, and there is room.
 */
void netfront_packet_describe(struct netfront_packet *pkt,
			      const struct sk_buff *skb)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		pkt->first->flags |= XEN_NETTXF_csum_blank |
				     XEN_NETTXF_data_validated;
	else if (skb->ip_summed == CHECKSUM_UNNECESSARY)
		pkt->first->flags |= XEN_NETTXF_data_validated;
	if (skb_is_gso(skb))
		write_gso(pkt, skb);
}

/* The packet's own pages. */
static void write_granted(struct netfront_packet *pkt,
			  const struct sk_buff *skb)
{
	unsigned int offset = offset_in_page(skb->data);
	unsigned int len, i;

	/* The first slot goes before what describes the packet. */
	len = min_t(unsigned int, skb_headlen(skb),
		    XEN_PAGE_SIZE - offset % XEN_PAGE_SIZE);
	netfront_packet_range(pkt, virt_to_page(skb->data), offset, len);
	netfront_packet_describe(pkt, skb);
	if (skb_headlen(skb) > len)
		netfront_packet_range(pkt, virt_to_page(skb->data + len),
				      offset_in_page(skb->data + len),
				      skb_headlen(skb) - len);
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		netfront_packet_range(pkt, skb_frag_page(frag),
				      skb_frag_off(frag), skb_frag_size(frag));
	}
}

/**
 * netfront_copy_free() - free a copy that was not written to the ring
 * @page: its first page, or NULL
 *
 * Context: any.
 */
void netfront_copy_free(struct page *page)
{
	struct page *next;

	for (; page; page = next) {
		next = netfront_copy_next(page);
		set_page_private(page, 0);
		__free_page(page);
	}
}

/**
 * netfront_copy_alloc() - pages for a copy
 * @len: how much there is to be copied
 *
 * They are linked by their private fields: see netfront_copy_next().
 *
 * Context: any.
 * Return: the first one, or NULL if there is no memory.
 */
struct page *netfront_copy_alloc(unsigned int len)
{
	struct page *first = NULL, *page, **next = &first;
	unsigned int offset;

	for (offset = 0; offset < len; offset += XEN_PAGE_SIZE) {
		/* Zeroed: the backend sees all of it. */
		page = alloc_page(GFP_ATOMIC | __GFP_NOWARN | __GFP_ZERO);
		if (!page) {
			netfront_copy_free(first);
			return NULL;
		}
		*next = page;
		next = (struct page **)&page->private;
	}
	return first;
}

static struct page *copy_skb(const struct sk_buff *skb)
{
	struct page *first = netfront_copy_alloc(skb->len), *page;
	unsigned int offset = 0, len;

	for (page = first; page; page = netfront_copy_next(page)) {
		len = min_t(unsigned int, skb->len - offset, XEN_PAGE_SIZE);
		skb_copy_bits(skb, offset, page_address(page), len);
		offset += len;
	}
	return first;
}

/**
 * netfront_packet_copy() - slots for a copy
 * @pkt:	the packet, which has no slot yet
 * @left:	the packet's length
 * @skb:	the stack's, to be described; or NULL
 * @page:	the copy's first page; each is its slot's from now on
 *
 * Context: any; under &netfront_tx.lock, and there is room.
 */
void netfront_packet_copy(struct netfront_packet *pkt, unsigned int left,
			  const struct sk_buff *skb, struct page *page)
{
	struct netfront_tx_slot *slot;
	struct page *next;
	unsigned int len;

	for (; page; page = next, left -= len) {
		next = netfront_copy_next(page);
		set_page_private(page, 0);
		len = min_t(unsigned int, left, XEN_PAGE_SIZE);
		slot = slot_write(pkt, xen_page_to_gfn(page), 0, len);
		slot->own = page;
		if (pkt->slots == 1 && skb)
			netfront_packet_describe(pkt, skb);
	}
}

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

/**
 * netfront_packet_end() - all slots are written: the packet is whole
 * @pkt:	the packet
 * @kind:	whose it is
 * @bytes:	its length
 * @copied:	for the statistics
 *
 * Context: any; under &netfront_tx.lock.
 * Return: the first slot, which the caller tells whose packet it is.
 */
struct netfront_tx_slot *netfront_packet_end(struct netfront_packet *pkt,
					     enum netfront_tx_kind kind,
					     unsigned int bytes, bool copied)
{
	struct netfront_stats *stats = pkt->queue->stats;
	struct netfront_tx_slot *head = &pkt->queue->tx.slots[pkt->head];

	pkt->first->size = bytes;
	head->kind = kind;
	head->left = pkt->slots;
	head->bytes = bytes;

	u64_stats_update_begin(&stats->tx_sync);
	u64_stats_inc(&stats->tx[NETFRONT_TX_PACKETS]);
	u64_stats_add(&stats->tx[NETFRONT_TX_BYTES], bytes);
	u64_stats_add(&stats->tx[NETFRONT_TX_SLOTS_USED], pkt->slots);
	if (copied)
		u64_stats_inc(&stats->tx[NETFRONT_TX_COPIED]);
	u64_stats_update_end(&stats->tx_sync);
	return head;
}

static bool fits_cell(const struct netfront_tx *tx, const struct sk_buff *skb)
{
	return skb->len <= NETFRONT_TX_CELL_SIZE && !skb_is_gso(skb) &&
	       tx->cells.dev;
}

/*
 * To copy a small packet costs less than to grant its pieces and to take that
 * back.  What else is in the page are packets that the backend has seen.
 *
 * The packet is done with, as long as there are few.  One of many is held till
 * it is answered: what it takes of its sender's share of memory is what keeps
 * senders from filling the ring and the stack's queues.
 *
 * Returns whether it is held.
 */
static bool send_cell(struct netfront_queue *queue, struct sk_buff *skb)
{
	bool held = netfront_tx_under_way(&queue->tx) > NETFRONT_TX_FEW;
	struct netfront_packet pkt = { .queue = queue };
	struct netfront_tx *tx = &queue->tx;
	struct netfront_tx_slot *head;
	unsigned int offset;

	netfront_packet_slot(&pkt, 0, skb->len);
	offset = pkt.head * NETFRONT_TX_CELL_SIZE;
	skb_copy_bits(skb, 0, tx->cells.pages + offset, skb->len);
	pkt.first->gref = tx->cells.refs[offset / XEN_PAGE_SIZE];
	pkt.first->offset = offset % XEN_PAGE_SIZE;
	netfront_packet_describe(&pkt, skb);
	head = netfront_packet_end(&pkt, NETFRONT_TX_CELL, skb->len, true);
	head->txq = skb_get_queue_mapping(skb);
	head->skb = held ? skb : NULL;
	tx->nr_held += held;
	return held;
}

static void send(struct netfront_queue *queue, struct sk_buff *skb,
		 struct page *copy)
{
	struct netfront_packet pkt = { .queue = queue };
	struct netfront_tx_slot *head;

	if (copy)
		netfront_packet_copy(&pkt, skb->len, skb, copy);
	else
		write_granted(&pkt, skb);
	head = netfront_packet_end(&pkt, NETFRONT_TX_SKB, skb->len, copy);
	head->txq = skb_get_queue_mapping(skb);
	head->skb = skb;
	queue->tx.nr_held++;
}

/* Make a packet fit to be granted, or have a copy to grant.  False: no memory. */
static bool prepare(struct netfront_queue *queue, struct sk_buff *skb,
		    struct page **copy)
{
	if (unlikely(skb->len > XEN_NETIF_MAX_TX_SIZE))
		return false;
	if (unlikely(slots_of(skb) > XEN_NETIF_NR_SLOTS_MIN)) {
		if (skb_linearize(skb) ||
		    slots_of(skb) > XEN_NETIF_NR_SLOTS_MIN)
			return false;
	}
	if (unlikely(netfront_needs_copy(queue, skb->data))) {
		*copy = copy_skb(skb);
		return *copy;
	}
	return true;
}

/*
 * The stack goes by what the backend before this one did until its features
 * are brought up to date, and what waits in its queues was made by them.
 */
static bool settle(const struct netfront_config *config, struct sk_buff *skb)
{
	if (skb_is_gso(skb))
		return skb_shinfo(skb)->gso_type & SKB_GSO_TCPV6 ?
			config->gso6 : config->gso4;
	if (vlan_get_protocol(skb) == htons(ETH_P_IPV6) ? config->csum6 :
							  config->csum4)
		return true;
	return !skb_checksum_help(skb);
}

/**
 * netfront_xmit() - &net_device_ops.ndo_start_xmit
 * @skb:	the packet
 * @netdev:	the interface
 *
 * Context: any; the stack's queue is locked.
 * Return: NETDEV_TX_OK, or NETDEV_TX_BUSY if there is no room: others than
 *	   this queue of the stack's may have taken it.
 */
netdev_tx_t netfront_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	struct netfront *nf = netdev_priv(netdev);
	u16 index = skb_get_queue_mapping(skb);
	struct netdev_queue *txq = netdev_get_tx_queue(netdev, index);
	struct netfront_queue *queue = &nf->queues[index % nf->nr_queues];
	struct netfront_tx *tx = &queue->tx;
	bool pieces = skb_is_nonlinear(skb);
	struct sk_buff *done = NULL;
	unsigned int len = skb->len;
	struct page *copy = NULL;
	unsigned long flags;
	bool cell;

	if (skb->ip_summed == CHECKSUM_PARTIAL && !settle(&nf->config, skb))
		goto drop;
	cell = fits_cell(tx, skb);
	if (!cell && !prepare(queue, skb, &copy))
		goto drop;

	spin_lock_irqsave(&tx->lock, flags);
	if (unlikely(!netfront_tx_has_room(tx))) {
		netif_tx_stop_queue(txq);
		tx->stopped = true;
		netfront_tx_push(queue);
		spin_unlock_irqrestore(&tx->lock, flags);
		netfront_copy_free(copy);
		return NETDEV_TX_BUSY;
	}
	if (unlikely(pieces && !skb_is_nonlinear(skb)))
		netfront_tx_count(queue, NETFRONT_TX_LINEARIZED, 1);
	skb_tx_timestamp(skb);
	if (!cell)
		send(queue, skb, copy);
	else if (!send_cell(queue, skb))
		done = skb;
	if (unlikely(!netfront_tx_has_room(tx))) {
		/* netfront_tx_clean() wakes it, under the same lock. */
		netif_tx_stop_queue(txq);
		tx->stopped = true;
	}
	if (__netdev_tx_sent_queue(txq, len, netdev_xmit_more()))
		netfront_tx_push(queue);
	spin_unlock_irqrestore(&tx->lock, flags);
	if (done)
		dev_consume_skb_any(done);
	return NETDEV_TX_OK;

drop:
	dev_kfree_skb_any(skb);
	spin_lock_irqsave(&tx->lock, flags);
	netfront_tx_count(queue, NETFRONT_TX_DROPPED, 1);
	/* Those before it may have counted on it to be the last. */
	if (!netdev_xmit_more())
		netfront_tx_push(queue);
	spin_unlock_irqrestore(&tx->lock, flags);
	return NETDEV_TX_OK;
}

/* ------------------------------------------------------------------------
 * out, but not from the stack
 */

static unsigned int frame_slots(struct xdp_frame *frame)
{
	unsigned int i, slots;

	slots = netfront_pages_of(offset_in_page(frame->data), frame->len);
	if (xdp_frame_has_frags(frame)) {
		const struct skb_shared_info *info =
			xdp_get_shared_info_from_frame(frame);

		for (i = 0; i < info->nr_frags; i++)
			slots += netfront_pages_of(skb_frag_off(&info->frags[i]),
						   skb_frag_size(&info->frags[i]));
	}
	return slots;
}

/* Where the next bytes of a copy go. */
struct copy_end {
	struct page *page;
	unsigned int used;
};

static void copy_append(struct copy_end *end, const void *data,
			unsigned int len)
{
	unsigned int part;

	for (; len; len -= part, data += part) {
		if (end->used == XEN_PAGE_SIZE) {
			end->page = netfront_copy_next(end->page);
			end->used = 0;
		}
		part = min_t(unsigned int, len, XEN_PAGE_SIZE - end->used);
		memcpy(page_address(end->page) + end->used, data, part);
		end->used += part;
	}
}

static struct page *copy_frame(struct xdp_frame *frame)
{
	struct page *first = netfront_copy_alloc(xdp_get_frame_len(frame));
	struct copy_end end = { .page = first };
	unsigned int i;

	if (!first)
		return NULL;
	copy_append(&end, frame->data, frame->len);
	if (xdp_frame_has_frags(frame)) {
		const struct skb_shared_info *info =
			xdp_get_shared_info_from_frame(frame);

		for (i = 0; i < info->nr_frags; i++)
			copy_append(&end, skb_frag_address(&info->frags[i]),
				    skb_frag_size(&info->frags[i]));
	}
	return first;
}

static void write_frame(struct netfront_packet *pkt, struct xdp_frame *frame)
{
	unsigned int i;

	netfront_packet_range(pkt, virt_to_page(frame->data),
			      offset_in_page(frame->data), frame->len);
	if (!xdp_frame_has_frags(frame))
		return;
	for (i = 0; i < xdp_get_shared_info_from_frame(frame)->nr_frags; i++) {
		const skb_frag_t *frag =
			&xdp_get_shared_info_from_frame(frame)->frags[i];

		netfront_packet_range(pkt, skb_frag_page(frag),
				      skb_frag_off(frag), skb_frag_size(frag));
	}
}

static bool send_frame(struct netfront_queue *queue, struct xdp_frame *frame)
{
	unsigned int len = xdp_get_frame_len(frame);
	struct netfront_packet pkt = { .queue = queue };
	struct netfront_tx_slot *head;
	struct page *copy = NULL;

	if (len < ETH_HLEN || len > XEN_NETIF_MAX_TX_SIZE ||
	    frame_slots(frame) > XEN_NETIF_NR_SLOTS_MIN ||
	    !netfront_tx_has_room(&queue->tx))
		return false;
	if (unlikely(netfront_needs_copy(queue, frame->data))) {
		copy = copy_frame(frame);
		if (!copy)
			return false;
		netfront_packet_copy(&pkt, len, NULL, copy);
	} else {
		write_frame(&pkt, frame);
	}
	head = netfront_packet_end(&pkt, NETFRONT_TX_FRAME, len, copy);
	head->frame = frame;
	queue->tx.nr_held++;
	return true;
}

/**
 * netfront_frames_send() - send packets of XDP's
 * @queue:	the queue, which runs
 * @frames:	the packets
 * @nr:		how many
 * @push:	let the backend see them at once, not with netfront_frames_push()
 *
 * Context: NAPI, of this or of another interface.
 * Return: how many, from the first on, are ours now; the others are still the
 *	   caller's.
 */
int netfront_frames_send(struct netfront_queue *queue,
			 struct xdp_frame **frames, int nr, bool push)
{
	struct netfront_tx *tx = &queue->tx;
	unsigned long flags;
	int i;

	spin_lock_irqsave(&tx->lock, flags);
	for (i = 0; i < nr; i++)
		if (!send_frame(queue, frames[i]))
			break;
	if (i < nr)
		netfront_tx_count(queue, NETFRONT_TX_DROPPED, nr - i);
	if (push)
		netfront_tx_push(queue);
	spin_unlock_irqrestore(&tx->lock, flags);
	return i;
}

/**
 * netfront_frames_push() - let the backend see what was sent
 * @queue: the queue
 *
 * Context: any.
 */
void netfront_frames_push(struct netfront_queue *queue)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->tx.lock, flags);
	netfront_tx_push(queue);
	spin_unlock_irqrestore(&queue->tx.lock, flags);
}

/**
 * netfront_tx_mcast() - tell the backend of a multicast group
 * @queue:	the queue, which runs
 * @addr:	the group's Ethernet address
 * @add:	we listen to it from now on, or not any more
 *
 * If the backend refuses, netfront_tx_clean() says so to mcast.c.
 *
 * Context: any.
 * Return: 0, or -EAGAIN if there is no room on the ring.
 */
int netfront_tx_mcast(struct netfront_queue *queue, const u8 *addr, bool add)
{
	struct netfront_packet pkt = { .queue = queue };
	struct netfront_tx *tx = &queue->tx;
	struct xen_netif_extra_info *extra;
	struct netfront_tx_slot *slot;
	unsigned long flags;
	int err = -EAGAIN;

	spin_lock_irqsave(&tx->lock, flags);
	if (netfront_tx_has_room(tx)) {
		slot = netfront_packet_slot(&pkt, 0, 0);
		slot->kind = NETFRONT_TX_MESSAGE;
		slot->left = 1;
		slot->skb = NULL;
		pkt.first->gref = 0;
		extra = netfront_packet_extra(&pkt, add ?
					      XEN_NETIF_EXTRA_TYPE_MCAST_ADD :
					      XEN_NETIF_EXTRA_TYPE_MCAST_DEL);
		ether_addr_copy(extra->u.mcast.addr, addr);
		netfront_tx_push(queue);
		err = 0;
	}
	spin_unlock_irqrestore(&tx->lock, flags);
	return err;
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

/* One answer; false if it makes no sense. */
static bool take_answer(struct netfront_queue *queue,
			const struct xen_netif_tx_response *rsp,
			struct completed *c)
{
	struct netfront_tx *tx = &queue->tx;
	struct netfront_tx_slot *slot, *head;
	bool failed;

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
	if (--head->left)
		return true;

	failed = rsp->status != XEN_NETIF_RSP_OKAY;
	if (failed && head->kind != NETFRONT_TX_MESSAGE)
		netfront_tx_count(queue, NETFRONT_TX_ERRORS, 1);
	switch (head->kind) {
	case NETFRONT_TX_MESSAGE:
		if (failed)
			netfront_mcast_refused(queue->nf);
		slot_put(tx, slot->head);
		return true;
	case NETFRONT_TX_FRAME:
		tx->done[tx->nr_done++] = head->frame;
		head->frame = NULL;
		tx->nr_held--;
		slot_put(tx, slot->head);
		return true;
	case NETFRONT_TX_SKB:
	case NETFRONT_TX_CELL:
		if (!head->skb)
			break;
		__skb_queue_tail(&c->skbs, head->skb);
		head->skb = NULL;
		tx->nr_held--;
		break;
	}
	if (c->txq != head->txq)
		completed_flush(queue, c);
	c->txq = head->txq;
	c->packets++;
	c->bytes += head->bytes;
	slot_put(tx, slot->head);
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
