// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that a driver which is built into the kernel holds become ours.
 *
 * Such a driver was there first, and the kernel gives it every device that
 * appears.  It is made to let go in the order that keeps the guest safe: the
 * backend closes, as if the driver itself had asked for it, and has unmapped
 * everything; then the driver is unbound, and frees its pages.  The other way
 * round (which is what unbinding by sysfs does) it frees pages that the backend
 * still writes to, and a PV guest in which such a page becomes a page table
 * does not survive.
 */
#include <linux/container_of.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>
#include <xenfront.h>

#include "internal.h"

/* A backend that works closes within milliseconds. */
#define PATIENCE	(5 * HZ)
/* One that has begun to close cannot be called back, so it is waited for. */
#define PATIENCE_CLOSING	(60 * HZ)
/* How long what was written may be on its way. */
#define REPEAT		HZ
#define POLL		10	/* ms */

static bool is_wanted(const struct xenfront_takeover *takeover,
		      const struct device *dev)
{
	const struct xenbus_device_id *id;

	for (id = takeover->driver->ids; *id->devicetype; id++)
		if (!strcmp(id->devicetype,
			    container_of_const(dev, struct xenbus_device,
					       dev)->devicetype))
			return true;
	return false;
}

/*
 * Nobody at the other end has anything of the driver's.  A backend that has no
 * state has not said so.
 */
static bool is_closed(struct xenbus_device *dev, const char *backend,
		      bool patient)
{
	switch (xenbus_read_driver_state(dev, backend)) {
	case XenbusStateClosed:
		return true;
	case XenbusStateInitialising:
		/* It may be about to become something else. */
		return !patient;
	default:
		return false;
	}
}

/* The driver that holds the device may be about to say that it is Connected. */
static void say_closing(struct xenbus_device *dev)
{
	if (dev->state != XenbusStateClosing && dev->state != XenbusStateClosed)
		xenbus_switch_state(dev, XenbusStateClosing);
}

static bool is_closing(struct xenbus_device *dev, const char *backend)
{
	return xenbus_read_driver_state(dev, backend) == XenbusStateClosing;
}

/*
 * xenwatch has the driver that holds the device answer the backend meanwhile,
 * and of two states that are written at the same moment one is lost.  If it is
 * the driver's Closed, then our Closing is no news to the backend, and nobody
 * goes on.  Or xenstore has them in one order and dev->state in the other, and
 * what is in dev->state is not written again.
 */
static void say_what_was_lost(struct xenbus_device *dev, const char *backend)
{
	enum xenbus_state state = READ_ONCE(dev->state);

	if (state == XenbusStateClosing && is_closing(dev, backend))
		xenbus_switch_state(dev, XenbusStateClosed);
	else if (xenbus_read_driver_state(dev, dev->nodename) != state)
		xenfront_write_state(dev, state);
}

static bool close_with_backend(struct xenbus_device *dev, const char *backend)
{
	unsigned long end = jiffies + PATIENCE;
	unsigned long last = jiffies + PATIENCE_CLOSING;
	unsigned long again = jiffies + REPEAT;
	enum xenbus_state before = dev->state;

	do {
		say_closing(dev);
		if (is_closed(dev, backend, true))
			return true;
		if (time_after(jiffies, again)) {
			say_what_was_lost(dev, backend);
			again = jiffies + REPEAT;
		}
		msleep(POLL);
	} while (time_before(jiffies, end) ||
		 (time_before(jiffies, last) && is_closing(dev, backend)));

	if (is_closed(dev, backend, false))
		return true;
	if (!is_closing(dev, backend))
		xenbus_switch_state(dev, before);
	return false;
}

/*
 * The path, for the caller to free; NULL if the driver that holds the device has
 * not found it yet, or lets go of the device.  A copy, for xenwatch may need the
 * lock while the backend closes.
 */
static char *backend_of(struct device *device,
			const struct device_driver *holder)
{
	struct xenbus_device *dev = to_xenbus_device(device);
	char *path = NULL;

	device_lock(device);
	if (device->driver == holder && dev->otherend)
		path = kstrdup(dev->otherend, GFP_KERNEL);
	device_unlock(device);
	return path;
}

static int take(struct device *dev, void *data)
{
	struct xenfront_takeover *takeover = data;
	const struct device_driver *holder = READ_ONCE(dev->driver);
	char *backend;
	bool closed;

	if (!holder || holder == &takeover->driver->driver ||
	    !is_wanted(takeover, dev))
		return 0;
	backend = backend_of(dev, holder);
	if (!backend)
		return 0;
	closed = close_with_backend(to_xenbus_device(dev), backend);
	kfree(backend);
	if (!closed) {
		dev_warn(dev,
			 "backend did not close in time, so that the kernel's own driver keeps the device%s%s%s\n",
			 takeover->initcall ?
			 "; the kernel parameter initcall_blacklist=" : "",
			 takeover->initcall ?: "",
			 takeover->initcall ? " keeps that driver away" : "");
		return 0;
	}
	device_release_driver(dev);
	dev_info(dev, "taken over from the kernel's own driver\n");
	return 0;
}

static void takeover_work(struct work_struct *work)
{
	struct xenfront_takeover *takeover =
		container_of(work, struct xenfront_takeover, work);
	struct device_driver *driver = &takeover->driver->driver;
	int err;

	bus_for_each_dev(driver->bus, NULL, takeover, take);
	/* Not device_attach(), which asks the other driver first. */
	err = driver_attach(driver);
	if (err)
		pr_err("%s: cannot take over devices: %d\n", driver->name, err);
}

static int bus_event(struct notifier_block *nb, unsigned long event,
		     void *data)
{
	struct xenfront_takeover *takeover =
		container_of(nb, struct xenfront_takeover, notifier);
	struct device *dev = data;

	/* Under the device's lock, and maybe in xenwatch: the backend waits. */
	if (event == BUS_NOTIFY_BOUND_DRIVER && is_wanted(takeover, dev) &&
	    dev->driver != &takeover->driver->driver)
		queue_work(system_freezable_wq, &takeover->work);
	return NOTIFY_DONE;
}

/**
 * xenfront_takeover_start() - take devices over from a driver that is built in
 * @takeover:	zeroed; @takeover->driver and @takeover->initcall are set
 *
 * Those that are there have been taken when it returns, if their backends
 * close; those that appear are taken as soon as the other driver has them.
 * A device whose backend does not close stays what it was, and where it was.
 *
 * Context: process; sleeps: some seconds if a backend does not answer, a minute
 *	    if it does not get on with closing.  The driver is registered, and
 *	    stays so until xenfront_takeover_stop().
 * Return: 0, or a negative errno with nothing done.
 */
int xenfront_takeover_start(struct xenfront_takeover *takeover)
{
	int err;

	INIT_WORK(&takeover->work, takeover_work);
	takeover->notifier.notifier_call = bus_event;
	err = bus_register_notifier(takeover->driver->driver.bus,
				    &takeover->notifier);
	if (err)
		return err;
	takeover->started = true;
	/*
	 * Freezable: to unbind waits for xenwatch, which a suspend runs in, and
	 * which waits for devices' locks then.
	 */
	queue_work(system_freezable_wq, &takeover->work);
	flush_work(&takeover->work);
	return 0;
}
EXPORT_SYMBOL_GPL(xenfront_takeover_start);

/**
 * xenfront_takeover_stop() - leave devices that appear to whoever was first
 * @takeover: maybe never started
 *
 * Context: process; sleeps.
 */
void xenfront_takeover_stop(struct xenfront_takeover *takeover)
{
	if (!takeover->started)
		return;
	bus_unregister_notifier(takeover->driver->driver.bus,
				&takeover->notifier);
	cancel_work_sync(&takeover->work);
	takeover->started = false;
}
EXPORT_SYMBOL_GPL(xenfront_takeover_stop);
