// SPDX-License-Identifier: GPL-2.0-only
/*
 * What devices there are: xenstore has a directory device/TYPE/ID for each.
 *
 * The toolstack makes a directory and sets the state in it to Initialising,
 * when the guest is made or later; it removes the directory when the device is
 * gone.  A device that is in another state at first was somebody's before us.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/xenbus.h>

#include "guest.h"

#define ROOT		"device"
/* What backends have to follow a driver that is gone, all together. */
#define RESET_PATIENCE	(5 * HZ)
#define POLL		10	/* ms */

/* ------------------------------------------------------------------------
 * One device
 */

static void release(struct device *dev)
{
	struct guest_device *gdev = guest_device(to_xenbus_device(dev));

	kfree(gdev->path);
	kfree(gdev->type);
	kfree(gdev);
}

static struct guest_device *create(const char *type, const char *id)
{
	struct guest_device *gdev;

	gdev = kzalloc_obj(*gdev, GFP_KERNEL);
	if (!gdev)
		return NULL;
	gdev->type = kstrdup(type, GFP_KERNEL);
	gdev->path = kasprintf(GFP_KERNEL, ROOT "/%s/%s", type, id);
	if (!gdev->type || !gdev->path) {
		kfree(gdev->path);
		kfree(gdev->type);
		kfree(gdev);
		return NULL;
	}
	gdev->xdev.devicetype = gdev->type;
	gdev->xdev.nodename = gdev->path;
	gdev->xdev.state = XenbusStateInitialising;
	init_completion(&gdev->xdev.down);
	sema_init(&gdev->xdev.reclaim_sem, 1);
	device_initialize(&gdev->xdev.dev);
	gdev->xdev.dev.bus = &guest_bus;
	gdev->xdev.dev.release = release;
	return gdev;
}

/* Only if it is new: one in another state may be on its way out. */
static void add(const char *type, const char *id)
{
	struct guest_device *gdev = create(type, id);
	int err = -ENOMEM;

	if (!gdev)
		goto complain;
	err = 0;
	if (xenbus_read_driver_state(NULL, gdev->path) !=
	    XenbusStateInitialising)
		goto put;
	err = dev_set_name(&gdev->xdev.dev, "%s-%s", type, id);
	if (!err)
		err = device_add(&gdev->xdev.dev);
	if (!err)
		return;
put:
	put_device(&gdev->xdev.dev);
	if (!err)
		return;
complain:
	pr_err("xen-guest: the device " ROOT "/%s/%s cannot be added: %d\n",
	       type, id, err);
}

static void remove(struct xenbus_device *dev, const char *why)
{
	dev_info(&dev->dev, "%s\n", why);
	/* What is there now, or will be, is not this device's. */
	guest_device(dev)->replaced = true;
	device_unregister(&dev->dev);
}

static bool is_gone(const char *path)
{
	char *value = xenbus_read(XBT_NIL, path, "", NULL);

	/* Of what cannot be read for another reason nothing is known. */
	if (IS_ERR(value))
		return value == ERR_PTR(-ENOENT);
	kfree(value);
	return false;
}

static bool is_new(struct xenbus_device *dev)
{
	return xenbus_read_driver_state(dev, dev->nodename) ==
	       XenbusStateInitialising;
}

/*
 * The toolstack has made another device in this one's place: its state is that
 * of a new one and ours is not, or its backend is in another domain.
 */
static bool is_another(struct xenbus_device *dev)
{
	unsigned int backend;

	if (!is_new(dev))
		return false;
	/* Looked at once more: the driver may just have gone on from there. */
	if (dev->state != XenbusStateInitialising)
		return is_new(dev);
	backend = xenbus_read_unsigned(dev->nodename, "backend-id",
				       dev->otherend_id);
	return dev->otherend && backend != dev->otherend_id;
}

/* ------------------------------------------------------------------------
 * All of them
 */

static int has_path(struct device *dev, const void *path)
{
	return !strcmp(to_xenbus_device(dev)->nodename, path);
}

/* Referenced. */
static struct xenbus_device *find(const char *path)
{
	struct device *dev;

	dev = bus_find_device(&guest_bus, NULL, path, has_path);
	return dev ? to_xenbus_device(dev) : NULL;
}

/* There is one console that is on no bus. */
static bool is_ignored(const char *type, const char *id)
{
	return !strcmp(type, "console") && !strcmp(id, "0");
}

static void look_at(const char *type, const char *id)
{
	struct xenbus_device *dev;
	char *path;

	if (is_ignored(type, id))
		return;
	path = kasprintf(GFP_KERNEL, ROOT "/%s/%s", type, id);
	if (!path)
		return;
	dev = find(path);
	if (dev && is_gone(path))
		remove(dev, "is gone");
	else if (dev && is_another(dev))
		remove(dev, "is replaced by another one");
	if (!dev || guest_device(dev)->replaced)
		add(type, id);
	if (dev)
		put_device(&dev->dev);
	kfree(path);
}

typedef void (*visit_t)(const char *type, const char *id);

static void visit_type(const char *type, visit_t visit)
{
	unsigned int i, nr;
	char **ids;

	ids = xenbus_directory(XBT_NIL, ROOT, type, &nr);
	if (IS_ERR(ids))
		return;
	for (i = 0; i < nr; i++)
		visit(type, ids[i]);
	kfree(ids);
}

static void visit_all(visit_t visit)
{
	unsigned int i, nr;
	char **types;

	types = xenbus_directory(XBT_NIL, ROOT, "", &nr);
	if (IS_ERR(types)) {
		if (types != ERR_PTR(-ENOENT))
			pr_err("xen-guest: xenstore's list of devices cannot be read: %ld\n",
			       PTR_ERR(types));
		return;
	}
	for (i = 0; i < nr; i++)
		visit_type(types[i], visit);
	kfree(types);
}

static int is_gone_one(struct device *dev, const void *unused)
{
	return is_gone(to_xenbus_device(dev)->nodename);
}

static void look_at_all(void)
{
	struct device *dev;

	while ((dev = bus_find_device(&guest_bus, NULL, NULL, is_gone_one))) {
		remove(to_xenbus_device(dev), "is gone");
		put_device(dev);
	}
	visit_all(look_at);
}

/* Of device/TYPE/ID/KEY; false if there is less. */
static bool split_path(char *path, char **type, char **id)
{
	strsep(&path, "/");
	*type = strsep(&path, "/");
	*id = strsep(&path, "/");
	return *id && **type && **id;
}

static void changed(struct xenbus_watch *watch, const char *path,
		    const char *token)
{
	char *copy, *type, *id;

	copy = kstrdup(path, GFP_KERNEL);
	if (!copy)
		return;
	if (split_path(copy, &type, &id))
		look_at(type, id);
	else
		look_at_all();
	kfree(copy);
}

static struct xenbus_watch devices_watch = {
	.node = ROOT,
	.callback = changed,
};

/* ------------------------------------------------------------------------
 * Devices that were somebody's before us
 */

static unsigned long reset_end;

static bool backend_has(const char *backend, enum xenbus_state state,
			enum xenbus_state or)
{
	enum xenbus_state is = xenbus_read_driver_state(NULL, backend);

	return is == state || is == or;
}

/* Whether it does or not: our own driver can cope with both. */
static void wait_for_backend(const char *backend, enum xenbus_state state,
			     enum xenbus_state or)
{
	while (!backend_has(backend, state, or) &&
	       time_before(jiffies, reset_end))
		msleep(POLL);
}

static void set_state(const char *path, enum xenbus_state state)
{
	xenbus_printf(XBT_NIL, path, "state", "%u", state);
}

/* The backend lets go of what the other one had, and is ready for us. */
static void reset_from(enum xenbus_state state, const char *path,
		       const char *backend)
{
	if (state != XenbusStateClosed) {
		set_state(path, XenbusStateClosing);
		wait_for_backend(backend, XenbusStateClosing,
				 XenbusStateClosed);
		set_state(path, XenbusStateClosed);
	}
	wait_for_backend(backend, XenbusStateClosed, XenbusStateInitWait);
	set_state(path, XenbusStateInitialising);
}

static void reset(const char *type, const char *id)
{
	enum xenbus_state state;
	char *path, *backend;

	if (is_ignored(type, id))
		return;
	path = kasprintf(GFP_KERNEL, ROOT "/%s/%s", type, id);
	if (!path)
		return;
	state = xenbus_read_driver_state(NULL, path);
	if (state == XenbusStateUnknown || state == XenbusStateInitialising)
		goto free_path;
	backend = xenbus_read(XBT_NIL, path, "backend", NULL);
	if (IS_ERR(backend))
		goto free_path;
	reset_from(state, path, backend);
	kfree(backend);
free_path:
	kfree(path);
}

/* ------------------------------------------------------------------------
 * From the first to the last
 */

static int any(struct device *dev, const void *unused)
{
	return 1;
}

static void remove_all(void)
{
	struct device *dev;

	while ((dev = bus_find_device(&guest_bus, NULL, NULL, any))) {
		device_unregister(dev);
		put_device(dev);
	}
}

/**
 * guest_devices_init() - add the devices there are, and those to come
 *
 * Context: module init; the bus is registered.
 * Return: 0, or a negative errno.
 */
int guest_devices_init(void)
{
	int err;

	reset_end = jiffies + RESET_PATIENCE;
	visit_all(reset);
	/* Here, so that they are there when we return; and once more then. */
	visit_all(look_at);
	err = register_xenbus_watch(&devices_watch);
	if (err)
		remove_all();
	return err;
}

/**
 * guest_devices_exit() - remove all devices
 *
 * Context: module exit; they have no drivers any more.
 */
void guest_devices_exit(void)
{
	unregister_xenbus_watch(&devices_watch);
	remove_all();
}
