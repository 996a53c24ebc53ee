// SPDX-License-Identifier: GPL-2.0-only
/*
 * XDP's packets: what a program sends back, and what comes from other
 * interfaces.
 */
#include <linux/if_ether.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <net/xdp.h>
#include <xen/page.h>
#include <xenfront.h>

#include "netfront.h"
#include "packet.h"

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
 * netfront_xdp_xmit() - &net_device_ops.ndo_xdp_xmit
 * @netdev:	the interface
 * @nr:		how many frames
 * @frames:	the frames
 * @flags:	XDP_XMIT_*
 *
 * Context: another interface's NAPI.
 * Return: how many were sent; the caller frees the others.  A negative errno
 *	   if none can be.
 */
int netfront_xdp_xmit(struct net_device *netdev, int nr,
		      struct xdp_frame **frames, u32 flags)
{
	struct netfront *nf = netdev_priv(netdev);
	struct netfront_queue *queue;

	if (flags & ~XDP_XMIT_FLAGS_MASK)
		return -EINVAL;
	/* Pairs with update_running(): whoever stops waits for us. */
	if (!smp_load_acquire(&nf->running))
		return -ENETDOWN;
	if (!xenfront_usable(&nf->xf))
		return -EIO;
	queue = &nf->queues[smp_processor_id() % nf->nr_queues];
	return netfront_frames_send(queue, frames, nr, flags & XDP_XMIT_FLUSH);
}
