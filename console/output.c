// SPDX-License-Identifier: GPL-2.0-only
/*
 * What waits for a backend to read it, and for how long.
 *
 * A backend that reads, however slowly, is waited for, so that nothing is lost.
 * The kernel waits until what it says has left the guest, for it may be the last
 * thing that it does; but not for longer than a message may take.
 * One that has read nothing for PATIENCE, or that is not there for so long, is
 * stalled: from then on nobody waits, and what does not fit is counted and
 * lost.  So no writer, and no message of the kernel's, depends on the backend.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/sched.h>

#include "xencons.h"

/* For programs, which can do something else meanwhile. */
#define PATIENCE	(5 * HZ)
/* For the kernel, which cannot. */
#define PRINTK_PATIENCE	((u64)NSEC_PER_SEC)
/*
 * For what a terminal's line discipline writes without looking whether it is
 * taken (a line feed, a tab): the room that it has seen may be gone by then.
 */
#define RESERVE		64
/* With whoever has the lock in an oops, in microseconds. */
#define OOPS_PATIENCE	10000

static bool is_waiting(struct xencons *cons)
{
	return cons->nr_kept || !kfifo_is_empty(&cons->out);
}

/* Where in all that is ever sent what was put in last will be. */
static u64 end_of_waiting(struct xencons *cons)
{
	return cons->sent + cons->nr_kept + kfifo_len(&cons->out);
}

static void stall(struct xencons *cons)
{
	cons->stalled = true;
	set_bit(XENCONS_NEWS_STALLED, &cons->news);
	set_bit(XENCONS_NEWS_ROOM, &cons->news);
}

/* Of a backend that is stalled no event may come when it begins to read. */
static void wait_for_room(struct xencons *cons)
{
	if (!cons->stalled && time_after(jiffies, cons->moved_at + PATIENCE))
		stall(cons);
	set_bit(XENCONS_NEWS_WAIT, &cons->news);
}

/**
 * xencons_output_flush() - move what waits into the ring
 * @cons: the console, locked
 *
 * Context: any.
 * Return: the backend has to be told.
 */
bool xencons_output_flush(struct xencons *cons)
{
	unsigned int len, done, before = kfifo_len(&cons->out);
	u64 sent = cons->sent;
	u8 buf[64];

	/* Of one that is stalled this tells whether it still is. */
	xencons_ring_room(cons);
	do {
		len = kfifo_out_peek(&cons->out, buf, sizeof(buf));
		done = xencons_ring_write(cons, buf, len);
	} while (kfifo_out(&cons->out, buf, done) == sizeof(buf));
	if (kfifo_len(&cons->out) < before)
		set_bit(XENCONS_NEWS_ROOM, &cons->news);
	/* Not only when nothing waits: there may always be a writer. */
	if (cons->slow && (!is_waiting(cons) ||
			   cons->sent >= cons->slow_until)) {
		cons->slow = false;
		set_bit(XENCONS_NEWS_FLOWS, &cons->news);
	}
	if (!kfifo_is_empty(&cons->out))
		wait_for_room(cons);
	return cons->sent != sent;
}

/* All of it, if the backend is not waited for: what does not fit is lost. */
static unsigned int put(struct xencons *cons, const u8 *buf, unsigned int len)
{
	unsigned int done = 0;
	bool push;

	push = xencons_output_flush(cons);
	if (kfifo_is_empty(&cons->out)) {
		done = xencons_ring_write(cons, buf, len);
		push |= done > 0;
	}
	if (done < len) {
		if (!is_waiting(cons))
			cons->moved_at = jiffies;
		done += kfifo_in(&cons->out, buf + done, len - done);
		wait_for_room(cons);
	}
	if (push)
		xencons_ring_notify(cons);
	if (cons->stalled) {
		cons->lost += len - done;
		done = len;
	}
	return done;
}

/**
 * xencons_output() - a program's output
 * @cons:	the console
 * @buf:	the bytes
 * @len:	how many
 *
 * Context: process, or softirq; does not sleep.
 * Return: how many were taken; XENCONS_NEWS_ROOM tells when more can be.
 */
unsigned int xencons_output(struct xencons *cons, const u8 *buf,
			    unsigned int len)
{
	unsigned long flags;

	spin_lock_irqsave(&cons->lock, flags);
	len = put(cons, buf, len);
	spin_unlock_irqrestore(&cons->lock, flags);
	xencons_tell(cons);
	return len;
}

/**
 * struct message - what the kernel has still to print
 * @buf:	the bytes
 * @len:	how many
 * @until:	how much has to be sent until all that was put in has left
 * @taken:	how far the backend had read when we looked last
 * @end:	when patience with it ends, in ns of the monotonic clock
 * @last:	when it ends however the backend goes on
 */
struct message {
	const u8 *buf;
	unsigned int len;
	u64 until;
	XENCONS_RING_IDX taken;
	u64 end;
	u64 last;
};

/*
 * What the backend was before, it need not be now, and these may be the last
 * words.  A panic in a suspend finds the primary console's page still there.
 */
static void begin_oops(struct xencons *cons)
{
	if (cons->oops)
		return;
	cons->oops = true;
	cons->stalled = false;
	cons->slow = false;
	cons->moved_at = jiffies;
	xencons_unpark(cons);
}

/* True: all has left, or nobody is waited for. */
static bool print_more(struct xencons *cons, struct message *message)
{
	u64 now = ktime_get_mono_fast_ns();
	unsigned int done;

	if (oops_in_progress)
		begin_oops(cons);
	else
		cons->oops = false;
	done = put(cons, message->buf, message->len);
	message->buf += done;
	message->len -= done;
	if (done)
		message->until = end_of_waiting(cons);
	if (!message->len &&
	    (!is_waiting(cons) || cons->sent >= message->until))
		return true;
	if (message->taken != cons->out_cons) {
		message->taken = cons->out_cons;
		message->end = min(now + PRINTK_PATIENCE, message->last);
	}
	if (cons->page && !cons->stalled && !cons->slow) {
		if (now <= message->end)
			return false;
		/* A backend that only trickles would hold every message. */
		cons->slow = true;
		cons->slow_until = end_of_waiting(cons);
		stall(cons);
	}
	cons->lost += message->len;
	return true;
}

/* In an oops whoever has the lock may not run any more. */
static bool print_in_oops(struct xencons *cons, struct message *message)
{
	unsigned int patience = OOPS_PATIENCE;
	unsigned long flags;
	bool done;

	do {
		if (spin_trylock_irqsave(&cons->lock, flags)) {
			done = print_more(cons, message);
			spin_unlock_irqrestore(&cons->lock, flags);
			return done;
		}
		udelay(1);
	} while (--patience);
	return print_more(cons, message);
}

static bool print_locked(struct xencons *cons, struct message *message)
{
	unsigned long flags;
	bool done;

	if (oops_in_progress)
		return print_in_oops(cons, message);
	spin_lock_irqsave(&cons->lock, flags);
	done = print_more(cons, message);
	spin_unlock_irqrestore(&cons->lock, flags);
	return done;
}

/**
 * xencons_output_now() - the kernel's output
 * @cons:	the console
 * @buf:	the bytes
 * @len:	how many
 * @last:	when patience ends, however slowly the backend reads on, in ns of
 *		the monotonic clock; then nobody waits until it has caught up
 *
 * Returns when all has left the guest.  Waits for that while the backend reads,
 * and PRINTK_PATIENCE for one that does not.
 *
 * Context: any.
 */
void xencons_output_now(struct xencons *cons, const u8 *buf, unsigned int len,
			u64 last)
{
	u64 now = ktime_get_mono_fast_ns();
	struct message message = {
		.buf	= buf,
		.len	= len,
		.taken	= READ_ONCE(cons->out_cons),
		.end	= min(now + PRINTK_PATIENCE, last),
		.last	= last,
	};

	while (!print_locked(cons, &message))
		HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
	/* Whoever prints may hold any lock. */
	if (READ_ONCE(cons->news))
		irq_work_queue(&cons->irq_work);
}

/**
 * xencons_output_room() - how much would be taken
 * @cons: the console
 *
 * Context: any.
 * Return: bytes.
 */
unsigned int xencons_output_room(struct xencons *cons)
{
	unsigned long flags;
	unsigned int room;

	spin_lock_irqsave(&cons->lock, flags);
	room = kfifo_avail(&cons->out);
	room = room > RESERVE ? room - RESERVE : 0;
	/* Of one that is stalled everything is taken, and lost. */
	if (cons->stalled || cons->gone)
		room = XENCONS_FIFO_SIZE;
	spin_unlock_irqrestore(&cons->lock, flags);
	return room;
}

/**
 * xencons_output_waiting() - how much has not left the guest, and will
 * @cons: the console
 *
 * Context: any.
 * Return: bytes; 0 if it is not waited for.
 */
unsigned int xencons_output_waiting(struct xencons *cons)
{
	unsigned long flags;
	unsigned int waiting;

	spin_lock_irqsave(&cons->lock, flags);
	waiting = cons->stalled || cons->gone ? 0 : kfifo_len(&cons->out);
	spin_unlock_irqrestore(&cons->lock, flags);
	return waiting;
}

/**
 * xencons_output_drop() - a user does not want what waits to be sent
 * @cons: the console
 *
 * Context: process.
 */
void xencons_output_drop(struct xencons *cons)
{
	unsigned long flags;

	/* Among it may be what the kernel has said. */
	if (xencons_is_kernels(cons))
		return;
	spin_lock_irqsave(&cons->lock, flags);
	kfifo_reset(&cons->out);
	set_bit(XENCONS_NEWS_ROOM, &cons->news);
	spin_unlock_irqrestore(&cons->lock, flags);
	xencons_tell(cons);
}

/**
 * xencons_output_work() - look at rings of which no event came
 * @work: the console's
 *
 * An event may have been lost with a backend; and what readers had no place for
 * stays in the ring until they have.
 *
 * Context: process.
 */
void xencons_output_work(struct work_struct *work)
{
	struct xencons *cons = container_of(to_delayed_work(work),
					    struct xencons, work);
	unsigned long flags;
	bool notify;

	spin_lock_irqsave(&cons->lock, flags);
	notify = xencons_output_flush(cons);
	notify |= xencons_input_take(cons, false);
	if (notify || is_waiting(cons))
		xencons_ring_notify(cons);
	spin_unlock_irqrestore(&cons->lock, flags);
	xencons_tell(cons);
}
