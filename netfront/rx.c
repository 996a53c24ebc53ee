// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive: pages of ours are posted, the backend copies into them, and what
 * it says about them makes a packet.
 *
 * A buffer whose data was copied out stays granted and is posted again.  What
 * a backend that is not trusted can see in a page is what it once wrote there
 * itself, or nothing.
 */
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <net/page_pool/helpers.h>
#include <net/xdp.h>
#include <xen/events.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xenfront.h>

#include "netfront.h"

/* The headers of a packet whose data stays in its pages. */
#define PULL		128
/* Until there may be memory for buffers again. */
#define RETRY		(HZ / 10)

static void count(struct netfront_queue *queue,
		  enum netfront_rx_counter counter, u64 nr)
{
	u64_stats_update_begin(&queue->stats->rx_sync);
	u64_stats_add(&queue->stats->rx[counter], nr);
	u64_stats_update_end(&queue->stats->rx_sync);
}

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
	struct page_pool_params params = {
		.pool_size = NETFRONT_RX_SLOTS,
		.nid = NUMA_NO_NODE,
		.dev = &queue->nf->xf.dev->dev,
	};
	struct page_pool *pool;
	grant_ref_t head;
	int err;

	err = xenfront_ring_create(&rx->shared, queue->nf->xf.dev, 0);
	if (err)
		return err;
	SHARED_RING_INIT((struct xen_netif_rx_sring *)rx->shared.pages);
	FRONT_RING_INIT(&rx->front,
			(struct xen_netif_rx_sring *)rx->shared.pages,
			XEN_PAGE_SIZE);

	pool = page_pool_create(&params);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	rx->pool = pool;

	err = __xdp_rxq_info_reg(&rx->xdp, queue->nf->netdev, queue->id,
				 queue->napi->napi_id, PAGE_SIZE);
	if (err)
		return err;
	err = xdp_rxq_info_reg_mem_model(&rx->xdp, MEM_TYPE_PAGE_POOL, pool);
	if (err)
		return err;

	err = gnttab_alloc_grant_references(NETFRONT_RX_SLOTS, &head);
	if (err < 0)
		return err;
	while (rx->nr_refs < NETFRONT_RX_SLOTS)
		rx->refs[rx->nr_refs++] = gnttab_claim_grant_reference(&head);
	return 0;
}

/* Hide a buffer from the backend again.  False: it is at work on it. */
static bool buffer_revoke(struct netfront_rx *rx, struct netfront_buffer *buf)
{
	if (!gnttab_end_foreign_access_ref(buf->ref))
		return false;
	rx->refs[rx->nr_refs++] = buf->ref;
	return true;
}

static bool buffer_free(struct netfront_rx *rx, struct netfront_buffer *buf,
			bool force)
{
	if (!buf->page)
		return true;
	if (buffer_revoke(rx, buf)) {
		page_pool_put_full_page(rx->pool, buf->page, false);
	} else if (force) {
		/* The backend may write to it for ever: nobody else gets it. */
		gnttab_end_foreign_access(buf->ref, NULL);
	} else {
		return false;
	}
	buf->page = NULL;
	return true;
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
	struct netfront_rx *rx = &queue->rx;
	bool busy = false;
	unsigned int i;

	for (i = 0; i < NETFRONT_RX_SLOTS; i++) {
		if (!buffer_free(rx, &rx->posted[i], force))
			busy = true;
		if (i < rx->nr_spare && !buffer_free(rx, &rx->spare[i], force))
			busy = true;
	}
	if (busy)
		return -EBUSY;

	rx->nr_spare = 0;
	while (rx->nr_refs)
		gnttab_free_grant_reference(rx->refs[--rx->nr_refs]);
	if (xdp_rxq_info_is_reg(&rx->xdp))
		xdp_rxq_info_unreg(&rx->xdp);
	if (rx->pool)
		page_pool_destroy(rx->pool);
	rx->pool = NULL;
	xenfront_ring_destroy(&rx->shared);
	return 0;
}

/* ------------------------------------------------------------------------
 * out: empty buffers
 */

static bool buffer_make(struct netfront_queue *queue,
			struct netfront_buffer *buf)
{
	struct netfront_rx *rx = &queue->rx;

	if (rx->nr_spare) {
		*buf = rx->spare[--rx->nr_spare];
		rx->spare[rx->nr_spare].page = NULL;
		return true;
	}
	if (!rx->nr_refs)
		return false;
	/* Zeroed when it comes from the system, for the backend can see it. */
	buf->page = page_pool_alloc_pages(rx->pool, GFP_ATOMIC | __GFP_NOWARN |
					  __GFP_ZERO);
	if (!buf->page)
		return false;
	/* Somebody may have worked in it since it was a buffer last. */
	if (queue->nf->bounce)
		clear_page(page_address(buf->page));
	buf->ref = rx->refs[--rx->nr_refs];
	gnttab_grant_foreign_access_ref(buf->ref,
					queue->nf->xf.dev->otherend_id,
					xen_page_to_gfn(buf->page), 0);
	return true;
}

/**
 * netfront_rx_refill() - post as many buffers as the ring holds
 * @queue: the queue
 *
 * If there is no memory, NAPI is made to look again later.
 *
 * Context: NAPI.
 */
void netfront_rx_refill(struct netfront_queue *queue)
{
	struct netfront_rx *rx = &queue->rx;
	struct xen_netif_rx_sring *sring = rx->front.sring;
	struct xen_netif_rx_request *req;
	struct netfront_buffer *buf;
	unsigned int id;

	while (!RING_FULL(&rx->front)) {
		id = rx->front.req_prod_pvt % NETFRONT_RX_SLOTS;
		buf = &rx->posted[id];
		if (!buffer_make(queue, buf)) {
			count(queue, NETFRONT_RX_NO_MEMORY, 1);
			netfront_queue_look_later(queue, RETRY);
			break;
		}
		req = RING_GET_REQUEST(&rx->front, rx->front.req_prod_pvt++);
		req->id = id;
		req->pad = 0;
		req->gref = buf->ref;
	}
	if (!xenfront_ring_push(&rx->pushed, rx->front.req_prod_pvt,
				&sring->req_prod, &sring->req_event))
		return;
	count(queue, NETFRONT_RX_NOTIFICATIONS, 1);
	notify_remote_via_irq(rx->shared.irq);
}

/* ------------------------------------------------------------------------
 * in: full ones
 */

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

static void buffer_keep(struct netfront_rx *rx, struct netfront_buffer *buf)
{
	rx->spare[rx->nr_spare++] = *buf;
	buf->page = NULL;
}

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
		buffer_keep(&queue->rx, buf);
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

	if (!buffer_revoke(&queue->rx, buf)) {
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
		buffer_keep(&queue->rx, buf);
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
			count(queue, NETFRONT_RX_NO_MEMORY, 1);
			pkt->bad = true;
			buffer_keep(&queue->rx, buf);
			return;
		}
		skb_mark_for_recycle(pkt->skb);
		if (last && len > pull)
			pull = eth_get_headlen(queue->nf->netdev, data, pull);
		skb_put_data(pkt->skb, data, pull);
		if (pull == len) {
			count(queue, NETFRONT_RX_COPIED, 1);
			buffer_keep(&queue->rx, buf);
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
		buffer_keep(&queue->rx, buf);
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
		count(queue, NETFRONT_RX_CSUM_FIXED, 1);
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
	count(queue, verdict, 1);
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
		count(queue, NETFRONT_RX_ERRORS, 1);
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
		count(queue, NETFRONT_RX_DROPPED, 1);
	}
	if (program)
		netfront_xdp_flush(queue);
	if (likely(xenfront_usable(&queue->nf->xf)))
		netfront_rx_refill(queue);
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
