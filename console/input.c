// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a backend has for us.
 *
 * It stays in the ring while nobody can take it: the ring is the backend's sign
 * to wait.
 */
#include <linux/minmax.h>
#include <linux/tty.h>
#include <linux/tty_flip.h>

#include "xencons.h"

/* Ctrl-O begins a sysrq on every kind of hvc. */
#define SYSRQ_PREFIX	0x0f

/*
 * On the kernel's own console, while somebody types there: a program that has
 * asked for bytes as they are (no signals from keys) gets all of them.
 */
static bool sysrq_wanted(const struct xencons *cons)
{
	return IS_ENABLED(CONFIG_MAGIC_SYSRQ) && cons->signals &&
	       xencons_is_kernels(cons);
}

/*
 * Takes sysrq's bytes out.  Returns how many bytes are left in buf, *len is
 * how many of them were looked at.
 */
static unsigned int strip_sysrq(struct xencons *cons, u8 *buf,
				unsigned int *len)
{
	unsigned int i, left = 0;

	for (i = 0; i < *len; i++) {
		if (!cons->sysrq && buf[i] == SYSRQ_PREFIX) {
			cons->sysrq = true;
			continue;
		}
		if (cons->sysrq && buf[i] && buf[i] != SYSRQ_PREFIX) {
			cons->sysrq = false;
			cons->sysrq_key = buf[i];
			set_bit(XENCONS_NEWS_SYSRQ, &cons->news);
			/* One at a time: the next one when it is handled. */
			*len = i + 1;
			break;
		}
		/* Twice means the byte itself. */
		cons->sysrq = false;
		buf[left++] = buf[i];
	}
	return left;
}

/**
 * xencons_input_take() - what there is, as far as readers can take it
 * @cons:	the console, locked
 * @all:	there will be no other time: as far as there is memory
 *
 * Does not tell the backend.
 *
 * Context: any.
 * Return: something was taken.
 */
bool xencons_input_take(struct xencons *cons, bool all)
{
	u8 *buf = cons->scratch;
	unsigned int len, left, taken;

	if (!cons->open || (cons->throttled && !all))
		return false;
	if (cons->sysrq_key) {
		set_bit(XENCONS_NEWS_WAIT, &cons->news);
		return false;
	}
	len = xencons_ring_peek(cons, buf);
	if (!len)
		return false;

	taken = min_t(unsigned int, len,
		      tty_buffer_request_room(&cons->port, len));
	left = taken;
	if (sysrq_wanted(cons))
		left = strip_sysrq(cons, buf, &taken);
	else
		cons->sysrq = false;
	tty_insert_flip_string(&cons->port, buf, left);
	if (taken < len)
		set_bit(XENCONS_NEWS_WAIT, &cons->news);
	if (!taken)
		return false;
	xencons_ring_consume(cons, taken);
	/* Who pushes must not do so beside one who inserts. */
	tty_flip_buffer_push(&cons->port);
	return true;
}

/**
 * xencons_input_rescue() - take what is in a ring that will not be there again
 * @cons: the console
 *
 * What comes between this and the guest's being suspended is lost.
 *
 * Context: process.
 */
void xencons_input_rescue(struct xencons *cons)
{
	unsigned long flags;

	spin_lock_irqsave(&cons->lock, flags);
	if (xencons_input_take(cons, true))
		xencons_ring_notify(cons);
	spin_unlock_irqrestore(&cons->lock, flags);
	xencons_tell(cons);
}

/**
 * xencons_input_open() - somebody has opened the terminal
 * @cons:	the console
 * @signals:	keys make signals there
 *
 * Context: process.
 * Return: 0, or -EIO if the console was removed.
 */
int xencons_input_open(struct xencons *cons, bool signals)
{
	unsigned long flags;
	bool gone;

	spin_lock_irqsave(&cons->lock, flags);
	gone = cons->gone;
	cons->open = !gone;
	cons->throttled = false;
	cons->signals = signals;
	cons->sysrq = false;
	if (xencons_input_take(cons, false))
		xencons_ring_notify(cons);
	spin_unlock_irqrestore(&cons->lock, flags);
	xencons_tell(cons);
	return gone ? -EIO : 0;
}

/**
 * xencons_input_close() - nobody has the terminal open any more
 * @cons: the console
 *
 * Context: process.
 */
void xencons_input_close(struct xencons *cons)
{
	unsigned long flags;

	spin_lock_irqsave(&cons->lock, flags);
	cons->open = false;
	spin_unlock_irqrestore(&cons->lock, flags);
}

/**
 * xencons_input_signals() - keys make signals, or are bytes like any other
 * @cons:	the console
 * @signals:	which of the two
 *
 * Context: process.
 */
void xencons_input_signals(struct xencons *cons, bool signals)
{
	unsigned long flags;

	spin_lock_irqsave(&cons->lock, flags);
	cons->signals = signals;
	cons->sysrq = false;
	spin_unlock_irqrestore(&cons->lock, flags);
}

/**
 * xencons_input_allow() - who reads the terminal can take more, or cannot
 * @cons:	the console
 * @allow:	which of the two
 *
 * Context: process.
 */
void xencons_input_allow(struct xencons *cons, bool allow)
{
	unsigned long flags;

	spin_lock_irqsave(&cons->lock, flags);
	cons->throttled = !allow;
	if (xencons_input_take(cons, false))
		xencons_ring_notify(cons);
	spin_unlock_irqrestore(&cons->lock, flags);
	xencons_tell(cons);
}
