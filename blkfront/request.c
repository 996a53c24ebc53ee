// SPDX-License-Identifier: GPL-2.0-only
/*
 * One request: what it asks of the backend, and what becomes of the answer.
 */
#include <linux/blk-mq.h>
#include <linux/jiffies.h>
#include <linux/string.h>
#include <xenfront.h>

#include "blkfront.h"

static const char *op_name(const struct blkfront_slot *slot)
{
	switch (slot->op) {
	case BLKIF_OP_READ:
		return "read";
	case BLKIF_OP_WRITE:
		return "write";
	case BLKIF_OP_WRITE_BARRIER:
		return "barrier write";
	case BLKIF_OP_FLUSH_DISKCACHE:
		return "flush";
	case BLKIF_OP_DISCARD:
		return "discard";
	default:
		return "request";
	}
}

/**
 * blkfront_request_describe() - a request in words, for the log
 * @rq:		the request
 * @buf:	for the text
 * @size:	of @buf
 *
 * Context: any.
 */
void blkfront_request_describe(struct request *rq, char *buf, size_t size)
{
	struct blkfront_slot *slot = blkfront_slot(rq);

	snprintf(buf, size, "request %u (%s of %u sectors at %llu)",
		 blkfront_queue_id(rq), op_name(slot), blk_rq_sectors(rq),
		 (u64)blk_rq_pos(rq));
}

/* No data: nothing to map, and nothing left over for another turn. */
static blk_status_t prepare_bare(struct request *rq, u8 op)
{
	struct blkfront_slot *slot = blkfront_slot(rq);

	slot->op = op;
	/* A flush that completes a write must not forget how much that was. */
	if (!slot->flushing)
		slot->bytes = blk_rq_bytes(rq);
	slot->nr_segs = 0;
	return BLK_STS_OK;
}

static blk_status_t prepare_flush(struct blkfront *bf, struct request *rq)
{
	if (blkfront_has_flush(bf))
		return prepare_bare(rq, BLKIF_OP_FLUSH_DISKCACHE);
	if (blkfront_has_barrier(bf))
		return prepare_bare(rq, BLKIF_OP_WRITE_BARRIER);
	return BLK_STS_NOTSUPP;
}

static blk_status_t prepare_write(struct blkfront *bf, struct request *rq)
{
	struct blkfront_slot *slot = blkfront_slot(rq);

	/* Its flush is due, unless a backend without a cache has taken over. */
	if (slot->flushing && blkfront_has_cache(bf))
		return prepare_flush(bf, rq);

	slot->flushing = false;
	slot->op = BLKIF_OP_WRITE;
	if (rq->cmd_flags & REQ_FUA) {
		/*
		 * Linux' backend flushes before a barrier, not after it: that
		 * is for those who cannot flush.  A backend with neither
		 * writes through anyway.
		 */
		if (blkfront_has_flush(bf))
			slot->fua_by_flush = true;
		else if (blkfront_has_barrier(bf))
			slot->op = BLKIF_OP_WRITE_BARRIER;
	}
	return blkfront_data_map(bf, rq);
}

/**
 * blkfront_request_prepare() - make a slot of a request
 * @bf:		the disk
 * @ring:	where it is to go
 * @rq:		the request; not started yet
 *
 * Context: any; does not sleep.
 * Return: BLK_STS_OK; BLK_STS_RESOURCE if there is nothing left to do it with;
 *	   BLK_STS_NOTSUPP if this backend cannot do it at all.
 */
blk_status_t blkfront_request_prepare(struct blkfront *bf,
				      struct blkfront_ring *ring,
				      struct request *rq)
{
	struct blkfront_slot *slot = blkfront_slot(rq);
	blk_status_t status;

	slot->ring = ring;
	slot->fua_by_flush = false;

	switch (req_op(rq)) {
	case REQ_OP_READ:
		slot->op = BLKIF_OP_READ;
		status = blkfront_data_map(bf, rq);
		break;
	case REQ_OP_WRITE:
		status = prepare_write(bf, rq);
		break;
	case REQ_OP_FLUSH:
		status = prepare_flush(bf, rq);
		break;
	case REQ_OP_DISCARD:
		status = blkfront_has_discard(bf) ?
			prepare_bare(rq, BLKIF_OP_DISCARD) : BLK_STS_NOTSUPP;
		break;
	case REQ_OP_SECURE_ERASE:
		status = blkfront_has_secure_erase(bf) ?
			prepare_bare(rq, BLKIF_OP_DISCARD) : BLK_STS_NOTSUPP;
		break;
	default:
		status = BLK_STS_NOTSUPP;
		break;
	}
	if (status == BLK_STS_OK)
		blkfront_slot_move(slot, BLKFRONT_SLOT_IDLE,
				   BLKFRONT_SLOT_READY);
	return status;
}

/**
 * blkfront_request_unprepare() - undo blkfront_request_prepare()
 * @rq: a request that did not get onto the ring
 *
 * Context: any.
 */
void blkfront_request_unprepare(struct request *rq)
{
	struct blkfront_slot *slot = blkfront_slot(rq);

	blkfront_data_unmap(rq, true);
	blkfront_slot_move(slot, BLKFRONT_SLOT_READY, BLKFRONT_SLOT_IDLE);
}

/*
 * The backend cannot do what it announced.  Say so once, do not ask again, and
 * have the block layer told.
 */
static void feature_lost(struct blkfront *bf, struct request *rq)
{
	struct blkfront_slot *slot = blkfront_slot(rq);
	unsigned int bit;

	switch (slot->op) {
	case BLKIF_OP_FLUSH_DISKCACHE:
		bit = BLKFRONT_NO_FLUSH;
		break;
	case BLKIF_OP_WRITE_BARRIER:
		bit = BLKFRONT_NO_BARRIER;
		break;
	case BLKIF_OP_DISCARD:
		bit = req_op(rq) == REQ_OP_SECURE_ERASE ? BLKFRONT_NO_SECURE :
							  BLKFRONT_NO_DISCARD;
		break;
	default:
		return;
	}
	if (test_and_set_bit(bit, &bf->lost))
		return;
	dev_warn(&bf->xf.dev->dev,
		 "backend does not support %s after all: not used any more\n",
		 op_name(slot));
	queue_work(blkfront_wq, &bf->disk_work);
}

static bool is_flush(const struct blkfront_slot *slot)
{
	return slot->op == BLKIF_OP_FLUSH_DISKCACHE ||
	       (slot->op == BLKIF_OP_WRITE_BARRIER && !slot->bytes) ||
	       slot->flushing;
}

/* With the lost feature out of the way, is there another way to do it? */
static bool can_do_otherwise(const struct blkfront *bf, struct request *rq)
{
	const struct blkfront_slot *slot = blkfront_slot(rq);

	if (is_flush(slot))
		return blkfront_has_cache(bf);
	/* A barrier write is a write, and then a flush if there is one. */
	return slot->op == BLKIF_OP_WRITE_BARRIER;
}

static blk_status_t status_of(const struct blkfront_slot *slot)
{
	switch (slot->answer) {
	case BLKIF_RSP_OKAY:
		return BLK_STS_OK;
	case BLKIF_RSP_EOPNOTSUPP:
		return BLK_STS_NOTSUPP;
	default:
		return BLK_STS_IOERR;
	}
}

/**
 * blkfront_request_finish() - take in the answer to a request
 * @bf:		the disk
 * @rq:		the request, answered
 * @status:	what to end the whole request with
 *
 * Context: any.
 * Return: true if the request is done with; false if there is more of it to
 *	   do, for which it has to be queued again.
 */
bool blkfront_request_finish(struct blkfront *bf, struct request *rq,
			     blk_status_t *status)
{
	struct blkfront_slot *slot = blkfront_slot(rq);
	bool flushed = slot->flushing;
	unsigned int held;

	*status = status_of(slot);
	if (slot->op == BLKIF_OP_READ && *status == BLK_STS_OK)
		blkfront_data_copy_out(rq);

	held = blkfront_data_unmap(rq, true);
	if (held)
		xenfront_break(&bf->xf,
			       "backend still maps %u pages of a finished request",
			       held);
	blkfront_slot_move(slot, BLKFRONT_SLOT_ANSWERED, BLKFRONT_SLOT_IDLE);

	if (slot->answer == BLKIF_RSP_EOPNOTSUPP) {
		feature_lost(bf, rq);
		if (can_do_otherwise(bf, rq))
			return false;
		/* What has no way to flush has nothing to flush. */
		if (is_flush(slot))
			*status = BLK_STS_OK;
	}
	slot->flushing = false;
	if (*status != BLK_STS_OK)
		return true;

	if (slot->fua_by_flush && !flushed) {
		slot->flushing = true;
		return false;
	}
	if (slot->bytes < blk_rq_bytes(rq)) {
		slot->ring->partial++;
		blk_update_request(rq, BLK_STS_OK, slot->bytes);
		return false;
	}
	return true;
}

/**
 * blkfront_request_withdraw() - take a request back that has no answer
 * @rq:		a request that was with a backend that is closed
 * @force:	do not wait for a backend that still maps its pages
 *
 * Afterwards the request can be queued again, or failed.
 *
 * Context: process; nothing uses the ring.
 * Return: false if the backend still maps its data (never with @force).
 */
bool blkfront_request_withdraw(struct request *rq, bool force)
{
	struct blkfront_slot *slot = blkfront_slot(rq);

	if (blkfront_data_unmap(rq, force) && !force)
		return false;
	/* One whose answer was doubted to the end has none. */
	if (slot->state == BLKFRONT_SLOT_DOUBTED)
		blkfront_slot_move(slot, BLKFRONT_SLOT_DOUBTED,
				   BLKFRONT_SLOT_RING);
	blkfront_slot_move(slot, BLKFRONT_SLOT_RING, BLKFRONT_SLOT_IDLE);
	return true;
}
