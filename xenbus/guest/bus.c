// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bus named xen: devices and their drivers.
 *
 * What devices there are is devices.c's to say.  What users see of them in
 * sysfs and in uevents is what they see with a kernel that has a bus of its own.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/pm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/xenbus.h>

#include "guest.h"

/* How long a device may take to close when the guest goes down. */
#define SHUTDOWN_PATIENCE	(5 * HZ)
/* How long a driver that is loaded waits for its devices to connect. */
#define CONNECT_PATIENCE	(30 * HZ)
#define POLL			10	/* ms */

/* ------------------------------------------------------------------------
 * The other end
 */

static int read_otherend(struct xenbus_device *dev)
{
	char *path = NULL;
	int id, err;

	err = xenbus_gather(XBT_NIL, dev->nodename, "backend-id", "%i", &id,
			    "backend", NULL, &path, NULL);
	if (!err && (id < 0 || id >= DOMID_FIRST_RESERVED))
		err = -ERANGE;
	if (!err && (!*path || !xenbus_exists(XBT_NIL, path, "")))
		err = -ENOENT;
	if (err) {
		kfree(path);
		xenbus_dev_fatal(dev, err, "reading of the backend in %s",
				 dev->nodename);
		return err;
	}
	dev->otherend_id = id;
	dev->otherend = path;
	return 0;
}

static void forget_otherend(struct xenbus_device *dev)
{
	kfree(dev->otherend);
	dev->otherend = NULL;
}

static int find_otherend(struct xenbus_device *dev)
{
	return to_xenbus_driver(dev->dev.driver)->read_otherend_details(dev);
}

/* Also an event that was on its way when the path became another one. */
static bool is_about_otherend(const struct xenbus_device *dev, const char *path)
{
	return dev->otherend &&
	       !strncmp(path, dev->otherend, strlen(dev->otherend));
}

static void otherend_changed(struct xenbus_watch *watch, const char *path,
			     const char *token)
{
	struct xenbus_device *dev =
		container_of(watch, struct xenbus_device, otherend_watch);
	struct xenbus_driver *drv = to_xenbus_driver(dev->dev.driver);
	enum xenbus_state state;

	if (!is_about_otherend(dev, path))
		return;
	state = xenbus_read_driver_state(dev, dev->otherend);
	/* The root filesystem may be gone: nothing but an end can be wanted. */
	if (system_state > SYSTEM_RUNNING) {
		if (state == XenbusStateClosing)
			xenbus_frontend_closed(dev);
	} else if (drv->otherend_changed) {
		drv->otherend_changed(dev, state);
	}
}

/* The state that is read is the one there is then: one event is enough. */
static bool none_waits(struct xenbus_watch *watch, const char *path,
		       const char *token)
{
	return !watch->nr_pending;
}

static int watch_otherend(struct xenbus_device *dev)
{
	return xenbus_watch_pathfmt(dev, &dev->otherend_watch, none_waits,
				    otherend_changed, "%s/state",
				    dev->otherend);
}

static void unwatch_otherend(struct xenbus_device *dev)
{
	if (!dev->otherend_watch.node)
		return;
	unregister_xenbus_watch(&dev->otherend_watch);
	kfree(dev->otherend_watch.node);
	dev->otherend_watch.node = NULL;
}

/* ------------------------------------------------------------------------
 * Devices and drivers
 */

static const struct xenbus_device_id *
find_id(const struct xenbus_driver *drv, const struct xenbus_device *dev)
{
	const struct xenbus_device_id *id = drv->ids;

	for (; id && *id->devicetype; id++)
		if (!strcmp(id->devicetype, dev->devicetype))
			return id;
	return NULL;
}

static DEFINE_BUS_MATCH(bus_match)
{
	return !!find_id(to_xenbus_driver(drv), to_xenbus_device(dev));
}

static DEFINE_BUS_UEVENT(bus_uevent)
{
	return add_uevent_var(env, "MODALIAS=xen:%s",
			      to_xenbus_device(dev)->devicetype);
}

static int call_probe(struct xenbus_device *dev, struct xenbus_driver *drv)
{
	int err;

	down(&dev->reclaim_sem);
	err = drv->probe(dev, find_id(drv, dev));
	up(&dev->reclaim_sem);
	return err;
}

static void call_remove(struct xenbus_device *dev, struct xenbus_driver *drv)
{
	if (!drv->remove)
		return;
	down(&dev->reclaim_sem);
	drv->remove(dev);
	up(&dev->reclaim_sem);
}

static int bus_probe(struct device *device)
{
	struct xenbus_device *dev = to_xenbus_device(device);
	struct xenbus_driver *drv = to_xenbus_driver(device->driver);
	int err;

	if (!drv->probe)
		return -ENODEV;
	err = find_otherend(dev);
	if (err)
		return err;
	/* The module stays as long as it has devices. */
	if (!try_module_get(drv->driver.owner)) {
		err = -ESRCH;
		goto forget_otherend;
	}
	dev->spurious_threshold = 1;
	err = call_probe(dev, drv);
	if (err)
		goto put_module;
	err = watch_otherend(dev);
	if (err)
		goto remove;
	return 0;

remove:
	call_remove(dev, drv);
put_module:
	module_put(drv->driver.owner);
forget_otherend:
	forget_otherend(dev);
	xenbus_dev_error(dev, err, "starting %s", dev->nodename);
	return err;
}

static void bus_remove(struct device *device)
{
	struct xenbus_device *dev = to_xenbus_device(device);
	struct xenbus_driver *drv = to_xenbus_driver(device->driver);

	unwatch_otherend(dev);
	call_remove(dev, drv);
	module_put(drv->driver.owner);
	forget_otherend(dev);
	/* Unless another driver may go on where this one has stopped. */
	if (!drv->allow_rebind ||
	    xenbus_read_driver_state(dev, dev->nodename) == XenbusStateClosing)
		xenbus_switch_state(dev, XenbusStateClosed);
}

static bool has_let_go(struct xenbus_device *dev)
{
	switch (xenbus_read_driver_state(dev, dev->otherend)) {
	case XenbusStateInitialised:
	case XenbusStateConnected:
	case XenbusStateClosing:
		return false;
	default:
		return true;
	}
}

/*
 * The backend writes back what it has, and lets go; before another kernel
 * (kexec) has our memory.
 */
static void bus_shutdown(struct device *device)
{
	struct xenbus_device *dev = to_xenbus_device(device);
	unsigned long end = jiffies + SHUTDOWN_PATIENCE;

	/* It may be about to map what it was offered. */
	if (dev->state != XenbusStateConnected &&
	    dev->state != XenbusStateInitialised)
		return;
	xenbus_switch_state(dev, XenbusStateClosing);
	wait_for_completion_timeout(&dev->down, SHUTDOWN_PATIENCE);
	while (!has_let_go(dev)) {
		if (time_after(jiffies, end)) {
			dev_info(device, "the backend does not close\n");
			return;
		}
		msleep(POLL);
	}
}

/* ------------------------------------------------------------------------
 * Suspend and resume
 */

static int bus_freeze(struct device *device)
{
	struct xenbus_driver *drv;
	int err;

	if (!device->driver)
		return 0;
	drv = to_xenbus_driver(device->driver);
	err = drv->suspend ? drv->suspend(to_xenbus_device(device)) : 0;
	if (err)
		dev_warn(device, "is suspended in spite of error %d\n", err);
	return 0;
}

static int restore(struct xenbus_device *dev)
{
	struct xenbus_driver *drv = to_xenbus_driver(dev->dev.driver);
	int err;

	unwatch_otherend(dev);
	/* Whoever could be reading it is frozen. */
	forget_otherend(dev);
	err = find_otherend(dev);
	if (err)
		return err;
	dev->state = XenbusStateInitialising;
	err = drv->resume ? drv->resume(dev) : 0;
	if (err)
		return err;
	return watch_otherend(dev);
}

/* Another domain, and most often another host. */
static int bus_restore(struct device *device)
{
	int err;

	if (!device->driver)
		return 0;
	err = restore(to_xenbus_device(device));
	if (err)
		dev_err(device, "cannot be resumed: %d\n", err);
	return err;
}

/* guest_suspend() ends that way, too: then we may have been away. */
static int bus_thaw(struct device *device)
{
	return guest_suspend_was_cancelled() ? 0 : bus_restore(device);
}

static const struct dev_pm_ops bus_pm_ops = {
	.freeze		= bus_freeze,
	.thaw		= bus_thaw,
	.restore	= bus_restore,
};

COMPAT_BUS_TYPE guest_bus = {
	.name		= "xen",
	.match		= bus_match,
	.uevent		= bus_uevent,
	.probe		= bus_probe,
	.remove		= bus_remove,
	.shutdown	= bus_shutdown,
	.dev_groups	= guest_device_groups,
	.pm		= &bus_pm_ops,
};

/* ------------------------------------------------------------------------
 * Registration
 */

static int is_connecting(struct device *device, void *driver)
{
	struct xenbus_device *dev = to_xenbus_device(device);
	struct xenbus_driver *drv;
	bool connecting = false;

	/* What is_ready() looks at goes with the driver's remove(). */
	device_lock(device);
	if (device->driver == driver) {
		drv = to_xenbus_driver(device->driver);
		connecting = dev->state < XenbusStateConnected ||
			     (dev->state == XenbusStateConnected &&
			      drv->is_ready && !drv->is_ready(dev));
	}
	device_unlock(device);
	return connecting;
}

static int say_what_waits(struct device *device, void *driver)
{
	if (is_connecting(device, driver))
		dev_warn(device, "has not connected within %d s\n",
			 CONNECT_PATIENCE / HZ);
	return 0;
}

/* Whoever loads the driver for a disk may look for the disk right away. */
static void wait_for_devices(struct device_driver *driver)
{
	unsigned long end = jiffies + CONNECT_PATIENCE;

	while (bus_for_each_dev(&guest_bus, NULL, driver, is_connecting)) {
		if (time_after(jiffies, end)) {
			bus_for_each_dev(&guest_bus, NULL, driver,
					 say_what_waits);
			return;
		}
		msleep(POLL);
	}
}

/**
 * __xenbus_register_frontend() - there is a driver
 * @drv:	the driver
 * @owner:	its module
 * @mod_name:	the module's name
 *
 * Its devices have connected when it returns, or have had half a minute for it.
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno.
 */
int __xenbus_register_frontend(struct xenbus_driver *drv, struct module *owner,
			       const char *mod_name)
{
	int err;

	drv->read_otherend_details = read_otherend;
	drv->driver.name = drv->name ?: drv->ids[0].devicetype;
	drv->driver.bus = &guest_bus;
	drv->driver.owner = owner;
	drv->driver.mod_name = mod_name;
	err = driver_register(&drv->driver);
	if (err)
		return err;
	wait_for_devices(&drv->driver);
	return 0;
}
EXPORT_SYMBOL_GPL(__xenbus_register_frontend);

/**
 * xenbus_unregister_driver() - there is a driver no more
 * @drv: the driver
 *
 * Context: process; sleeps.
 */
void xenbus_unregister_driver(struct xenbus_driver *drv)
{
	driver_unregister(&drv->driver);
}
EXPORT_SYMBOL_GPL(xenbus_unregister_driver);

/**
 * guest_bus_init() - register the bus, and the devices that there are
 *
 * Context: module init; xenstore answers.
 * Return: 0, or a negative errno.
 */
int guest_bus_init(void)
{
	int err;

	err = bus_register(&guest_bus);
	if (err)
		return err;
	err = guest_devices_init();
	if (err)
		bus_unregister(&guest_bus);
	return err;
}

/**
 * guest_bus_exit() - undo guest_bus_init()
 *
 * Context: module exit; there are no drivers any more.
 */
void guest_bus_exit(void)
{
	guest_devices_exit();
	bus_unregister(&guest_bus);
}
