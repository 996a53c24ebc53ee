// SPDX-License-Identifier: GPL-2.0-only
/*
 * The receive ring: what the backend says about the buffers that it has filled
 * makes packets.
 */
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <net/xdp.h>
#include <xen/page.h>
#include <xenfront.h>

#include "netfront.h"

/* The headers of a packet whose data stays in its pages. */
#define PULL		128

/**
 * netfront_rx_stats_read() - counters that belong together
 * @stats:	a queue's
 * @values:	for NETFRONT_RX_COUNTERS numbers
 *
 * Context: any.
 */
void netfront_rx_stats_read(const struct netfront_stats *stats, u64 *values)
{
	unsigned int start, i;

	do {
		start = u64_stats_fetch_begin(&stats->rx_sync);
		for (i = 0; i < NETFRONT_RX_COUNTERS; i++)
			values[i] = u64_stats_read(&stats->rx[i]);
	} while (u64_stats_fetch_retry(&stats->rx_sync, start));
}

/**
 * netfront_rx_create() - make the receive ring, its grants and its page pool
 * @queue: the queue
 *
 * The ring is empty: NAPI fills it.
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno; netfront_rx_destroy() undoes what was done.
 */
int netfront_rx_create(struct netfront_queue *queue)
{
	struct netfront_rx *rx = &queue->rx;
	int err;

	err = xenfront_ring_create(&rx->shared, queue->nf->xf.dev, 0);
	if (err)
		return err;
	SHARED_RING_INIT((struct xen_netif_rx_sring *)rx->shared.pages);
	FRONT_RING_INIT(&rx->front,
			(struct xen_netif_rx_sring *)rx->shared.pages,
			XEN_PAGE_SIZE);

	return netfront_buffers_create(queue);
}

/**
 * netfront_rx_destroy() - undo netfront_rx_create(); drop what was not taken
 * @queue:	the queue: no handler, no NAPI
 * @force:	leave pages that the backend still has to it for good
 *
 * Context: process; sleeps.
 * Return: 0, or -EBUSY (see netfront_queues_destroy()).
 */
int netfront_rx_destroy(struct netfront_queue *queue, bool force)
{
	int err;

	err = netfront_buffers_destroy(queue, force);
	if (err)
		return err;
	xenfront_ring_destroy(&queue->rx.shared);
	return 0;
}

/**
 * struct packet - a packet while its slots are read
 * @program:	of XDP, or NULL
 * @skb:	without a program: what was made of it so far; NULL before that,
 *		and if it is dropped
 * @xdp:	with one: likewise
 * @slots:	how many it had
 * @flags:	of its first slot
 * @headroom:	where its data begin in each buffer
 * @gso:	how it was cut, if it was
 * @hash:	of the flow, if the backend says it
 * @bad:	it cannot be used
 */
struct packet {
	struct bpf_prog *program;
	struct sk_buff *skb;
	struct xdp_buff xdp;
	unsigned int slots;
	u16 flags;
	unsigned int headroom;
	struct xen_netif_extra_info gso;
	struct xen_netif_extra_info hash;
	bool bad;
};

/* The next answer, if there is one; it is copied before it is looked at. */
static bool next_answer(struct netfront_queue *queue, RING_IDX end,
			struct xen_netif_rx_response *rsp,
			struct netfront_buffer **buf)
{
	struct netfront_rx *rx = &queue->rx;

	if (rx->front.rsp_cons == end) {
		xenfront_break(&queue->nf->xf,
			       "backend's packet has no end");
		return false;
	}
	RING_COPY_RESPONSE(&rx->front, rx->front.rsp_cons, rsp);
	*buf = &rx->posted[rx->front.rsp_cons % NETFRONT_RX_SLOTS];
	rx->front.rsp_cons++;
	if (!(*buf)->page) {
		xenfront_break(&queue->nf->xf,
			       "backend filled a buffer that it does not have");
		return false;
	}
	return true;
}

/* What stands between the first slot and the others, instead of buffers. */
static bool take_extras(struct netfront_queue *queue, RING_IDX end,
			struct packet *pkt)
{
	struct xen_netif_rx_response rsp;
	struct xen_netif_extra_info extra;
	struct netfront_buffer *buf;

	BUILD_BUG_ON(sizeof(rsp) != sizeof(extra));
	do {
		if (!next_answer(queue, end, &rsp, &buf))
			return false;
		netfront_buffer_keep(&queue->rx, buf);
		memcpy(&extra, &rsp, sizeof(extra));
		if (!extra.type || extra.type >= XEN_NETIF_EXTRA_TYPE_MAX) {
			xenfront_break(&queue->nf->xf,
				       "backend sent extra information of type %u",
				       extra.type);
			return false;
		}
		if (extra.type == XEN_NETIF_EXTRA_TYPE_GSO)
			pkt->gso = extra;
		else if (extra.type == XEN_NETIF_EXTRA_TYPE_HASH)
			pkt->hash = extra;
		else if (extra.type == XEN_NETIF_EXTRA_TYPE_XDP)
			pkt->headroom = extra.u.xdp.headroom;
	} while (extra.flags & XEN_NETIF_EXTRA_FLAG_MORE);
	return true;
}

/* A buffer's page, which is ours alone from now on; NULL if it is not. */
static struct page *buffer_take(struct netfront_queue *queue,
				struct packet *pkt,
				struct netfront_buffer *buf)
{
	struct page *page = buf->page;

	if (!netfront_buffer_revoke(&queue->rx, buf)) {
		xenfront_break(&queue->nf->xf,
			       "backend is at work on a buffer that it has answered");
		pkt->bad = true;
		return NULL;
	}
	buf->page = NULL;
	return page;
}

static void add_page(struct netfront_queue *queue, struct packet *pkt,
		     struct netfront_buffer *buf, unsigned int offset,
		     unsigned int len)
{
	struct page *page;

	if (skb_shinfo(pkt->skb)->nr_frags == MAX_SKB_FRAGS) {
		pkt->bad = true;
		netfront_buffer_keep(&queue->rx, buf);
		return;
	}
	page = buffer_take(queue, pkt, buf);
	if (page)
		skb_add_rx_frag(pkt->skb, skb_shinfo(pkt->skb)->nr_frags, page,
				offset, len, PAGE_SIZE);
}

static void add_xdp(struct netfront_queue *queue, struct packet *pkt,
		    struct netfront_buffer *buf, unsigned int offset,
		    unsigned int len)
{
	struct page *page = buffer_take(queue, pkt, buf);

	if (page && netfront_xdp_add(queue, &pkt->xdp, page, offset, len))
		pkt->bad = true;
}

static void add_data(struct netfront_queue *queue, struct packet *pkt,
		     struct netfront_buffer *buf, unsigned int offset,
		     unsigned int len, bool last)
{
	void *data = page_address(buf->page) + offset;
	unsigned int pull = len;

	if (!pkt->skb) {
		if (!last || len > READ_ONCE(queue->nf->copybreak))
			pull = min_t(unsigned int, len, PULL);
		pkt->skb = napi_alloc_skb(queue->napi,
					  max_t(unsigned int, pull, PULL));
		if (!pkt->skb) {
			netfront_rx_count(queue, NETFRONT_RX_NO_MEMORY, 1);
			pkt->bad = true;
			netfront_buffer_keep(&queue->rx, buf);
			return;
		}
		skb_mark_for_recycle(pkt->skb);
		if (last && len > pull)
			pull = eth_get_headlen(queue->nf->netdev, data, pull);
		skb_put_data(pkt->skb, data, pull);
		if (pull == len) {
			netfront_rx_count(queue, NETFRONT_RX_COPIED, 1);
			netfront_buffer_keep(&queue->rx, buf);
			return;
		}
	} else {
		pull = 0;
	}
	add_page(queue, pkt, buf, offset + pull, len - pull);
}

/* One slot with data.  False if what the backend says makes no sense. */
static bool take_slot(struct netfront_queue *queue, struct packet *pkt,
		      const struct xen_netif_rx_response *rsp,
		      struct netfront_buffer *buf)
{
	bool last = !(rsp->flags & XEN_NETRXF_more_data);
	unsigned int start = rsp->offset + pkt->headroom;
	/* The room before the data counts, says Linux' backend. */
	unsigned int end = rsp->offset + rsp->status;

	if (rsp->status <= 0) {
		pkt->bad = true;
	} else if (end > XEN_PAGE_SIZE || start >= end ||
		   (pkt->slots == 1 && end - start < ETH_HLEN)) {
		xenfront_break(&queue->nf->xf,
			       "backend wrote %d bytes at %u of a buffer",
			       rsp->status, start);
		return false;
	}
	if (pkt->bad)
		netfront_buffer_keep(&queue->rx, buf);
	else if (pkt->program)
		add_xdp(queue, pkt, buf, start, end - start);
	else
		add_data(queue, pkt, buf, start, end - start, last);
	return true;
}

/* All slots of one packet.  False: the ring cannot be trusted. */
static bool take_packet(struct netfront_queue *queue, RING_IDX end,
			struct packet *pkt)
{
	struct xen_netif_rx_response rsp;
	struct netfront_buffer *buf;

	do {
		if (!next_answer(queue, end, &rsp, &buf))
			return false;
		if (rsp.id != buf - queue->rx.posted) {
			xenfront_break(&queue->nf->xf,
				       "backend answered buffer %u instead of %zd",
				       rsp.id, buf - queue->rx.posted);
			return false;
		}
		if (!pkt->slots++) {
			pkt->flags = rsp.flags;
			if ((rsp.flags & XEN_NETRXF_extra_info) &&
			    !take_extras(queue, end, pkt))
				return false;
		}
		if (!take_slot(queue, pkt, &rsp, buf))
			return false;
	} while (rsp.flags & XEN_NETRXF_more_data);
	return true;
}

static bool set_gso(struct sk_buff *skb,
		    const struct xen_netif_extra_info *gso)
{
	if (!gso->type)
		return true;
	if (!gso->u.gso.size)
		return false;
	switch (gso->u.gso.type) {
	case XEN_NETIF_GSO_TYPE_TCPV4:
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
		break;
	case XEN_NETIF_GSO_TYPE_TCPV6:
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV6;
		break;
	default:
		return false;
	}
	/* The headers are to be checked, and the segments counted. */
	skb_shinfo(skb)->gso_type |= SKB_GSO_DODGY;
	skb_shinfo(skb)->gso_size = gso->u.gso.size;
	return true;
}

static bool set_checksum(struct netfront_queue *queue, struct packet *pkt)
{
	struct sk_buff *skb = pkt->skb;
	bool recalculate = false;

	if (pkt->flags & XEN_NETRXF_csum_blank)
		skb->ip_summed = CHECKSUM_PARTIAL;
	else if (pkt->flags & XEN_NETRXF_data_validated)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	/* Some backends forget to say so of what is to be segmented. */
	if (skb_is_gso(skb) && skb->ip_summed != CHECKSUM_PARTIAL) {
		netfront_rx_count(queue, NETFRONT_RX_CSUM_FIXED, 1);
		skb->ip_summed = CHECKSUM_PARTIAL;
		recalculate = true;
	}
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return true;
	return !skb_checksum_setup(skb, recalculate);
}

/* The hash that the backend spread packets by: see rss.c. */
static void set_hash(struct sk_buff *skb,
		     const struct xen_netif_extra_info *hash)
{
	u32 value;

	if (!hash->type ||
	    hash->u.hash.algorithm != XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ)
		return;
	memcpy(&value, hash->u.hash.value, sizeof(value));
	switch (hash->u.hash.type) {
	case _XEN_NETIF_CTRL_HASH_TYPE_IPV4:
	case _XEN_NETIF_CTRL_HASH_TYPE_IPV6:
		skb_set_hash(skb, value, PKT_HASH_TYPE_L3);
		break;
	case _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP:
	case _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP:
		skb_set_hash(skb, value, PKT_HASH_TYPE_L4);
		break;
	}
}

static void count_packet(struct netfront_queue *queue,
			 const struct packet *pkt, unsigned int len)
{
	u64_stats_update_begin(&queue->stats->rx_sync);
	u64_stats_inc(&queue->stats->rx[NETFRONT_RX_PACKETS]);
	u64_stats_add(&queue->stats->rx[NETFRONT_RX_BYTES], len);
	u64_stats_add(&queue->stats->rx[NETFRONT_RX_SLOTS_USED], pkt->slots);
	u64_stats_update_end(&queue->stats->rx_sync);
}

/* What the stack gets, its protocol set; NULL if it gets nothing. */
static struct sk_buff *finish(struct netfront_queue *queue, struct packet *pkt)
{
	enum netfront_rx_counter verdict;
	struct sk_buff *skb = pkt->skb;

	if (!pkt->program) {
		count_packet(queue, pkt, skb->len);
		skb->protocol = eth_type_trans(skb, queue->nf->netdev);
		return skb;
	}
	count_packet(queue, pkt, xdp_get_buff_len(&pkt->xdp));
	skb = netfront_xdp_run(queue, pkt->program, &pkt->xdp, &verdict);
	netfront_rx_count(queue, verdict, 1);
	return skb;
}

static void deliver(struct netfront_queue *queue, struct packet *pkt)
{
	struct sk_buff *skb = finish(queue, pkt);

	if (!skb)
		return;
	pkt->skb = skb;
	skb_reset_network_header(skb);
	if (!set_gso(skb, &pkt->gso) || !set_checksum(queue, pkt)) {
		netfront_rx_count(queue, NETFRONT_RX_ERRORS, 1);
		kfree_skb(skb);
		return;
	}
	set_hash(skb, &pkt->hash);
	/* Of queues that are new the stack is told later. */
	if (likely(queue->id <
		   READ_ONCE(queue->nf->netdev->real_num_rx_queues)))
		skb_record_rx_queue(skb, queue->id);
	napi_gro_receive(queue->napi, skb);
}

static void drop(struct netfront_queue *queue, struct packet *pkt)
{
	if (pkt->program)
		netfront_xdp_drop(queue, &pkt->xdp);
	else
		kfree_skb(pkt->skb);
}

/**
 * netfront_rx_poll() - take packets, and post buffers for others
 * @queue:	the queue
 * @budget:	the most packets
 *
 * Context: NAPI.
 * Return: how many there were.
 */
int netfront_rx_poll(struct netfront_queue *queue, int budget)
{
	struct netfront_rx *rx = &queue->rx;
	struct bpf_prog *program;
	RING_IDX end;
	int done = 0;

	end = READ_ONCE(rx->front.sring->rsp_prod);
	if (RING_RESPONSE_PROD_OVERFLOW(&rx->front, end)) {
		xenfront_break(&queue->nf->xf,
			       "backend claims %u answers to %u buffers",
			       end - rx->front.rsp_cons,
			       rx->front.req_prod_pvt - rx->front.rsp_cons);
		return 0;
	}
	/* Read the answers after the index that covers them. */
	virt_rmb();
	program = rcu_dereference_bh(queue->nf->program);
	while (rx->front.rsp_cons != end && done < budget) {
		struct packet pkt = { .program = program };

		if (!take_packet(queue, end, &pkt)) {
			drop(queue, &pkt);
			break;
		}
		done++;
		if (likely(!pkt.bad)) {
			deliver(queue, &pkt);
			continue;
		}
		drop(queue, &pkt);
		netfront_rx_count(queue, NETFRONT_RX_DROPPED, 1);
	}
	if (program)
		netfront_xdp_flush(queue);
	if (likely(xenfront_usable(&queue->nf->xf)))
		netfront_buffers_refill(queue);
	return done;
}

/**
 * netfront_rx_more() - ask for an event, and look whether it is too late for it
 * @queue: the queue
 *
 * Context: NAPI, or as good as.
 * Return: true if there are packets now.
 */
bool netfront_rx_more(struct netfront_queue *queue)
{
	struct netfront_rx *rx = &queue->rx;
	struct xen_netif_rx_sring *sring = rx->front.sring;
	RING_IDX cons = rx->front.rsp_cons;

	WRITE_ONCE(sring->rsp_event, cons + 1);
	/* The wish before the look; pairs with the backend's own order. */
	virt_mb();
	return READ_ONCE(sring->rsp_prod) != cons;
}
