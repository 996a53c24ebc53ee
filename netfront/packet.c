// SPDX-License-Identifier: GPL-2.0-only
/*
 * A packet that is being written to the transmit ring.
 *
 * The protocol's rules (io/netif.h), and what Linux' backend rejects:
 *  - the first slot says the length of the whole packet, the others their own;
 *  - extra information takes the place in the ring behind the first slot;
 *  - no slot crosses a page, none is empty, and there are at most
 *    XEN_NETIF_NR_SLOTS_MIN of them;
 *  - the first one holds an Ethernet header at least.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/skbuff.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xenfront.h>

#include "netfront.h"
#include "packet.h"

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

/**
 * netfront_packet_gso() - say how a packet is to be segmented
 * @pkt:	the packet, which has one slot so far
 * @skb:	the stack's
 *
 * Context: any; under &netfront_tx.lock, and there is room.
 */
void netfront_packet_gso(struct netfront_packet *pkt,
			 const struct sk_buff *skb)
{
	struct xen_netif_extra_info *extra;

	extra = netfront_packet_extra(pkt, XEN_NETIF_EXTRA_TYPE_GSO);
	extra->u.gso.size = skb_shinfo(skb)->gso_size;
	extra->u.gso.type = skb_shinfo(skb)->gso_type & SKB_GSO_TCPV6 ?
		XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4;
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
