// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stack's packets: copied if they are small, and granted otherwise.
 */
#include <linux/if_vlan.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <xen/page.h>
#include <xenfront.h>

#include "netfront.h"
#include "packet.h"

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
 *
 * False: what this backend cannot is not done.
 */
static bool settle(const struct netfront_config *config, struct sk_buff *skb)
{
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return true;
	if (skb_is_gso(skb))
		return skb_shinfo(skb)->gso_type & SKB_GSO_TCPV6 ?
			config->gso6 : config->gso4;
	if (vlan_get_protocol(skb) == htons(ETH_P_IPV6) ? config->csum6 :
							  config->csum4)
		return true;
	return !skb_checksum_help(skb);
}

/* A packet that is not sent. */
static void drop(struct netfront_queue *queue, struct sk_buff *skb)
{
	unsigned long flags;

	dev_kfree_skb_any(skb);
	spin_lock_irqsave(&queue->tx.lock, flags);
	netfront_tx_count(queue, NETFRONT_TX_DROPPED, 1);
	/* Those before it may have counted on it to be the last. */
	if (!netdev_xmit_more())
		netfront_tx_push(queue);
	spin_unlock_irqrestore(&queue->tx.lock, flags);
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

	cell = fits_cell(tx, skb);
	if (!settle(&nf->config, skb) ||
	    (!cell && !prepare(queue, skb, &copy))) {
		drop(queue, skb);
		return NETDEV_TX_OK;
	}

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
}
