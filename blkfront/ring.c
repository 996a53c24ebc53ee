// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shared ring: requests go on, answers come off.
 *
 * Protocol: xen/interface/io/ring.h and blkif.h.  We never read a request
 * back, and copy each answer before we look at it: the backend can write to
 * both at any time.
 */
#include <linux/blk-mq.h>
#include <linux/jiffies.h>
#include <linux/string.h>
#include <xen/events.h>
#include <xenfront.h>

#include "blkfront.h"

/* One request can always be carried out: all of a slot, and its indirect page. */
#define POOL_RESERVE	(BLKIF_MAX_SEGMENTS_PER_REQUEST + 1)
/*
 * Linux' backend keeps 1056 grants of a ring mapped (its max_persistent_grants).
 * More of them it would map and unmap each time, which costs more than to wait.
 */
#define POOL_LIMIT	1056

/**
 * blkfront_ring_depth() - slots of a ring
 * @order: 1 << @order pages
 *
 * Return: the number of requests that it holds.
 */
unsigned int blkfront_ring_depth(unsigned int order)
{
	return __CONST_RING_SIZE(blkif, XEN_PAGE_SIZE << order);
}

static irqreturn_t ring_interrupt(int irq, void *data)
{
	struct blkfront_ring *ring = data;
	unsigned int eoi = 0;

	if (!xenfront_usable(&ring->bf->xf))
		return IRQ_HANDLED;	/* no EOI: no more of them */

	if (blkfront_ring_reap(ring))
		ring->interrupts++;
	else
		eoi = XEN_EOI_FLAG_SPURIOUS;

	if (xenfront_usable(&ring->bf->xf))
		xen_irq_lateeoi(irq, eoi);
	return IRQ_HANDLED;
}

/**
 * blkfront_ring_create() - make a ring and its channel
 * @bf:		the disk
 * @ring:	zeroed
 * @order:	1 << @order pages
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno with nothing left behind.
 */
int blkfront_ring_create(struct blkfront *bf, struct blkfront_ring *ring,
			 unsigned int order)
{
	int err;

	ring->bf = bf;
	spin_lock_init(&ring->lock);
	err = xenfront_ring_create(&ring->shared, bf->xf.dev, order);
	if (err)
		return err;
	SHARED_RING_INIT((struct blkif_sring *)ring->shared.pages);
	FRONT_RING_INIT(&ring->front,
			(struct blkif_sring *)ring->shared.pages,
			XEN_PAGE_SIZE << order);

	err = xenfront_pool_create(&ring->pool, bf->xf.dev, POOL_RESERVE,
				   POOL_LIMIT);
	if (err)
		goto err_destroy;
	err = xenfront_ring_bind(&ring->shared, ring_interrupt, bf->vdev.name,
				 ring);
	if (err)
		goto err_destroy;
	return 0;

err_destroy:
	blkfront_ring_destroy(ring);
	return err;
}

/**
 * blkfront_ring_destroy() - undo blkfront_ring_create()
 * @ring: the ring; half made ones and zeroed ones are fine too
 *
 * Context: process; sleeps.  No request is on the ring any more.
 */
void blkfront_ring_destroy(struct blkfront_ring *ring)
{
	xenfront_ring_destroy(&ring->shared);
	xenfront_pool_destroy(&ring->pool);
}

static void write_indirect(struct blkif_request_indirect *req,
			   const struct blkfront_slot *slot, u64 id,
			   sector_t sector, u16 handle)
{
	struct xenfront_page *xp = slot->chain.head;
	unsigned int i;

	req->indirect_op = slot->op;
	req->nr_segments = slot->nr_segs;
	req->id = id;
	req->sector_number = sector;
	req->handle = handle;
	for (i = 0; i < slot->nr_indirect; i++, xp = xp->next)
		req->indirect_grefs[i] = xp->ref;
}

static void write_rw(struct blkif_request_rw *req,
		     const struct blkfront_slot *slot, u64 id,
		     sector_t sector, u16 handle)
{
	req->nr_segments = slot->nr_segs;
	req->handle = handle;
	req->id = id;
	req->sector_number = sector;
	memcpy(req->seg, slot->segs, slot->nr_segs * sizeof(*slot->segs));
}

static void write_request(struct blkfront_ring *ring, struct request *rq)
{
	struct blkfront_slot *slot = blkfront_slot(rq);
	u16 handle = ring->bf->vdev.number;
	sector_t sector = blk_rq_pos(rq);
	u64 id = blkfront_queue_id(rq);
	struct blkif_request *req;

	req = RING_GET_REQUEST(&ring->front, ring->front.req_prod_pvt);
	ring->front.req_prod_pvt++;

	if (slot->op == BLKIF_OP_DISCARD) {
		req->operation = BLKIF_OP_DISCARD;
		req->u.discard.flag = req_op(rq) == REQ_OP_SECURE_ERASE ?
			BLKIF_DISCARD_SECURE : 0;
		req->u.discard.id = id;
		req->u.discard.sector_number = sector;
		req->u.discard.nr_sectors = blk_rq_sectors(rq);
	} else if (slot->nr_indirect) {
		req->operation = BLKIF_OP_INDIRECT;
		write_indirect(&req->u.indirect, slot, id, sector, handle);
	} else {
		req->operation = slot->op;
		/* An empty request is for the whole disk. */
		write_rw(&req->u.rw, slot, id, slot->nr_segs ? sector : 0,
			 handle);
	}
}

/* Make what was written visible.  True if the backend has to be told. */
static bool push(struct blkfront_ring *ring)
{
	struct blkif_sring *sring = ring->front.sring;

	if (!xenfront_ring_push(&ring->pushed, ring->front.req_prod_pvt,
				&sring->req_prod, &sring->req_event))
		return false;
	ring->notifications++;
	return true;
}

/**
 * blkfront_ring_submit() - give a request to the backend
 * @ring:	the ring
 * @rq:		the request, prepared and started
 * @last:	no other follows at once: let the backend see them
 *
 * Context: any.
 * Return: false if the ring is full; the request is still the caller's.
 */
bool blkfront_ring_submit(struct blkfront_ring *ring, struct request *rq,
			  bool last)
{
	struct blkfront_slot *slot = blkfront_slot(rq);
	bool notify = false;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	if (RING_FULL(&ring->front)) {
		spin_unlock_irqrestore(&ring->lock, flags);
		return false;
	}
	blkfront_slot_move(slot, BLKFRONT_SLOT_READY, BLKFRONT_SLOT_RING);
	slot->issued = jiffies;
	ring->bf->inflight[blkfront_queue_id(rq)] = rq;
	write_request(ring, rq);
	ring->requests++;
	if (last)
		notify = push(ring);
	spin_unlock_irqrestore(&ring->lock, flags);

	if (notify)
		notify_remote_via_irq(ring->shared.irq);
	return true;
}

/**
 * blkfront_ring_push() - let the backend see what was submitted
 * @ring: the ring
 *
 * Context: any.
 */
void blkfront_ring_push(struct blkfront_ring *ring)
{
	unsigned long flags;
	bool notify;

	spin_lock_irqsave(&ring->lock, flags);
	notify = push(ring);
	spin_unlock_irqrestore(&ring->lock, flags);

	if (notify)
		notify_remote_via_irq(ring->shared.irq);
}

/* What @slot was sent as, which the answer has to repeat. */
static u8 sent_as(const struct blkfront_slot *slot)
{
	return slot->nr_indirect ? BLKIF_OP_INDIRECT : slot->op;
}

/* Check one answer and take the request it is for.  NULL: nonsense. */
static struct request *take_answer(struct blkfront_ring *ring, RING_IDX at)
{
	struct blkfront *bf = ring->bf;
	struct blkif_response rsp;
	struct blkfront_slot *slot;
	struct request *rq;

	RING_COPY_RESPONSE(&ring->front, at, &rsp);

	rq = blkfront_queue_take(bf, rsp.id);
	if (!rq) {
		xenfront_break(&bf->xf,
			       "backend answered request %llu, which is not with it",
			       rsp.id);
		return NULL;
	}
	slot = blkfront_slot(rq);
	/*
	 * Linux' backend repeats the inner operation of an indirect request,
	 * others repeat BLKIF_OP_INDIRECT; both are fine.
	 */
	if (slot->ring != ring || slot->state != BLKFRONT_SLOT_RING ||
	    (rsp.operation != slot->op && rsp.operation != sent_as(slot)) ||
	    rsp.status > BLKIF_RSP_OKAY ||
	    rsp.status < BLKIF_RSP_EOPNOTSUPP) {
		/* Not an answer to this one: it stays with the backend. */
		bf->inflight[rsp.id] = rq;
		xenfront_break(&bf->xf,
			       "backend answered request %llu with operation %u, status %d",
			       rsp.id, rsp.operation, rsp.status);
		return NULL;
	}
	slot->answer = rsp.status;
	slot->next = NULL;
	return rq;
}

/* An error waits for blkfront_ring_believe(); until then it is no answer. */
static void doubt(struct blkfront_ring *ring, struct request *rq)
{
	struct blkfront_slot *slot = blkfront_slot(rq);

	blkfront_slot_move(slot, BLKFRONT_SLOT_RING, BLKFRONT_SLOT_DOUBTED);
	slot->next = ring->doubted;
	ring->doubted = rq;
	ring->bf->inflight[blkfront_queue_id(rq)] = rq;
	xenfront_kick(&ring->bf->xf);
}

/* All answers up to @end, in order.  False: the ring cannot be trusted. */
static bool take_answers(struct blkfront_ring *ring, RING_IDX end,
			 struct request ***tail)
{
	struct blkfront_slot *slot;
	struct request *rq;

	while (ring->front.rsp_cons != end) {
		rq = take_answer(ring, ring->front.rsp_cons);
		if (!rq)
			return false;
		ring->front.rsp_cons++;
		slot = blkfront_slot(rq);
		if (unlikely(slot->answer != BLKIF_RSP_OKAY)) {
			doubt(ring, rq);
			continue;
		}
		blkfront_slot_move(slot, BLKFRONT_SLOT_RING,
				   BLKFRONT_SLOT_ANSWERED);
		**tail = rq;
		*tail = &slot->next;
	}
	return true;
}

/**
 * blkfront_ring_reap() - take the answers that are there and complete them
 * @ring: the ring
 *
 * Bounded: never more answers than there are requests on the ring, however
 * fast the backend writes.
 *
 * Context: any; with the interrupt handler or after it is gone, not beside it.
 * Return: true if there were any.
 */
bool blkfront_ring_reap(struct blkfront_ring *ring)
{
	struct request *answered = NULL, **tail = &answered;
	RING_IDX begin, end;
	unsigned long flags;
	bool any;
	int more;

	spin_lock_irqsave(&ring->lock, flags);
	begin = ring->front.rsp_cons;
	do {
		end = READ_ONCE(ring->front.sring->rsp_prod);
		if (RING_RESPONSE_PROD_OVERFLOW(&ring->front, end)) {
			xenfront_break(&ring->bf->xf,
				       "backend claims %u answers to %u requests",
				       end - ring->front.rsp_cons,
				       ring->front.req_prod_pvt -
				       ring->front.rsp_cons);
			break;
		}
		/* Read the answers after the index that covers them. */
		virt_rmb();
		if (!take_answers(ring, end, &tail))
			break;
		RING_FINAL_CHECK_FOR_RESPONSES(&ring->front, more);
	} while (more);
	any = ring->front.rsp_cons != begin;
	spin_unlock_irqrestore(&ring->lock, flags);

	blkfront_queue_complete(ring->bf, answered);
	return any;
}

/**
 * blkfront_ring_believe() - complete the requests whose answers are errors
 * @ring: the ring, of a connection that is what was negotiated
 *
 * A backend that starts anew attaches to the rings it finds, before we know of
 * it.  With other limits than the one before (fewer segments, or grants mapped
 * in another way) it fails what is on them, although nothing is wrong with the
 * disk.  So an error counts only after a look at what the backend announces;
 * if that has changed the request is replayed when the connection is made anew.
 *
 * Context: process; the lifecycle only.
 */
void blkfront_ring_believe(struct blkfront_ring *ring)
{
	struct request *doubted, *rq, *answered = NULL;
	struct blkfront_slot *slot;

	spin_lock_irq(&ring->lock);
	doubted = ring->doubted;
	ring->doubted = NULL;
	while ((rq = doubted)) {
		slot = blkfront_slot(rq);
		doubted = slot->next;
		ring->bf->inflight[blkfront_queue_id(rq)] = NULL;
		blkfront_slot_move(slot, BLKFRONT_SLOT_DOUBTED,
				   BLKFRONT_SLOT_ANSWERED);
		slot->next = answered;
		answered = rq;
	}
	spin_unlock_irq(&ring->lock);

	blkfront_queue_complete(ring->bf, answered);
}
