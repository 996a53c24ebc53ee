/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xenfront: what every Xen front-end driver needs, written once.
 *
 * A front-end embeds a struct xenfront_device, fills a struct xenfront_ops
 * and points its struct xenbus_driver at the xenfront_* callbacks.  The
 * library then owns the conversation with the backend; the driver owns the
 * rings' contents and the kernel object that users see (gendisk, netdev, ...).
 */
#ifndef _XENFRONT_H
#define _XENFRONT_H

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <xen/grant_table.h>
#include <xen/interface/io/ring.h>
#include <xen/interface/io/xenbus.h>
#include <xen/xenbus.h>

struct dentry;
struct seq_file;
struct xenfront_device;

/* ------------------------------------------------------------------------
 * lifecycle: one handshake for every device
 */

/**
 * enum xenfront_phase - where the conversation with the backend stands
 * @XENFRONT_WAITING:	we are Initialising; the backend has to reach InitWait
 * @XENFRONT_OFFERED:	rings are published, we are Initialised; the backend
 *			has to reach Connected
 * @XENFRONT_CONNECTED:	both sides are Connected
 * @XENFRONT_CLOSING:	we asked the backend to close (our state: Closing)
 * @XENFRONT_CLOSED:	we let go (our state: Closed); the backend has to be
 *			Closed too before our pages are ours again
 * @XENFRONT_REFUSED:	what the backend offered cannot be used; we stay Closed
 *			until it starts afresh
 * @XENFRONT_GONE:	closed for good: the device is being removed
 */
enum xenfront_phase {
	XENFRONT_WAITING,
	XENFRONT_OFFERED,
	XENFRONT_CONNECTED,
	XENFRONT_CLOSING,
	XENFRONT_CLOSED,
	XENFRONT_REFUSED,
	XENFRONT_GONE,
};

/**
 * struct xenfront_ops - what differs from one kind of device to the next
 *
 * All of them run in process context, one at a time for a device, and must
 * not allocate with GFP_KERNEL semantics in mind: the library runs them in a
 * NOIO scope, because the device may be the one that memory is written to.
 * None may wait for I/O on the device itself.
 *
 * @published:	The state that tells the backend that our keys are there;
 *		XenbusStateInitialised unless its protocol wants another.
 * @watch:	Look whenever any of the backend's keys changes, not only its
 *		state: for those that nothing else tells of.
 * @offer:	The backend is in InitWait: read what it announces there and
 *		create the rings.  On error, undo what was done.  For want of
 *		memory or grants (-ENOMEM, -ENOSPC) it is called again later;
 *		any other error refuses the backend.
 * @publish:	Write ring references, event channels and features below
 *		&xenbus_device.nodename inside @xbt.  May run again when the
 *		transaction has to be repeated; must not end it.
 * @connect:	The backend is Connected: read what it announces there, and
 *		start (or resume) work.  Errors are as those of @offer.
 * @update:	Somebody had us look while we are connected: the backend may have
 *		changed something about the device (a disk's size, for
 *		example), or the driver kicked.  An error says that the
 *		connection does not fit what the backend announces now, and has
 *		to be made anew.
 * @quiesce:	Stop giving work to the rings; what is in flight stays.
 * @disconnect:	The backend has let go of the rings, or @force says that it
 *		will not.  Collect the answers that are there, destroy the
 *		rings, and keep what was in flight for the next @connect.
 *		Returns -EBUSY if the backend still maps pages that are not
 *		ours to park (never with @force): the library calls again.
 *		Must cope with rings that were never made.
 * @in_use:	Optional.  Somebody holds the device open, so that the
 *		toolstack's wish to remove it has to wait.
 * @closed:	The backend will not come back: fail what waits, and all that
 *		is still to come.
 * @show:	Optional.  Print what was negotiated, for debugfs.
 */
struct xenfront_ops {
	enum xenbus_state published;
	bool watch;
	int (*offer)(struct xenfront_device *xf);
	int (*publish)(struct xenfront_device *xf,
		       struct xenbus_transaction xbt);
	int (*connect)(struct xenfront_device *xf);
	int (*update)(struct xenfront_device *xf);
	void (*quiesce)(struct xenfront_device *xf);
	int (*disconnect)(struct xenfront_device *xf, bool force);
	bool (*in_use)(struct xenfront_device *xf);
	void (*closed)(struct xenfront_device *xf);
	void (*show)(struct xenfront_device *xf, struct seq_file *m);
};

/* In one conversation a backend is blamed for as many things, each once. */
#define XENFRONT_BLAMES	16

/**
 * struct xenfront_device - one device's conversation with its backend
 * @dev:	the xenbus device.  The embedding driver structure is freed by
 *		the driver after xenfront_stop(), never by the library.
 * @ops:	constant from xenfront_start() on
 * @lock:	held while a step is taken; guards every member below that
 *		does not say otherwise
 * @work:	takes the next step; queued by whoever learns something new
 * @phase:	written under @lock only; may be read without
 * @flags:	atomic bits, XENFRONT_F_*: set in any context
 * @deadline:	jiffies when patience with the present phase ends
 * @complained:	the present wait was reported already
 * @breaks:	breaks in a row, for the back-off between reconnects
 * @failures:	attempts in a row that did not lead to a connection, likewise
 * @retry_at:	jiffies before which no reconnect is begun; 0: none is planned
 * @connected_at: jiffies of the last successful connect
 * @connects:	how often the device was connected, for debugfs
 * @kept:	conversations that ended without the backend's having let go
 * @refused_in:	the state in which the backend was refused
 * @blamed:	what it was blamed for in this conversation, as hashes of the
 *		lines in the log
 * @nr_blamed:	how many of them there are
 * @watch:	of the backend's keys, if &xenfront_ops.watch wants it; changed by
 *		start, stop and resume, which never run at the same time
 * @gone:	completed with the phase XENFRONT_GONE
 * @debugfs:	the device's directory; made by start, removed by stop
 */
struct xenfront_device {
	struct xenbus_device *dev;
	const struct xenfront_ops *ops;
	struct mutex lock;	/* held while a step is taken */
	struct delayed_work work;
	enum xenfront_phase phase;
	unsigned long flags;
	unsigned long deadline;
	bool complained;
	unsigned int breaks;
	unsigned int failures;
	unsigned long retry_at;
	unsigned long connected_at;
	unsigned int connects;
	unsigned int kept;
	enum xenbus_state refused_in;
	u32 blamed[XENFRONT_BLAMES];
	unsigned int nr_blamed;
	struct xenbus_watch watch;
	struct completion gone;
	struct dentry *debugfs;
};

/* The ring may not be used any more: see xenfront_break(). */
#define XENFRONT_F_BROKEN	0
/* The domain was resumed: rings, grants and channels are of another life. */
#define XENFRONT_F_RESUMED	1
/* The toolstack wants the device removed as soon as nobody uses it. */
#define XENFRONT_F_CLOSE_WANTED	2
/* The device is being removed: patience with the backend is bounded. */
#define XENFRONT_F_STOPPING	3
/* What the backend offers cannot be used. */
#define XENFRONT_F_REFUSED	4
/* What is on the rings means nothing: nonsense, or of another life. */
#define XENFRONT_F_VOID		5

void xenfront_start(struct xenfront_device *xf, struct xenbus_device *dev,
		    const struct xenfront_ops *ops);
void xenfront_stopping(struct xenfront_device *xf);
void xenfront_stop(struct xenfront_device *xf);
void xenfront_kick(struct xenfront_device *xf);

/* struct xenbus_driver callbacks; drvdata must be the xenfront_device. */
void xenfront_otherend_changed(struct xenbus_device *dev,
			       enum xenbus_state state);
int xenfront_resume(struct xenbus_device *dev);

/**
 * xenfront_usable() - may the rings be used?
 * @xf: the device
 *
 * Context: any.
 * Return: false from the moment of xenfront_break() to the next connect.
 */
static inline bool xenfront_usable(const struct xenfront_device *xf)
{
	return !test_bit(XENFRONT_F_BROKEN, &xf->flags);
}

/**
 * xenfront_answers_count() - may answers that are on the rings be taken?
 * @xf: the device, whose rings nobody else uses any more
 *
 * A backend that was silent for too long may have answered since; what one
 * that lies has answered is worth nothing.  Nor is what a resumed domain finds:
 * the answer may have come along and the data not, for they are written to
 * different pages, and the last ones of a backend that was still at work are
 * not known to have changed.
 *
 * Context: any.
 * Return: false from xenfront_break() or a resume on, until the rings are gone.
 */
static inline bool xenfront_answers_count(const struct xenfront_device *xf)
{
	return !test_bit(XENFRONT_F_VOID, &xf->flags);
}

bool xenfront_has_let_go(struct xenfront_device *xf, bool force);

/* ------------------------------------------------------------------------
 * main: the library's and its drivers' beginning
 */
int xenfront_unplugged(const char *driver, bool unplugged);

/* ------------------------------------------------------------------------
 * takeover: devices that a built-in driver holds
 */

/**
 * struct xenfront_takeover - a driver that takes devices from another one
 * @driver:	ours, which is registered; constant
 * @initcall:	what to blacklist so that the other one stays away, and nothing
 *		else with it; or NULL; constant
 * @notifier:	learns of devices that the other one has got
 * @work:	takes all of them
 * @started:	@notifier is registered
 *
 * Owned by the driver; nothing in it changes but by the functions below, which
 * are called by the module's init and exit.
 */
struct xenfront_takeover {
	struct xenbus_driver *driver;
	const char *initcall;
	struct notifier_block notifier;
	struct work_struct work;
	bool started;
};

int xenfront_takeover_start(struct xenfront_takeover *takeover);
void xenfront_takeover_stop(struct xenfront_takeover *takeover);

/* ------------------------------------------------------------------------
 * trust: the backend is input
 */
__printf(2, 3)
void xenfront_break(struct xenfront_device *xf, const char *why, ...);
__printf(2, 3)
void xenfront_give_up(struct xenfront_device *xf, const char *why, ...);

/* ------------------------------------------------------------------------
 * store: typed, bounded reads of the backend's keys
 */
int xenfront_store_get(struct xenbus_device *dev, const char *key,
		       u64 min, u64 max, u64 *value);
u64 xenfront_store_default(struct xenbus_device *dev, const char *key,
			   u64 min, u64 max, u64 def);
bool xenfront_store_feature(struct xenbus_device *dev, const char *key);
__printf(3, 4)
void xenfront_store_blame(struct xenbus_device *dev, const char *key,
			  const char *what, ...);

/* ------------------------------------------------------------------------
 * ring: shared pages, their grants, the event channel and its irq
 */
#define XENFRONT_RING_MAX_ORDER	4
#define XENFRONT_RING_MAX_PAGES	BIT(XENFRONT_RING_MAX_ORDER)

/**
 * struct xenfront_ring - one shared ring and the channel that goes with it
 * @dev:	whom it is shared with; NULL when nothing was created
 * @pages:	the ring, XEN_PAGE_SIZE << @order bytes, zeroed when granted
 * @order:	how many pages, as a power of two
 * @refs:	one grant for each page
 * @evtchn:	the event channel's local port; 0 when there is none
 * @irq:	the irq it is bound to; 0 when there is none
 * @data:	what the handler was given
 *
 * Owned by the driver; written by the functions below alone, which the caller
 * keeps apart from each other and from users of the ring.
 */
struct xenfront_ring {
	struct xenbus_device *dev;
	void *pages;
	unsigned int order;
	grant_ref_t refs[XENFRONT_RING_MAX_PAGES];
	evtchn_port_t evtchn;
	unsigned int irq;
	void *data;
};

int xenfront_ring_create(struct xenfront_ring *ring, struct xenbus_device *dev,
			 unsigned int order);
int xenfront_ring_bind(struct xenfront_ring *ring, irq_handler_t handler,
		       const char *name, void *data);
void xenfront_ring_unbind(struct xenfront_ring *ring);
void xenfront_ring_destroy(struct xenfront_ring *ring);
void xenfront_ring_abandon(struct xenfront_ring *ring);
int xenfront_ring_publish(const struct xenfront_ring *ring,
			  struct xenbus_transaction xbt, const char *dir,
			  const char *ref_key, const char *evtchn_key);
void xenfront_ring_set_affinity(const struct xenfront_ring *ring,
				const struct cpumask *mask);

/**
 * xenfront_ring_push() - let the backend see what was written to a ring
 * @pushed:	how far it may read; the caller's own, never read back
 * @prod:	how far it may read from now on
 * @shared_prod:	the ring's req_prod
 * @shared_event:	the ring's req_event
 *
 * RING_PUSH_REQUESTS_AND_CHECK_NOTIFY() would read back from the shared ring
 * what was pushed before, and the backend can write there.
 *
 * Context: any; under whatever keeps others from the ring.
 * Return: true if the backend has to be told.
 */
static inline bool xenfront_ring_push(RING_IDX *pushed, RING_IDX prod,
				      RING_IDX *shared_prod,
				      const RING_IDX *shared_event)
{
	RING_IDX old = *pushed;

	if (old == prod)
		return false;
	*pushed = prod;

	/* The requests before the index that covers them. */
	virt_wmb();
	WRITE_ONCE(*shared_prod, prod);
	/* The index before we look whether the backend waits for it. */
	virt_mb();
	return prod - READ_ONCE(*shared_event) < prod - old;
}

/* ------------------------------------------------------------------------
 * pool: pages of ours that stay granted from one use to the next
 */

/**
 * struct xenfront_page - a page of a pool
 * @next:	the next one of the same chain, or of the pool's free ones
 * @page:	ours; only its first XEN_PAGE_SIZE bytes are granted
 * @ref:	the grant, writable for the backend
 */
struct xenfront_page {
	struct xenfront_page *next;
	struct page *page;
	grant_ref_t ref;
};

/**
 * struct xenfront_chain - pages taken from a pool together
 * @head:	the first, or NULL
 * @tail:	the last; undefined when empty
 * @nr:		how many
 */
struct xenfront_chain {
	struct xenfront_page *head;
	struct xenfront_page *tail;
	unsigned int nr;
};

/**
 * struct xenfront_pool - granted pages, as many as are in flight
 * @dev:	whom the pages are granted to; NULL: the pool does not exist
 * @lock:	guards all members below; taken with interrupts off
 * @free:	the most recently used page first
 * @nr_free:	length of @free
 * @nr_pages:	all pages, free and in use
 * @low:	the smallest @nr_free since the last trim: pages nobody needed
 * @reserve:	pages that are never given back, so that there is progress
 *		when there is no memory; constant
 * @limit:	pages there are at most; constant
 */
struct xenfront_pool {
	struct xenbus_device *dev;
	spinlock_t lock;	/* guards what is not constant */
	struct xenfront_page *free;
	unsigned int nr_free;
	unsigned int nr_pages;
	unsigned int low;
	unsigned int reserve;
	unsigned int limit;
};

/**
 * xenfront_pool_in_use() - pages that somebody took and will put back
 * @pool: the pool
 *
 * Context: any; the answer may be old when it is returned.
 * Return: their number, the caller's own included.
 */
static inline unsigned int
xenfront_pool_in_use(const struct xenfront_pool *pool)
{
	return READ_ONCE(pool->nr_pages) - READ_ONCE(pool->nr_free);
}

int xenfront_pool_create(struct xenfront_pool *pool, struct xenbus_device *dev,
			 unsigned int reserve, unsigned int limit);
void xenfront_pool_destroy(struct xenfront_pool *pool);
void xenfront_pool_get(struct xenfront_pool *pool, unsigned int nr,
		       struct xenfront_chain *chain);
void xenfront_pool_put(struct xenfront_pool *pool,
		       struct xenfront_chain *chain);
void xenfront_pool_trim(struct xenfront_pool *pool);

#endif /* _XENFRONT_H */
