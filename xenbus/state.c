// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our state, as xenstore and the kernel's bus have it.
 *
 * Newer kernels take a device for one that the toolstack replaced, and
 * unregister it, when they read Initialising in xenstore and then find
 * something else in dev->state.  They look whenever one of our keys changes,
 * from xenwatch, while steps run beside it.  So dev->state is Initialising
 * from before xenstore says so until after it has ceased to: it is set first
 * when we go there, and is left behind by one change when we leave.
 */
#include <linux/device.h>
#include <xen/xenbus.h>

#include "internal.h"

/**
 * xenfront_write_state() - write a state that the backend is to see
 * @dev:	the device
 * @state:	what to write
 *
 * Not to dev->state, which xenbus_switch_state() would set afterwards.
 *
 * Context: process; sleeps.
 */
void xenfront_write_state(struct xenbus_device *dev, enum xenbus_state state)
{
	struct xenbus_transaction xbt;
	int err;

	do {
		err = xenbus_transaction_start(&xbt);
		if (err)
			break;
		/* Do not bring a directory back that was removed. */
		err = xenbus_exists(xbt, dev->nodename, "state") ?
			xenbus_printf(xbt, dev->nodename, "state", "%d",
				      state) : 0;
		err = xenbus_transaction_end(xbt, err) ?: err;
	} while (err == -EAGAIN);
	if (err)
		dev_err(&dev->dev, "cannot write to xenstore: %d\n", err);
}

/**
 * xenfront_announce_start() - we are Initialising
 * @xf: the device
 *
 * Context: process; sleeps.
 */
void xenfront_announce_start(struct xenfront_device *xf)
{
	xf->dev->state = XenbusStateInitialising;
	xenfront_write_state(xf->dev, XenbusStateInitialising);
}

/**
 * xenfront_set_state() - we are in any other state
 * @xf:		the device, whose phase is the one before still
 * @state:	what the backend is to see
 *
 * Context: process; sleeps.
 */
void xenfront_set_state(struct xenfront_device *xf, enum xenbus_state state)
{
	if (xf->phase == XENFRONT_WAITING)
		xenfront_write_state(xf->dev, state);
	else
		xenbus_switch_state(xf->dev, state);
}
