/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xen-blkfront: what its files share.
 *
 * One I/O, from the block layer to the backend and back:
 *
 *   queue.c	blkfront_queue_rq()	the block layer hands a request over
 *   request.c	blkfront_request_prepare()	it becomes a slot
 *   data.c	blkfront_data_map()	its pages are granted, or copied
 *   ring.c	blkfront_ring_submit()	the slot goes onto the shared ring
 *   ...the backend works...
 *   ring.c	blkfront_ring_reap()	the answer is checked and taken
 *   queue.c	blkfront_complete()	on the CPU that asked for it
 *   request.c	blkfront_request_finish()	copied out, revoked, ended
 */
#ifndef _BLKFRONT_H
#define _BLKFRONT_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/cpumask.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <xen/interface/io/blkif.h>
#include <xenfront.h>

#include "vdev.h"

struct blkfront_ring;

/* ------------------------------------------------------------------------
 * config.c: what was negotiated
 */

/**
 * struct blkfront_params - the module's parameters, bounded
 * @max_segments:	XEN_PAGE_SIZE segments in one request
 * @max_queues:		hardware queues
 * @max_ring_order:	pages in a ring, as a power of two; negative: as many
 *			as the number of queues leaves room for
 * @persistent:		offer persistent grants
 * @trusted:		the backend may see the rest of a page
 * @timeout:		seconds until a request counts as unanswered
 */
struct blkfront_params {
	unsigned int max_segments;
	unsigned int max_queues;
	int max_ring_order;
	bool persistent;
	bool trusted;
	unsigned int timeout;
};

/**
 * struct blkfront_shape - what has to be settled before there are rings
 * @nr_rings:	rings, at least one
 * @ring_order:	pages of each, as a power of two
 * @multi_queue:	the backend knows several rings
 * @multi_page:	the backend knows rings of several pages
 */
struct blkfront_shape {
	unsigned int nr_rings;
	unsigned int ring_order;
	bool multi_queue;
	bool multi_page;
};

/**
 * struct blkfront_config - what the backend announced when it connected
 * @sectors:	the disk's size, in units of 512 bytes
 * @info:	VDISK_*
 * @logical:	bytes that are read and written whole
 * @physical:	bytes that are best written whole
 * @flush:	BLKIF_OP_FLUSH_DISKCACHE
 * @barrier:	BLKIF_OP_WRITE_BARRIER, which serves as FUA where there is no
 *		flush
 * @discard:	BLKIF_OP_DISCARD
 * @secure_erase:	the same with BLKIF_DISCARD_SECURE
 * @discard_granularity:	in bytes
 * @discard_alignment:	in bytes
 * @max_segments:	of XEN_PAGE_SIZE bytes in one request
 * @persistent:	the backend keeps grants mapped
 * @bounce:	data is copied to and from pages of ours
 *
 * Written while nothing uses the rings; constant from one connect to the next.
 */
struct blkfront_config {
	u64 sectors;
	unsigned int info;
	unsigned int logical;
	unsigned int physical;
	bool flush;
	bool barrier;
	bool discard;
	bool secure_erase;
	unsigned int discard_granularity;
	unsigned int discard_alignment;
	unsigned int max_segments;
	bool persistent;
	bool bounce;
};

/* Features that the backend announced and then answered EOPNOTSUPP to. */
#define BLKFRONT_NO_FLUSH	0
#define BLKFRONT_NO_BARRIER	1
#define BLKFRONT_NO_DISCARD	2
#define BLKFRONT_NO_SECURE	3

void blkfront_params_read(struct blkfront_params *params);
void blkfront_shape_read(struct xenbus_device *dev,
			 const struct blkfront_params *params,
			 struct blkfront_shape *shape);
int blkfront_config_read(struct xenbus_device *dev,
			 const struct blkfront_params *params,
			 struct blkfront_config *config);

/* ------------------------------------------------------------------------
 * main.c, connect.c: the device
 */

/**
 * struct blkfront - one virtual disk
 * @xf:		the conversation with the backend.  The structure is freed with
 *		the gendisk's last reference, or by remove if there is none.
 * @vdev:	number and name; constant
 * @params:	the module's parameters as they were when the disk appeared
 * @config:	see there
 * @shape:	of the rings that exist now
 * @lost:	BLKFRONT_NO_* bits, atomic
 * @rings:	@shape.nr_rings of them; made and freed by the lifecycle
 *		while the queue is quiesced
 * @tags:	the block layer's queues; made at the first connect, and never
 *		changed: fewer or smaller rings later are shared
 * @inflight:	by ring id, the request that is with the backend; an entry is
 *		set under the ring's lock and taken by xchg(), once
 * @disk:	made at the first connect
 * @serial:	shown in sysfs; empty if the backend has none; set before @disk is
 *		registered
 * @disk_work:	everything that may wait for I/O: adding the disk, and telling
 *		the block layer about new limits or a new size
 * @trim_work:	gives unused pages back now and then
 * @added:	@disk is registered; written by @disk_work and remove only
 * @refused:	the block layer would not register @disk; written by @disk_work
 * @unregistered: nobody waits for I/O any more; written by remove only
 * @removing:	@disk_work has nothing to do any more; written by remove only
 * @answered:	how many answers there had been when there was progress last;
 *		lifecycle only, while the disk is being removed
 * @answered_at:	when that was, in jiffies; 0: not looked at yet
 * @quiesced:	the queue is stopped; lifecycle only
 * @dead:	every request fails from now on
 * @ready:	nobody needs to wait for this disk (any more)
 * @media_changed:	bit 0: not yet reported to the block layer
 */
struct blkfront {
	struct xenfront_device xf;
	struct blkfront_vdev vdev;
	struct blkfront_params params;
	struct blkfront_config config;
	struct blkfront_shape shape;
	unsigned long lost;
	struct blkfront_ring *rings;
	struct blk_mq_tag_set tags;
	struct request **inflight;
	struct gendisk *disk;
	char serial[64];
	struct work_struct disk_work;
	struct delayed_work trim_work;
	bool added;
	bool refused;
	bool unregistered;
	bool removing;
	unsigned int answered;
	unsigned long answered_at;
	bool quiesced;
	bool dead;
	bool ready;
	unsigned long media_changed;
};

static inline struct blkfront *to_blkfront(struct xenfront_device *xf)
{
	return container_of(xf, struct blkfront, xf);
}

extern const struct xenfront_ops blkfront_lifecycle_ops;
extern struct workqueue_struct *blkfront_wq;
extern struct workqueue_struct *blkfront_trim_wq;

/* Which features can be used: announced, and not refused since. */
static inline bool blkfront_has_flush(const struct blkfront *bf)
{
	return bf->config.flush && !test_bit(BLKFRONT_NO_FLUSH, &bf->lost);
}

static inline bool blkfront_has_barrier(const struct blkfront *bf)
{
	return bf->config.barrier && !test_bit(BLKFRONT_NO_BARRIER, &bf->lost);
}

static inline bool blkfront_has_cache(const struct blkfront *bf)
{
	return blkfront_has_flush(bf) || blkfront_has_barrier(bf);
}

static inline bool blkfront_has_discard(const struct blkfront *bf)
{
	return bf->config.discard && !test_bit(BLKFRONT_NO_DISCARD, &bf->lost);
}

static inline bool blkfront_has_secure_erase(const struct blkfront *bf)
{
	return blkfront_has_discard(bf) && bf->config.secure_erase &&
	       !test_bit(BLKFRONT_NO_SECURE, &bf->lost);
}

/* ------------------------------------------------------------------------
 * request.c, data.c: one request
 */

/**
 * enum blkfront_slot_state - who has a request
 * @BLKFRONT_SLOT_IDLE:	the block layer
 * @BLKFRONT_SLOT_READY:	we; its data is mapped, it is on no ring yet
 * @BLKFRONT_SLOT_RING:	the backend
 * @BLKFRONT_SLOT_DOUBTED:	we; the answer is an error that may not be meant
 *				for us, see blkfront_ring_believe()
 * @BLKFRONT_SLOT_ANSWERED:	we; the answer has been checked
 */
enum blkfront_slot_state {
	BLKFRONT_SLOT_IDLE,
	BLKFRONT_SLOT_READY,
	BLKFRONT_SLOT_RING,
	BLKFRONT_SLOT_DOUBTED,
	BLKFRONT_SLOT_ANSWERED,
};

/* Segments that fit into an indirect page. */
#define BLKFRONT_SEGS_PER_PAGE	\
	(XEN_PAGE_SIZE / sizeof(struct blkif_request_segment))

/**
 * struct blkfront_slot - our part of a struct request
 * @next:	in the list of answers that one interrupt brought, or in that of
 *		a ring's doubted ones
 * @ring:	where it was submitted, or would be
 * @issued:	jiffies when it went to the backend
 * @state:	changed by blkfront_slot_move() alone
 * @op:		BLKIF_OP_*: read, write, barrier, flush or discard
 * @answer:	BLKIF_RSP_* once it is answered
 * @copied:	the data goes through pages of ours
 * @fua_by_flush:	a FUA write to a backend that has a flush: one follows
 * @flushing:	...and that flush is what is under way
 * @bytes:	of the request's data, how many this turn carries
 * @nr_segs:	segments of XEN_PAGE_SIZE or less
 * @nr_indirect:	pages that hold their descriptions; 0: @segs does
 * @chain:	pages of ours: @nr_indirect first, then the data if it is copied
 * @refs:	grants of the block layer's pages, @nr_segs of them; NULL if
 *		data is copied, or if they are in @segs
 * @segs:	what goes onto the ring for a request without indirect pages
 *
 * Owned by whoever @state says; no lock.
 */
struct blkfront_slot {
	struct request *next;
	struct blkfront_ring *ring;
	unsigned long issued;
	enum blkfront_slot_state state;
	u8 op;
	s16 answer;
	bool copied;
	bool fua_by_flush;
	bool flushing;
	unsigned int bytes;
	unsigned short nr_segs;
	unsigned short nr_indirect;
	struct xenfront_chain chain;
	grant_ref_t *refs;
	struct blkif_request_segment segs[BLKIF_MAX_SEGMENTS_PER_REQUEST];
};

static inline struct blkfront_slot *blkfront_slot(struct request *rq)
{
	return blk_mq_rq_to_pdu(rq);
}

static inline void blkfront_slot_move(struct blkfront_slot *slot,
				      enum blkfront_slot_state from,
				      enum blkfront_slot_state to)
{
	WARN_ON_ONCE(slot->state != from);
	slot->state = to;
}

blk_status_t blkfront_request_prepare(struct blkfront *bf,
				      struct blkfront_ring *ring,
				      struct request *rq);
void blkfront_request_unprepare(struct request *rq);
bool blkfront_request_finish(struct blkfront *bf, struct request *rq,
			     blk_status_t *status);
bool blkfront_request_withdraw(struct request *rq, bool force);
void blkfront_request_describe(struct request *rq, char *buf, size_t size);

blk_status_t blkfront_data_map(struct blkfront *bf, struct request *rq);
void blkfront_data_copy_out(struct request *rq);
unsigned int blkfront_data_unmap(struct request *rq, bool force);

/* ------------------------------------------------------------------------
 * ring.c: one shared ring
 */

/**
 * struct blkfront_ring - one ring and what belongs to it
 * @bf:		the disk
 * @lock:	guards @front, the shared ring and the counters; taken with
 *		interrupts off, because the interrupt handler takes it
 * @front:	the ring's private indices
 * @pushed:	how far the backend may read; what it sees of it is shared
 * @doubted:	requests whose answers are errors, linked by their slots; they
 *		are in @blkfront.inflight still
 * @shared:	its pages and channel
 * @pool:	pages for copied data and for indirect descriptions
 * @cpus:	whom it serves; the irq's affinity hint points here
 * @requests:	given to the backend
 * @notifications:	sent to the backend
 * @interrupts:	that brought answers
 * @partial:	requests that took more than one turn
 */
struct blkfront_ring {
	struct blkfront *bf;
	spinlock_t lock;		/* guards @front and the counters */
	struct blkif_front_ring front;
	RING_IDX pushed;
	struct request *doubted;
	struct xenfront_ring shared;
	struct xenfront_pool pool;
	struct cpumask cpus;
	u64 requests;
	u64 notifications;
	u64 interrupts;
	u64 partial;
} ____cacheline_aligned_in_smp;

unsigned int blkfront_ring_depth(unsigned int order);
int blkfront_ring_create(struct blkfront *bf, struct blkfront_ring *ring,
			 unsigned int order);
void blkfront_ring_destroy(struct blkfront_ring *ring);
bool blkfront_ring_submit(struct blkfront_ring *ring, struct request *rq,
			  bool last);
void blkfront_ring_push(struct blkfront_ring *ring);
bool blkfront_ring_reap(struct blkfront_ring *ring);
void blkfront_ring_believe(struct blkfront_ring *ring);

/* ------------------------------------------------------------------------
 * queue.c: the block layer's queues
 */
int blkfront_queue_create(struct blkfront *bf);
void blkfront_queue_destroy(struct blkfront *bf);
void blkfront_queue_complete(struct blkfront *bf, struct request *answered);
bool blkfront_queue_withdraw(struct blkfront *bf, bool force);
unsigned int blkfront_queue_id(struct request *rq);
struct request *blkfront_queue_take(struct blkfront *bf, u64 id);

/* ------------------------------------------------------------------------
 * disk.c: the gendisk
 */
int blkfront_disk_create(struct blkfront *bf);
void blkfront_disk_update(struct work_struct *work);
bool blkfront_disk_remove(struct blkfront *bf);

/* ------------------------------------------------------------------------
 * serial.c
 */
extern const struct attribute_group *blkfront_disk_attr_groups[];
void blkfront_serial_read(struct xenbus_device *dev, char *serial,
			  size_t size);

#endif /* _BLKFRONT_H */
