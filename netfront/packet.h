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

struct netfront_tx_slot *netfront_packet_slot(struct netfront_packet *pkt,
					      unsigned int offset,
					      unsigned int len);
void netfront_packet_range(struct netfront_packet *pkt, struct page *page,
			   unsigned int offset, unsigned int len);
struct xen_netif_extra_info *
netfront_packet_extra(struct netfront_packet *pkt, u8 type);
void netfront_packet_describe(struct netfront_packet *pkt,
			      const struct sk_buff *skb);
void netfront_packet_copy(struct netfront_packet *pkt, unsigned int left,
			  const struct sk_buff *skb, struct page *page);
struct netfront_tx_slot *netfront_packet_end(struct netfront_packet *pkt,
					     enum netfront_tx_kind kind,
					     unsigned int bytes, bool copied);

#endif /* _NETFRONT_PACKET_H */
