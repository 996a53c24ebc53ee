// SPDX-License-Identifier: GPL-2.0-only
/*
 * The block layer's side: blk-mq's hardware queues.
 */
#include <linux/blk-mq.h>
#include <linux/jiffies.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <xenfront.h>

#include "blkfront.h"

/* How much longer than others a discard or a secure erase may take. */
#define ERASE_FACTOR	10

/**
 * blkfront_queue_id() - the number a request has on the ring
 * @rq: a request with a driver tag
 *
 * Unique among all requests of the disk, whichever ring they are on, so that
 * queues can share a ring.
 *
 * Return: an index into &blkfront.inflight.
 */
unsigned int blkfront_queue_id(struct request *rq)
{
	struct blkfront *bf = rq->q->queuedata;

	return rq->mq_hctx->queue_num * bf->tags.queue_depth + rq->tag;
}

static unsigned int nr_ids(const struct blkfront *bf)
{
	return bf->tags.nr_hw_queues * bf->tags.queue_depth;
}

/**
 * blkfront_queue_take() - take a request from the backend
 * @bf:	the disk
 * @id:	what the backend calls it; any value
 *
 * Context: any.
 * Return: the request, which nobody else gets; NULL if the backend has none
 *	   by that name.
 */
struct request *blkfront_queue_take(struct blkfront *bf, u64 id)
{
	if (id >= nr_ids(bf))
		return NULL;
	id = array_index_nospec(id, nr_ids(bf));
	return xchg(&bf->inflight[id], NULL);
}

static blk_status_t blkfront_queue_rq(struct blk_mq_hw_ctx *hctx,
				      const struct blk_mq_queue_data *bd)
{
	struct blkfront *bf = hctx->queue->queuedata;
	struct request *rq = bd->rq;
	struct blkfront_ring *ring;
	blk_status_t status;

	if (unlikely(READ_ONCE(bf->dead)))
		return BLK_STS_IOERR;
	/* The lifecycle is about to stop the queue. */
	if (unlikely(!xenfront_usable(&bf->xf)))
		return BLK_STS_RESOURCE;

	/* What a backend without a cache has written needs no flush. */
	if (unlikely(req_op(rq) == REQ_OP_FLUSH && !blkfront_has_cache(bf))) {
		blk_mq_start_request(rq);
		blk_mq_end_request(rq, BLK_STS_OK);
		return BLK_STS_OK;
	}

	ring = &bf->rings[hctx->queue_num % bf->shape.nr_rings];
	status = blkfront_request_prepare(bf, ring, rq);
	if (status != BLK_STS_OK)
		goto err_push;

	blk_mq_start_request(rq);
	if (likely(blkfront_ring_submit(ring, rq, bd->last)))
		return BLK_STS_OK;

	/* Queues that share a ring, or a ring that shrank. */
	blkfront_request_unprepare(rq);
	status = BLK_STS_RESOURCE;
err_push:
	/* commit_rqs is not called for a batch whose last one fails. */
	blkfront_ring_push(ring);
	return status;
}

static void blkfront_commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	struct blkfront *bf = hctx->queue->queuedata;

	if (xenfront_usable(&bf->xf) && !READ_ONCE(bf->dead))
		blkfront_ring_push(&bf->rings[hctx->queue_num %
					      bf->shape.nr_rings]);
}

/* Take in one answer.  True: the request is over, and ends with @status. */
static bool finish(struct blkfront *bf, struct request *rq,
		   blk_status_t *status)
{
	if (likely(blkfront_request_finish(bf, rq, status)))
		return true;
	blk_mq_requeue_request(rq, true);
	return false;
}

/* On the CPU that wants it, if that is another one than the interrupt's. */
static void blkfront_complete(struct request *rq)
{
	blk_status_t status;

	if (finish(rq->q->queuedata, rq, &status))
		blk_mq_end_request(rq, status);
}

/**
 * blkfront_queue_complete() - complete requests that the backend answered
 * @bf:		the disk
 * @answered:	a list of them, in the order of the answers
 *
 * Context: any.
 */
void blkfront_queue_complete(struct blkfront *bf, struct request *answered)
{
	DEFINE_IO_COMP_BATCH(batch);
	struct request *rq;
	blk_status_t status;

	while ((rq = answered)) {
		answered = blkfront_slot(rq)->next;
		if (blk_mq_complete_request_remote(rq))
			continue;
		if (!finish(bf, rq, &status))
			continue;
		if (!blk_mq_add_to_batch(rq, &batch, status != BLK_STS_OK,
					 blk_mq_end_request_batch))
			blk_mq_end_request(rq, status);
	}
	if (batch.complete)
		batch.complete(&batch);
}

static enum blk_eh_timer_return blkfront_timeout(struct request *rq)
{
	struct blkfront *bf = rq->q->queuedata;
	struct blkfront_slot *slot = blkfront_slot(rq);
	char text[80];

	/* While the backend is away, requests wait, and everybody knows why. */
	if (READ_ONCE(bf->xf.phase) != XENFRONT_CONNECTED ||
	    (slot->state != BLKFRONT_SLOT_RING &&
	     slot->state != BLKFRONT_SLOT_DOUBTED))
		return BLK_EH_RESET_TIMER;

	/* To erase much may take its time, and would take it again. */
	if (slot->op == BLKIF_OP_DISCARD &&
	    time_before(jiffies, slot->issued + ERASE_FACTOR * rq->timeout))
		return BLK_EH_RESET_TIMER;

	blkfront_request_describe(rq, text, sizeof(text));
	xenfront_give_up(&bf->xf, "%s has had no answer for %u s", text,
			 jiffies_to_msecs(jiffies - slot->issued) / 1000);
	return BLK_EH_RESET_TIMER;
}

static const struct blk_mq_ops queue_ops = {
	.queue_rq	= blkfront_queue_rq,
	.commit_rqs	= blkfront_commit_rqs,
	.complete	= blkfront_complete,
	.timeout	= blkfront_timeout,
};

/**
 * blkfront_queue_create() - make the block layer's queues
 * @bf: the disk; its shape says how many and how deep
 *
 * Context: process; sleeps.
 * Return: 0, or -ENOMEM with nothing left behind.
 */
int blkfront_queue_create(struct blkfront *bf)
{
	struct blk_mq_tag_set *tags = &bf->tags;
	int err;

	tags->ops = &queue_ops;
	tags->nr_hw_queues = bf->shape.nr_rings;
	tags->queue_depth = blkfront_ring_depth(bf->shape.ring_order);
	tags->cmd_size = sizeof(struct blkfront_slot);
	tags->numa_node = NUMA_NO_NODE;
	tags->timeout = bf->params.timeout * HZ;
	/* The backend's kernel has the scheduler that knows the real disk. */
	tags->flags = BLK_MQ_F_NO_SCHED_BY_DEFAULT;
	tags->driver_data = bf;

	err = blk_mq_alloc_tag_set(tags);
	if (err)
		return err;

	bf->inflight = kvcalloc(nr_ids(bf), sizeof(*bf->inflight), GFP_KERNEL);
	if (!bf->inflight) {
		blk_mq_free_tag_set(tags);
		tags->tags = NULL;
		return -ENOMEM;
	}
	return 0;
}

/**
 * blkfront_queue_destroy() - undo blkfront_queue_create()
 * @bf: the disk, whose gendisk is gone; or whose queues were never made
 *
 * Context: process; sleeps.
 */
void blkfront_queue_destroy(struct blkfront *bf)
{
	if (!bf->tags.tags)
		return;
	blk_mq_free_tag_set(&bf->tags);
	kvfree(bf->inflight);
	bf->inflight = NULL;
}

/**
 * blkfront_queue_withdraw() - take back every request without an answer
 * @bf:		the disk: quiesced, and no interrupt handler left
 * @force:	do not wait for a backend that still maps their pages
 *
 * They are queued again and run when the queue does.
 *
 * Context: process; sleeps.
 * Return: false if the backend still maps pages of one (never with @force).
 */
bool blkfront_queue_withdraw(struct blkfront *bf, bool force)
{
	bool all = true;
	struct request *rq;
	unsigned int id;

	if (!bf->inflight)
		return true;

	/* Those that were answered may still be on their way on other CPUs. */
	blk_mq_tagset_wait_completed_request(&bf->tags);

	for (id = 0; id < nr_ids(bf); id++) {
		rq = bf->inflight[id];
		if (!rq)
			continue;
		if (!blkfront_request_withdraw(rq, force)) {
			all = false;
			continue;
		}
		bf->inflight[id] = NULL;
		blk_mq_requeue_request(rq, false);
	}
	return all;
}
