// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one answer to a backend that talks nonsense, or nothing at all; and how
 * far its word is taken where nothing else can be had.
 */
#include <linux/device.h>
#include <linux/printk.h>
#include <linux/stdarg.h>
#include <xenfront.h>

#include "internal.h"

static void stop_using(struct xenfront_device *xf, struct va_format *vaf)
{
	if (test_and_set_bit(XENFRONT_F_BROKEN, &xf->flags))
		return;

	dev_err(&xf->dev->dev, "%pV; connecting anew\n", vaf);
	xenfront_kick(xf);
}

/**
 * xenfront_break() - stop trusting the rings
 * @xf:		the device
 * @why:	what the backend did, as a printf format without newline
 *
 * Logs once, and no user of the rings touches them any more (they ask
 * xenfront_usable()); answers that are there are not taken.  The lifecycle
 * then closes with the backend and connects anew, where what was in flight is
 * replayed; should the backend go on like that, at growing intervals.
 *
 * Context: any.
 */
void xenfront_break(struct xenfront_device *xf, const char *why, ...)
{
	struct va_format vaf = { .fmt = why };
	va_list args;

	set_bit(XENFRONT_F_VOID, &xf->flags);
	va_start(args, why);
	vaf.va = &args;
	stop_using(xf, &vaf);
	va_end(args);
}
EXPORT_SYMBOL_GPL(xenfront_break);

/**
 * xenfront_give_up() - stop waiting for a backend that is silent
 * @xf:		the device
 * @why:	what did not come, as a printf format without newline
 *
 * As xenfront_break(), but what the backend has answered when it is closed
 * counts: it was only slow.
 *
 * Context: any.
 */
void xenfront_give_up(struct xenfront_device *xf, const char *why, ...)
{
	struct va_format vaf = { .fmt = why };
	va_list args;

	va_start(args, why);
	vaf.va = &args;
	stop_using(xf, &vaf);
	va_end(args);
}
EXPORT_SYMBOL_GPL(xenfront_give_up);

/**
 * xenfront_has_let_go() - are pages ours that are mapped by frame number?
 * @xf:		the device, in &xenfront_ops.disconnect, which asks once
 * @force:	as there
 *
 * There is no grant that would tell who has them mapped, so the backend's word
 * has to do: it is Closed, or starts afresh.  After a resume nobody knows the
 * frames: they are of another life, and so was the backend.  Unless it has a
 * state that needs us: then there was no other life, for the kernel says that it
 * was away, too, when it could not go.
 *
 * What cannot be used again is lost, so that there is an end to it: of a backend
 * that often goes without a word nothing is wanted any more.
 *
 * Context: process; sleeps.
 * Return: false if they may not be used for anything else, ever.
 */
bool xenfront_has_let_go(struct xenfront_device *xf, bool force)
{
	/* Nothing was published. */
	if (xf->phase == XENFRONT_WAITING)
		return true;
	if (test_bit(XENFRONT_F_RESUMED, &xf->flags)) {
		switch (xenfront_backend_state(xf)) {
		case XenbusStateInitialised:
		case XenbusStateConnected:
		case XenbusStateClosing:
			break;
		default:
			return true;
		}
	} else if (!force) {
		switch (xenfront_backend_state(xf)) {
		case XenbusStateClosed:
		case XenbusStateInitialising:
		case XenbusStateInitWait:
			return true;
		default:
			break;
		}
	}
	if (++xf->kept == XENFRONT_MOST_KEPT)
		dev_err(&xf->dev->dev,
			"backend %s has gone %d times with what it had mapped: it gets nothing more\n",
			xf->dev->otherend, XENFRONT_MOST_KEPT);
	return false;
}
EXPORT_SYMBOL_GPL(xenfront_has_let_go);
