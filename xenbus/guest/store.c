// SPDX-License-Identifier: GPL-2.0-only
/*
 * The conversation with xenstored: requests go out, answers find who waits for
 * them, and while the guest is suspended nobody asks.
 *
 *	request.c	guest_store_enter()	not while we are suspended
 *	store.c		guest_store_call()	puts a request into the ring
 *	store.c		reader()		takes what xenstored writes
 *	watch.c		guest_watch_event()	... an event, to be handled later
 *	store.c		answer()		... or an answer: its call returns
 *
 * xenstored is the toolstack's.  It is believed in what it says, not in how it
 * says it: lengths, indices and ids are checked, and there is an end to
 * waiting for it.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <xen/interface/io/xs_wire.h>

#include "guest.h"

/*
 * How long xenstored may take.  It answers within milliseconds, but may be
 * replaced by a newer one, and its domain may be busy.
 */
#define PATIENCE	(300 * HZ)
/* Until it has said anything, in case nobody is there. */
#define PATIENCE_START	(30 * HZ)
/* Since it has been silent for too long, until it says something. */
#define PATIENCE_SILENT	HZ

/**
 * struct call - a request that is not answered yet; on its caller's stack
 * @list:	in &store.waiting, until it is answered; by &store.lock
 * @id:		what the answer is known by
 * @answered:	@err and @reply are valid
 * @err:	the request failed on the way
 * @reply:	what xenstored said; the body is the caller's to free
 */
struct call {
	struct list_head list;
	u32 id;
	struct completion answered;
	int err;
	struct guest_reply reply;
};

/**
 * struct store - the conversation; there is one
 * @sending:	held while a request goes into the ring
 * @reading:	held by the reader while it is inside a message
 * @reader:	takes what xenstored writes
 * @patience:	PATIENCE or one of the others, as things stand
 * @lock:	guards what follows
 * @waiting:	struct call, sent or being sent
 * @next_id:	of a call
 * @users:	who may be in a call, or in a transaction
 * @suspended:	nobody may enter
 * @broken:	the ring cannot be used any more; nothing but a resume helps
 * @generation:	how often we were resumed
 * @changed:	woken when @users or @suspended changes
 * @scratch:	the reader's: the body of a message, with a NUL behind it
 */
static struct store {
	struct mutex sending;	/* of one request at a time */
	struct mutex reading;	/* of a message */
	struct task_struct *reader;
	unsigned long patience;

	spinlock_t lock;	/* guards what follows */
	struct list_head waiting;
	u32 next_id;
	unsigned int users;
	bool suspended;
	bool broken;
	unsigned int generation;

	wait_queue_head_t changed;
	char scratch[XENSTORE_PAYLOAD_MAX + 1];
} store = {
	.sending = __MUTEX_INITIALIZER(store.sending),
	.reading = __MUTEX_INITIALIZER(store.reading),
	.lock = __SPIN_LOCK_UNLOCKED(store.lock),
	.waiting = LIST_HEAD_INIT(store.waiting),
	.changed = __WAIT_QUEUE_HEAD_INITIALIZER(store.changed),
};

/* ------------------------------------------------------------------------
 * Who may ask
 */

static bool may_enter(void)
{
	bool may;

	spin_lock(&store.lock);
	/* Who is inside may ask for more on the way out. */
	may = !store.suspended || store.users;
	if (may)
		store.users++;
	spin_unlock(&store.lock);
	return may;
}

/**
 * guest_store_enter() - the guest is not suspended until guest_store_leave()
 *
 * Context: process; sleeps while the guest is being suspended.
 */
void guest_store_enter(void)
{
	wait_event(store.changed, may_enter());
}

/**
 * guest_store_leave() - undo guest_store_enter()
 *
 * Context: process.
 */
void guest_store_leave(void)
{
	spin_lock(&store.lock);
	store.users--;
	spin_unlock(&store.lock);
	wake_up_all(&store.changed);
}

/**
 * guest_store_generation() - tells transactions of before a resume apart
 *
 * Context: any; it stays what it is until guest_store_leave().
 */
unsigned int guest_store_generation(void)
{
	return READ_ONCE(store.generation);
}

/* ------------------------------------------------------------------------
 * Requests
 */

/* Nobody can know where in the ring the next message begins. */
static void break_off(const char *why, int err)
{
	struct call *call, *next;
	LIST_HEAD(failed);

	spin_lock(&store.lock);
	if (!store.broken)
		pr_err("xen-guest: xenstore cannot be used any more: %s (%d)\n",
		       why, err);
	store.broken = true;
	list_splice_init(&store.waiting, &failed);
	list_for_each_entry_safe(call, next, &failed, list) {
		list_del_init(&call->list);
		call->err = -EIO;
		/* The last use of it: it is on somebody's stack. */
		complete(&call->answered);
	}
	spin_unlock(&store.lock);
}

/* What has begun must be ended: half a request cannot be taken back. */
static int send_bytes(const void *buf, unsigned int len, bool *begun)
{
	int sent;

	while (len) {
		sent = guest_ring_write(buf, len);
		if (sent < 0)
			return sent;
		buf += sent;
		len -= sent;
		if (sent) {
			*begun = true;
			continue;
		}
		guest_ring_notify();
		if (!wait_event_timeout(guest_ring_wait, guest_ring_has_room(),
					*begun ? PATIENCE :
					READ_ONCE(store.patience)))
			return -ETIMEDOUT;
	}
	return 0;
}

/* -ETIMEDOUT: there is no room, for what was asked before is not read yet. */
static int send_message(const struct xsd_sockmsg *hdr,
			const struct kvec *parts, unsigned int nr)
{
	bool begun = false;
	unsigned int i;
	int err;

	mutex_lock(&store.sending);
	err = READ_ONCE(store.broken) ? -EIO :
	      send_bytes(hdr, sizeof(*hdr), &begun);
	for (i = 0; !err && i < nr; i++)
		err = send_bytes(parts[i].iov_base, parts[i].iov_len, &begun);
	if (!err)
		guest_ring_notify();
	else if (begun || err != -ETIMEDOUT)
		break_off("a request could not be written", err);
	mutex_unlock(&store.sending);
	return err;
}

static int queue_call(struct call *call)
{
	int err = 0;

	init_completion(&call->answered);
	spin_lock(&store.lock);
	call->id = store.next_id++;
	if (store.broken)
		err = -EIO;
	else
		list_add_tail(&call->list, &store.waiting);
	spin_unlock(&store.lock);
	return err;
}

/* The answer may come just now: then there is one. */
static void give_up(struct call *call)
{
	bool waits;

	spin_lock(&store.lock);
	waits = !list_empty(&call->list);
	list_del_init(&call->list);
	spin_unlock(&store.lock);
	if (!waits)
		return;
	call->err = -ETIMEDOUT;
	if (READ_ONCE(store.patience) != PATIENCE_SILENT)
		pr_err("xen-guest: xenstore does not answer\n");
	WRITE_ONCE(store.patience, PATIENCE_SILENT);
}

static unsigned int length(const struct kvec *parts, unsigned int nr)
{
	unsigned int i, len = 0;

	/* Parts are strings of ours, or were checked by who took them. */
	for (i = 0; i < nr; i++)
		len += parts[i].iov_len;
	return len;
}

/**
 * guest_store_call() - ask xenstored, and wait for the answer
 * @type:	XS_*
 * @tx:		the transaction, or 0
 * @parts:	what the request consists of
 * @nr:		how many parts
 * @reply:	filled in on success.  Its type is @type or XS_ERROR; its body
 *		ends with a NUL that is not counted, and is the caller's to free
 *
 * Context: process; sleeps.  Between guest_store_enter() and
 *	    guest_store_leave(), or in guest_store_resume().
 * Return: 0, -E2BIG for what the protocol has no room for, -ETIMEDOUT if
 *	   xenstored is silent, -EIO if it talks nonsense, or -ENOMEM.
 */
int guest_store_call(u32 type, u32 tx, const struct kvec *parts,
		     unsigned int nr, struct guest_reply *reply)
{
	struct xsd_sockmsg hdr = {
		.type = type,
		.tx_id = tx,
		.len = length(parts, nr),
	};
	struct call call = { };
	int err;

	/* xenstored would close the connection. */
	if (hdr.len > XENSTORE_PAYLOAD_MAX)
		return -E2BIG;

	err = queue_call(&call);
	if (err)
		return err;
	hdr.req_id = call.id;
	if (send_message(&hdr, parts, nr) == -ETIMEDOUT ||
	    !wait_for_completion_timeout(&call.answered,
					 READ_ONCE(store.patience)))
		give_up(&call);
	if (call.err)
		return call.err;

	if (call.reply.type != type && call.reply.type != XS_ERROR) {
		pr_err_ratelimited("xen-guest: xenstore answers a request of type %u with one of type %u\n",
				   type, call.reply.type);
		kfree(call.reply.body);
		return -EIO;
	}
	*reply = call.reply;
	return 0;
}

/* ------------------------------------------------------------------------
 * Answers
 */

/* The body is copied before anybody can give the call up. */
static void answer(const struct xsd_sockmsg *hdr, const char *body)
{
	char *copy = kmemdup(body, hdr->len + 1, GUEST_STORE_GFP);
	struct call *call;

	spin_lock(&store.lock);
	list_for_each_entry(call, &store.waiting, list) {
		if (call->id != hdr->req_id)
			continue;
		list_del_init(&call->list);
		call->reply.type = hdr->type;
		call->reply.len = hdr->len;
		call->reply.body = copy;
		call->err = copy ? 0 : -ENOMEM;
		copy = NULL;
		complete(&call->answered);
		goto unlock;
	}
	pr_warn_ratelimited("xen-guest: xenstore answers what nobody asked, or waits for any more (type %u, id %u)\n",
			    hdr->type, hdr->req_id);
unlock:
	spin_unlock(&store.lock);
	kfree(copy);
}

/* -ETIMEDOUT, too, if we are to end: nobody waits for the rest. */
static int read_bytes(void *buf, unsigned int len)
{
	int got;

	while (len) {
		got = guest_ring_read(buf, len);
		if (got < 0)
			return got;
		buf += got;
		len -= got;
		if (got)
			continue;
		if (!wait_event_timeout(guest_ring_wait,
					guest_ring_has_data() ||
					kthread_should_stop(), PATIENCE))
			return -ETIMEDOUT;
		if (kthread_should_stop())
			return -ETIMEDOUT;
	}
	return 0;
}

static int read_message(void)
{
	struct xsd_sockmsg hdr;
	int err;

	err = read_bytes(&hdr, sizeof(hdr));
	if (err)
		return err;
	if (hdr.len > XENSTORE_PAYLOAD_MAX)
		return -EPROTO;
	err = read_bytes(store.scratch, hdr.len);
	if (err)
		return err;
	store.scratch[hdr.len] = 0;
	WRITE_ONCE(store.patience, PATIENCE);

	if (hdr.type == XS_WATCH_EVENT)
		guest_watch_event(store.scratch, hdr.len);
	else
		answer(&hdr, store.scratch);
	return 0;
}

static bool is_readable(void)
{
	return !READ_ONCE(store.broken) && guest_ring_has_data();
}

static int reader(void *unused)
{
	int err;

	while (!kthread_should_stop()) {
		wait_event_interruptible(guest_ring_wait, is_readable() ||
					 kthread_should_stop());
		/* A suspend comes between messages, not into one. */
		mutex_lock(&store.reading);
		err = is_readable() ? read_message() : 0;
		if (err && !kthread_should_stop())
			break_off("an answer could not be read", err);
		mutex_unlock(&store.reading);
	}
	return 0;
}

/* ------------------------------------------------------------------------
 * From the first request to the last
 */

static bool nobody_is_inside(void)
{
	bool nobody;

	spin_lock(&store.lock);
	nobody = !store.users;
	spin_unlock(&store.lock);
	return nobody;
}

/**
 * guest_store_suspend() - from now on nobody asks
 *
 * Context: process; sleeps until what is asked is answered.  Not in a
 *	    transaction.
 */
void guest_store_suspend(void)
{
	spin_lock(&store.lock);
	store.suspended = true;
	spin_unlock(&store.lock);
	wait_event(store.changed, nobody_is_inside());
	mutex_lock(&store.reading);
}

/**
 * guest_store_resume() - undo guest_store_suspend()
 * @cancelled:	we were not away; otherwise this is another domain, whose
 *		xenstored knows nothing of what we watch
 *
 * Context: process; sleeps.
 */
void guest_store_resume(bool cancelled)
{
	/* Disks are not there yet. */
	unsigned int noio = memalloc_noio_save();
	int err = cancelled ? 0 : guest_ring_resume();

	if (!cancelled) {
		spin_lock(&store.lock);
		store.broken = err;
		store.generation++;
		spin_unlock(&store.lock);
	}
	mutex_unlock(&store.reading);
	if (err)
		pr_err("xen-guest: no xenstore after a resume: %d\n", err);
	else if (!cancelled)
		guest_watch_resume();

	spin_lock(&store.lock);
	store.suspended = false;
	spin_unlock(&store.lock);
	wake_up_all(&store.changed);
	memalloc_noio_restore(noio);
}

/**
 * guest_store_init() - begin the conversation
 *
 * Context: module init; events can be bound.
 * Return: 0, or a negative errno after a line in the log.
 */
int guest_store_init(void)
{
	int err;

	store.patience = PATIENCE_START;
	store.broken = false;
	err = guest_ring_open();
	if (err)
		return err;
	err = guest_watch_init();
	if (err)
		goto close_ring;
	store.reader = kthread_run(reader, NULL, "xenbus");
	if (IS_ERR(store.reader)) {
		err = PTR_ERR(store.reader);
		goto exit_watch;
	}
	err = guest_watch_reset();
	if (err) {
		pr_err("xen-guest: xenstore cannot be used: %d\n", err);
		/* Nobody is there: as without its page or channel. */
		if (err == -ETIMEDOUT)
			err = -ENODEV;
		goto stop_reader;
	}
	return 0;

stop_reader:
	kthread_stop(store.reader);
exit_watch:
	guest_watch_exit();
close_ring:
	guest_ring_close();
	return err;
}

/**
 * guest_store_exit() - end it
 *
 * Context: module exit; nobody asks or watches any more.
 */
void guest_store_exit(void)
{
	kthread_stop(store.reader);
	guest_watch_exit();
	guest_ring_close();
}
