// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page that is shared with the backend: two rings of bytes, and four
 * indices that run freely.
 *
 * Of each ring one index is ours and one is the backend's.  Ours are kept here
 * and written there; the backend's are read once and checked.
 * Layout: xen/interface/io/console.h.
 */
#include <linux/minmax.h>
#include <linux/string.h>
#include <xen/events.h>

#include "xencons.h"

/*
 * How much the backend has still to read.  With indices that make no sense the
 * ring counts as read: what was in it is nothing that anybody could find.
 */
static unsigned int unread(struct xencons *cons)
{
	XENCONS_RING_IDX taken = READ_ONCE(cons->page->out_cons);

	/* What was read once is not there to be read again. */
	if (cons->out_prod - taken > cons->out_prod - cons->out_cons ||
	    cons->out_prod - taken > XENCONS_OUT_SIZE) {
		set_bit(XENCONS_NEWS_NONSENSE, &cons->news);
		cons->lost += min_t(XENCONS_RING_IDX, XENCONS_OUT_SIZE,
				    cons->out_prod - cons->out_cons);
		cons->out_prod = taken;
		WRITE_ONCE(cons->page->out_prod, taken);
		cons->told_cons = taken;
	}
	/* What it has read before what we write in its place. */
	virt_mb();
	if (taken != cons->out_cons) {
		cons->out_cons = taken;
		cons->moved_at = jiffies;
		if (cons->stalled)
			set_bit(XENCONS_NEWS_FLOWS, &cons->news);
		cons->stalled = false;
	}
	return cons->out_prod - taken;
}

static bool is_usable(const struct xencons *cons)
{
	return cons->page && (!cons->xf || xenfront_usable(cons->xf));
}

/* The toolstack may say that nobody reads yet. */
static bool is_served(const struct xencons *cons)
{
	return is_usable(cons) &&
	       READ_ONCE(cons->page->connection) != XENCONSOLE_DISCONNECTED;
}

/**
 * xencons_ring_room() - see how far the backend has read
 * @cons: the console, locked
 *
 * Context: any.
 * Return: how many bytes may be written.
 */
unsigned int xencons_ring_room(struct xencons *cons)
{
	return is_served(cons) ? XENCONS_OUT_SIZE - unread(cons) : 0;
}

/**
 * xencons_ring_write() - as much as there is room for
 * @cons:	the console, locked
 * @buf:	the bytes
 * @len:	how many
 *
 * Does not tell the backend.
 *
 * Context: any.
 * Return: how many were written.
 */
unsigned int xencons_ring_write(struct xencons *cons, const u8 *buf,
				unsigned int len)
{
	unsigned int offset, first;

	len = min(len, xencons_ring_room(cons));
	if (!len)
		return 0;

	offset = MASK_XENCONS_IDX(cons->out_prod, cons->page->out);
	first = min(len, (unsigned int)XENCONS_OUT_SIZE - offset);
	memcpy(cons->page->out + offset, buf, first);
	memcpy(cons->page->out, buf + first, len - first);

	cons->out_prod += len;
	/* The bytes before the index that covers them. */
	virt_wmb();
	WRITE_ONCE(cons->page->out_prod, cons->out_prod);
	cons->sent += len;
	return len;
}

/**
 * xencons_ring_peek() - copy what the backend has written
 * @cons:	the console, locked
 * @buf:	XENCONS_IN_SIZE bytes
 *
 * Context: any.
 * Return: how many bytes there are.
 */
unsigned int xencons_ring_peek(struct xencons *cons, u8 *buf)
{
	XENCONS_RING_IDX prod;
	unsigned int len, offset, first;

	if (!is_usable(cons))
		return 0;
	prod = READ_ONCE(cons->page->in_prod);
	len = prod - cons->in_cons;
	if (len > XENCONS_IN_SIZE) {
		set_bit(XENCONS_NEWS_NONSENSE, &cons->news);
		cons->in_cons = prod;
		WRITE_ONCE(cons->page->in_cons, prod);
		cons->told_prod = prod;
		return 0;
	}
	/* The index before the bytes that it covers. */
	virt_rmb();
	offset = MASK_XENCONS_IDX(cons->in_cons, cons->page->in);
	first = min(len, (unsigned int)XENCONS_IN_SIZE - offset);
	memcpy(buf, cons->page->in + offset, first);
	memcpy(buf + first, cons->page->in, len - first);
	return len;
}

/**
 * xencons_ring_consume() - the backend may write over what was read
 * @cons:	the console, locked
 * @len:	no more than xencons_ring_peek() said
 *
 * Context: any.
 */
void xencons_ring_consume(struct xencons *cons, unsigned int len)
{
	cons->in_cons += len;
	/* The bytes were read before the backend can know it. */
	virt_mb();
	WRITE_ONCE(cons->page->in_cons, cons->in_cons);
	cons->received += len;
}

/**
 * xencons_ring_notify() - have the backend look
 * @cons: the console, locked
 *
 * Context: any.
 */
void xencons_ring_notify(struct xencons *cons)
{
	if (cons->page && cons->evtchn)
		notify_remote_via_evtchn(cons->evtchn);
}

/* What another backend had not read is in no page that this one sees. */
static void write_kept(struct xencons *cons)
{
	cons->lost += cons->nr_kept -
		      xencons_ring_write(cons, cons->kept, cons->nr_kept);
	cons->nr_kept = 0;
}

/*
 * The primary console's backend goes on to read while the guest is suspended,
 * and the page stays, or the other domain has it empty.
 */
static void keep_unread(struct xencons *cons)
{
	unsigned int i, len = unread(cons);

	if (!cons->xf)
		return;
	for (i = 0; i < len; i++)
		cons->kept[i] = cons->page->out[MASK_XENCONS_IDX
			(cons->out_prod - len + i, cons->page->out)];
	cons->nr_kept = len;
}

/* It may have been in use: by the kernel that was here before us, or by us. */
static void take_up(struct xencons *cons, struct xencons_interface *page)
{
	cons->out_prod = READ_ONCE(page->out_prod);
	cons->out_cons = READ_ONCE(page->out_cons);
	cons->in_cons = READ_ONCE(page->in_cons);
	cons->told_cons = cons->out_cons;
	cons->told_prod = cons->in_cons;
	cons->page = page;
	cons->parked = NULL;
}

/**
 * xencons_attach() - there is a backend
 * @cons:	the console, without one
 * @page:	shared with it; used from now on
 * @evtchn:	by which it is told
 *
 * Context: any in which xencons_tell() may be called.
 */
void xencons_attach(struct xencons *cons, struct xencons_interface *page,
		    evtchn_port_t evtchn)
{
	unsigned long flags;

	spin_lock_irqsave(&cons->lock, flags);
	take_up(cons, page);
	cons->moved_at = jiffies;
	cons->evtchn = evtchn;
	if (cons->stalled)
		set_bit(XENCONS_NEWS_FLOWS, &cons->news);
	cons->stalled = false;
	write_kept(cons);
	xencons_output_flush(cons);
	xencons_input_take(cons, false);
	xencons_ring_notify(cons);
	spin_unlock_irqrestore(&cons->lock, flags);
	xencons_tell(cons);
}

/**
 * xencons_detach() - the backend has gone, or is about to
 * @cons: the console; may have none
 *
 * What the backend has written is taken, and what it has not read is kept for
 * the next one.  The page is not used any more when this returns.
 *
 * Context: any in which xencons_tell() may be called.
 */
void xencons_detach(struct xencons *cons)
{
	unsigned long flags;

	spin_lock_irqsave(&cons->lock, flags);
	if (cons->page) {
		xencons_input_take(cons, true);
		keep_unread(cons);
	}
	/* Primary: the page stays, and who panics meanwhile may need it. */
	cons->parked = cons->xf ? NULL : cons->page;
	cons->page = NULL;
	cons->moved_at = jiffies;
	spin_unlock_irqrestore(&cons->lock, flags);
	xencons_tell(cons);
}

/**
 * xencons_unpark() - use the page although the guest is being suspended
 * @cons: the console, locked
 *
 * The channel is the one that there was before, which the domain that the guest
 * wakes in may not have: then nobody is told, and the backend looks some other
 * time.
 *
 * Context: any; in an oops.
 */
void xencons_unpark(struct xencons *cons)
{
	if (!cons->page && cons->parked)
		take_up(cons, cons->parked);
}

/*
 * Has the backend done something since the last interrupt?  Otherwise the event
 * was nobody's: those are ever later taken.
 *
 * Only steps forward count, and they have an end unless we read and write: of
 * what it has taken, and of what it has written, whether we could take that or
 * not.
 */
static bool has_moved(struct xencons *cons)
{
	XENCONS_RING_IDX in_prod;
	bool moved;

	if (!cons->page)
		return false;
	moved = cons->out_cons != cons->told_cons;
	cons->told_cons = cons->out_cons;

	in_prod = READ_ONCE(cons->page->in_prod);
	if (in_prod - cons->in_cons <= XENCONS_IN_SIZE &&
	    (s32)(in_prod - cons->told_prod) > 0) {
		cons->told_prod = in_prod;
		moved = true;
	}
	return moved;
}

/**
 * xencons_interrupt() - the backend has read, or written
 * @irq:	the console's
 * @data:	the console
 *
 * Context: hard irq.
 * Return: IRQ_HANDLED.
 */
irqreturn_t xencons_interrupt(int irq, void *data)
{
	struct xencons *cons = data;
	bool moved, notify;

	spin_lock(&cons->lock);
	notify = xencons_input_take(cons, false);
	if (xencons_output_flush(cons) || notify)
		xencons_ring_notify(cons);
	moved = has_moved(cons);
	spin_unlock(&cons->lock);

	xencons_tell(cons);
	xen_irq_lateeoi(irq, moved ? 0 : XEN_EOI_FLAG_SPURIOUS);
	return IRQ_HANDLED;
}
