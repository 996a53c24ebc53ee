// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive buffers: pages of ours that are posted for the backend to copy into.
 *
 * A buffer whose data was copied out stays granted and is posted again.  What
 * a backend that is not trusted can see in a page is what it once wrote there
 * itself, or nothing.
 */
#include <linux/mm.h>
#include <linux/netdevice.h>
#include <net/page_pool/helpers.h>
#include <net/xdp.h>
#include <xen/events.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xenfront.h>

#include "netfront.h"

/* Until there may be memory for buffers again. */
#define RETRY		(HZ / 10)

/**
 * netfront_buffers_create() - make a queue's page pool and grants
 * @queue: the queue
 *
 * There are no buffers yet: NAPI makes them.
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno; netfront_buffers_destroy() undoes what was
 *	   done.
 */
int netfront_buffers_create(struct netfront_queue *queue)
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

static bool buffer_free(struct netfront_rx *rx, struct netfront_buffer *buf,
			bool force)
{
	if (!buf->page)
		return true;
	if (netfront_buffer_revoke(rx, buf)) {
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
 * netfront_buffers_destroy() - undo netfront_buffers_create(), free all buffers
 * @queue:	the queue: no handler, no NAPI
 * @force:	leave pages that the backend still has to it for good
 *
 * Context: process; sleeps.
 * Return: 0, or -EBUSY (see netfront_queues_destroy()).
 */
int netfront_buffers_destroy(struct netfront_queue *queue, bool force)
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
	return 0;
}

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
 * netfront_buffers_refill() - post as many buffers as the ring holds
 * @queue: the queue
 *
 * If there is no memory, NAPI is made to look again later.
 *
 * Context: NAPI.
 */
void netfront_buffers_refill(struct netfront_queue *queue)
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
			netfront_rx_count(queue, NETFRONT_RX_NO_MEMORY, 1);
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
	netfront_rx_count(queue, NETFRONT_RX_NOTIFICATIONS, 1);
	notify_remote_via_irq(rx->shared.irq);
}
