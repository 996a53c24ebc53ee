/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet that is being written to the transmit ring: what those share who
 * have something to send.
 */
#ifndef _NETFRONT_PACKET_H
#define _NETFRONT_PACKET_H

#include <linux/if_ether.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <xen/interface/io/netif.h>
#include <xen/page.h>

#include "netfront.h"

/**
 * struct netfront_packet - a packet while its slots are written
 * @queue:	the queue, which the caller has given; all else begins as 0
 * @first:	the first slot's request; NULL as long as there is none
 * @last:	the last one's so far
 * @head:	the first slot's id
 * @slots:	how many there are so far
 *
 * Under &netfront_tx.lock from the first slot to the last.
 */
struct netfront_packet {
	struct netfront_queue *queue;
	struct xen_netif_tx_request *first;
	struct xen_netif_tx_request *last;
	unsigned int head;
	unsigned int slots;
};

/**
 * netfront_pages_of() - how many slots a piece takes
 * @offset:	where it begins, in any page
 * @len:	its length
 *
 * Context: any.
 * Return: the pages that it touches.
 */
static inline unsigned int netfront_pages_of(unsigned int offset,
					     unsigned int len)
{
	return DIV_ROUND_UP(offset % XEN_PAGE_SIZE + len, XEN_PAGE_SIZE);
}

/**
 * netfront_needs_copy() - whether a packet's own pages cannot be granted
 * @queue:	the queue
 * @data:	the packet's first byte
 *
 * A first slot that ends at a page's end may be too short.
 *
 * Context: any.
 * Return: true if netfront_packet_copy() is needed.
 */
static inline bool netfront_needs_copy(const struct netfront_queue *queue,
				       const void *data)
{
	return queue->nf->bounce ||
	       XEN_PAGE_SIZE - offset_in_page(data) % XEN_PAGE_SIZE < ETH_HLEN;
}

/**
 * netfront_copy_next() - the page behind one of a copy
 * @page: of netfront_copy_alloc()'s
 *
 * Context: any.
 * Return: the page, or NULL.
 */
static inline struct page *netfront_copy_next(const struct page *page)
{
	return (struct page *)page->private;
}

struct page *netfront_copy_alloc(unsigned int len);
void netfront_copy_free(struct page *page);

void netfront_packet_range(struct netfront_packet *pkt, struct page *page,
			   unsigned int offset, unsigned int len);
struct xen_netif_extra_info *
netfront_packet_extra(struct netfront_packet *pkt, u8 type);
void netfront_packet_gso(struct netfront_packet *pkt,
			 const struct sk_buff *skb);
void netfront_packet_copy(struct netfront_packet *pkt, unsigned int left,
			  const struct sk_buff *skb, struct page *page);

/*
 * What is done for each packet or slot: calls to another file would cost small
 * packets some parts in a thousand.
 */

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
static inline struct netfront_tx_slot *
netfront_packet_slot(struct netfront_packet *pkt, unsigned int offset,
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

/**
 * netfront_packet_describe() - say what the stack knows of a packet
 * @pkt:	the packet, which has one slot so far
 * @skb:	the stack's
 *
 * Context: any; under &netfront_tx.lock, and there is room.
 */
static inline void netfront_packet_describe(struct netfront_packet *pkt,
					    const struct sk_buff *skb)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		pkt->first->flags |= XEN_NETTXF_csum_blank |
				     XEN_NETTXF_data_validated;
	else if (skb->ip_summed == CHECKSUM_UNNECESSARY)
		pkt->first->flags |= XEN_NETTXF_data_validated;
	if (skb_is_gso(skb))
		netfront_packet_gso(pkt, skb);
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
static inline struct netfront_tx_slot *
netfront_packet_end(struct netfront_packet *pkt, enum netfront_tx_kind kind,
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

#endif /* _NETFRONT_PACKET_H */
