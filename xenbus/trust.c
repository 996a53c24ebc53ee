// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one answer to a backend that talks nonsense.
 */
#include <linux/device.h>
#include <linux/printk.h>
#include <linux/stdarg.h>
#include <xenfront.h>

/**
 * xenfront_break() - stop trusting the rings
 * @xf:		the device
 * @why:	what the backend did, as a printf format without newline
 *
 * Logs once, and no user of the rings touches them any more (they ask
 * xenfront_usable()).  The lifecycle then closes with the backend and connects
 * anew, where what was in flight is replayed; should the backend go on like
 * that, at growing intervals.
 *
 * Context: any.
 */
void xenfront_break(struct xenfront_device *xf, const char *why, ...)
{
	struct va_format vaf;
	va_list args;

	if (test_and_set_bit(XENFRONT_F_BROKEN, &xf->flags))
		return;

	va_start(args, why);
	vaf.fmt = why;
	vaf.va = &args;
	dev_err(&xf->dev->dev, "%pV; connecting anew\n", &vaf);
	va_end(args);
	xenfront_kick(xf);
}
EXPORT_SYMBOL_GPL(xenfront_break);
