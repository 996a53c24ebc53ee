/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The receive half of a queue: the ring (rx.c) and its buffers (buffer.c).
 */
#ifndef _NETFRONT_RX_H
#define _NETFRONT_RX_H

#include <linux/types.h>
#include <net/xdp.h>
#include <xen/grant_table.h>
#include <xen/interface/io/netif.h>
#include <xenfront.h>

struct netfront_queue;
struct netfront_stats;
struct page;
struct page_pool;

#define NETFRONT_RX_SLOTS	\
	__CONST_RING_SIZE(xen_netif_rx, XEN_PAGE_SIZE)

/**
 * struct netfront_buffer - a page that the backend may write to
 * @page:	from the queue's page pool, or NULL
 * @ref:	its grant
 */
struct netfront_buffer {
	struct page *page;
	grant_ref_t ref;
};

/**
 * struct netfront_rx - the receive half of a queue; NAPI's
 * @shared:	the ring's page and the channel
 * @front:	the ring's private indices
 * @pushed:	how far the backend may read
 * @posted:	by ring index, what the backend has
 * @spare:	stack of buffers that are granted and not posted
 * @nr_spare:	its height
 * @refs:	stack of grants without a page
 * @nr_refs:	its height
 * @pool:	where pages come from
 * @xdp:	what XDP programs know of this queue
 */
struct netfront_rx {
	struct xenfront_ring shared;
	struct xen_netif_rx_front_ring front;
	RING_IDX pushed;
	struct netfront_buffer posted[NETFRONT_RX_SLOTS];
	struct netfront_buffer spare[NETFRONT_RX_SLOTS];
	unsigned int nr_spare;
	grant_ref_t refs[NETFRONT_RX_SLOTS];
	unsigned int nr_refs;
	struct page_pool *pool;
	struct xdp_rxq_info xdp;
};

/**
 * netfront_buffer_revoke() - hide a buffer from the backend again
 * @rx:		the receive half
 * @buf:	the buffer, whose page the caller takes
 *
 * Context: NAPI, or nobody else uses the queue.
 * Return: true; false if the backend is at work on it.
 */
static inline bool netfront_buffer_revoke(struct netfront_rx *rx,
					  const struct netfront_buffer *buf)
{
	if (!gnttab_end_foreign_access_ref(buf->ref))
		return false;
	rx->refs[rx->nr_refs++] = buf->ref;
	return true;
}

/**
 * netfront_buffer_keep() - have a buffer posted again, granted as it is
 * @rx:		the receive half
 * @buf:	the buffer; empty when it returns
 *
 * Context: NAPI.
 */
static inline void netfront_buffer_keep(struct netfront_rx *rx,
					struct netfront_buffer *buf)
{
	rx->spare[rx->nr_spare++] = *buf;
	buf->page = NULL;
}

/* Counters of one queue that NAPI writes. */
enum netfront_rx_counter {
	NETFRONT_RX_PACKETS,
	NETFRONT_RX_BYTES,
	NETFRONT_RX_DROPPED,
	NETFRONT_RX_ERRORS,		/* not what the backend says it is */
	NETFRONT_RX_COPIED,		/* buffers that were posted again */
	NETFRONT_RX_SLOTS_USED,
	NETFRONT_RX_NOTIFICATIONS,
	NETFRONT_RX_NO_MEMORY,
	NETFRONT_RX_CSUM_FIXED,		/* segments without a blank checksum */
	NETFRONT_RX_XDP_PASSED,
	NETFRONT_RX_XDP_DROPPED,
	NETFRONT_RX_XDP_SENT,
	NETFRONT_RX_XDP_REDIRECTED,
	NETFRONT_RX_COUNTERS
};

void netfront_rx_stats_read(const struct netfront_stats *stats, u64 *values);
int netfront_rx_create(struct netfront_queue *queue);
int netfront_rx_destroy(struct netfront_queue *queue, bool force);
int netfront_rx_poll(struct netfront_queue *queue, int budget);
bool netfront_rx_more(struct netfront_queue *queue);

int netfront_buffers_create(struct netfront_queue *queue);
int netfront_buffers_destroy(struct netfront_queue *queue, bool force);
void netfront_buffers_refill(struct netfront_queue *queue);

#endif /* _NETFRONT_RX_H */
