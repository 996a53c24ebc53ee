// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a driver does for its device: its state, its channel, the pages that it
 * shares, what it watches, and what it has to complain of.
 * <xen/xenbus.h> has the kernel's names for it.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kstrtox.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/xen/hypercall.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xenbus.h>

#include "guest.h"

/* ------------------------------------------------------------------------
 * States
 */

/**
 * xenbus_strstate() - a state's name
 * @state: maybe none
 *
 * Context: any.
 * Return: the name.
 */
const char *xenbus_strstate(enum xenbus_state state)
{
	static const char * const names[] = {
		[XenbusStateUnknown]		= "Unknown",
		[XenbusStateInitialising]	= "Initialising",
		[XenbusStateInitWait]		= "InitWait",
		[XenbusStateInitialised]	= "Initialised",
		[XenbusStateConnected]		= "Connected",
		[XenbusStateClosing]		= "Closing",
		[XenbusStateClosed]		= "Closed",
		[XenbusStateReconfiguring]	= "Reconfiguring",
		[XenbusStateReconfigured]	= "Reconfigured",
	};

	return (unsigned int)state < ARRAY_SIZE(names) ? names[state] :
							 "INVALID";
}
EXPORT_SYMBOL_GPL(xenbus_strstate);

static int read_state(struct xenbus_transaction t, const char *dir,
		      enum xenbus_state *state)
{
	char *text = xenbus_read(t, dir, "state", NULL);
	unsigned int value;
	int err;

	if (IS_ERR(text))
		return PTR_ERR(text);
	err = kstrtouint(text, 10, &value);
	kfree(text);
	if (err || value > XenbusStateReconfigured)
		return -ERANGE;
	*state = value;
	return 0;
}

/**
 * xenbus_read_driver_state() - the state of one end of a device
 * @dev:	the device, or NULL.  If another one has taken its place, the state
 *		that is there says nothing of it
 * @path:	the end's directory
 *
 * Context: process; sleeps.
 * Return: the state; XenbusStateUnknown if there is none that makes sense.
 */
enum xenbus_state xenbus_read_driver_state(const struct xenbus_device *dev,
					   const char *path)
{
	enum xenbus_state state;

	if (dev && container_of(dev, const struct guest_device, xdev)->replaced)
		return XenbusStateUnknown;
	return read_state(XBT_NIL, path, &state) ? XenbusStateUnknown : state;
}
EXPORT_SYMBOL_GPL(xenbus_read_driver_state);

/*
 * In a transaction, so that a directory which the toolstack removes just now
 * does not come back with a state in it, and no other device's state is
 * written.
 */
static int write_state(struct xenbus_device *dev, enum xenbus_state state)
{
	struct xenbus_transaction t;
	enum xenbus_state is;
	int err;

	do {
		err = xenbus_transaction_start(&t);
		if (err)
			return err;
		err = read_state(t, dev->nodename, &is);
		if (!err && is == XenbusStateInitialising && is != dev->state)
			err = -ESTALE;
		if (!err)
			err = xenbus_printf(t, dev->nodename, "state", "%u",
					    state);
		if (err) {
			xenbus_transaction_end(t, 1);
			return err;
		}
		err = xenbus_transaction_end(t, 0);
	} while (err == -EAGAIN);
	return err;
}

static int switch_state(struct xenbus_device *dev, enum xenbus_state state)
{
	int err;

	if (state == dev->state || guest_device(dev)->replaced)
		return 0;
	err = write_state(dev, state);
	/* The device is being removed; what we say interests nobody. */
	if (!err || err == -ENOENT || err == -ERANGE)
		dev->state = state;
	return err == -ENOENT || err == -ERANGE || err == -ESTALE ? 0 : err;
}

/**
 * xenbus_switch_state() - tell the backend what state we are in
 * @dev:	the device
 * @state:	the new state
 *
 * What fails is said here and in xenstore.
 *
 * Context: process; sleeps.
 * Return: 0.
 */
int xenbus_switch_state(struct xenbus_device *dev, enum xenbus_state state)
{
	int err = switch_state(dev, state);

	if (err) {
		xenbus_dev_error(dev, err, "changing the state to %s",
				 xenbus_strstate(state));
		switch_state(dev, XenbusStateClosing);
	}
	return 0;
}
EXPORT_SYMBOL_GPL(xenbus_switch_state);

/**
 * xenbus_frontend_closed() - the device is closed, and a shutdown can go on
 * @dev: the device
 *
 * Context: process; sleeps.
 * Return: 0.
 */
int xenbus_frontend_closed(struct xenbus_device *dev)
{
	xenbus_switch_state(dev, XenbusStateClosed);
	complete(&dev->down);
	return 0;
}
EXPORT_SYMBOL_GPL(xenbus_frontend_closed);

/* ------------------------------------------------------------------------
 * Complaints
 */

static void complain(struct xenbus_device *dev, int err,
		     const struct va_format *what)
{
	char *dir, *text;

	text = kasprintf(GUEST_STORE_GFP, "%d %pV", -err, what);
	if (!text) {
		dev_err(&dev->dev, "error %d\n", -err);
		return;
	}
	dev_err(&dev->dev, "%s\n", text);
	/* For the toolstack; without it nothing is lost but that. */
	dir = guest_store_path("error", dev->nodename);
	if (!IS_ERR(dir)) {
		xenbus_write(XBT_NIL, dir, "error", text);
		kfree(dir);
	}
	kfree(text);
}

/**
 * xenbus_dev_error() - say in the log and in xenstore what is wrong
 * @dev:	the device
 * @err:	negative errno
 * @fmt:	what was being done
 *
 * Context: process; sleeps.
 */
void xenbus_dev_error(struct xenbus_device *dev, int err, const char *fmt, ...)
{
	struct va_format what = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	what.va = &args;
	complain(dev, err, &what);
	va_end(args);
}
EXPORT_SYMBOL_GPL(xenbus_dev_error);

/**
 * xenbus_dev_fatal() - say what is wrong, and close the device
 * @dev:	the device
 * @err:	negative errno
 * @fmt:	what was being done
 *
 * Context: process; sleeps.
 */
void xenbus_dev_fatal(struct xenbus_device *dev, int err, const char *fmt, ...)
{
	struct va_format what = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	what.va = &args;
	complain(dev, err, &what);
	va_end(args);
	xenbus_switch_state(dev, XenbusStateClosing);
}
EXPORT_SYMBOL_GPL(xenbus_dev_fatal);

/* ------------------------------------------------------------------------
 * Watches
 */

/**
 * xenbus_watch_path() - watch a path for a device
 * @dev:	the device, which is closed if that fails
 * @path:	becomes &xenbus_watch.node, and stays the caller's
 * @watch:	filled in; its node is NULL afterwards if it failed
 * @will_handle: as &xenbus_watch.will_handle
 * @callback:	as &xenbus_watch.callback
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno.
 */
int xenbus_watch_path(struct xenbus_device *dev, const char *path,
		      struct xenbus_watch *watch,
		      bool (*will_handle)(struct xenbus_watch *watch,
					  const char *path, const char *token),
		      void (*callback)(struct xenbus_watch *watch,
				       const char *path, const char *token))
{
	int err;

	watch->node = path;
	watch->will_handle = will_handle;
	watch->callback = callback;
	err = register_xenbus_watch(watch);
	if (err) {
		watch->node = NULL;
		xenbus_dev_fatal(dev, err, "watching %s", path);
	}
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_watch_path);

/**
 * xenbus_watch_pathfmt() - watch a path that is put together
 * @dev:	as xenbus_watch_path()
 * @watch:	likewise; its node is the caller's to free
 * @will_handle: likewise
 * @callback:	likewise
 * @pathfmt:	what the path is made of
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno with nothing to be freed.
 */
int xenbus_watch_pathfmt(struct xenbus_device *dev, struct xenbus_watch *watch,
			 bool (*will_handle)(struct xenbus_watch *watch,
					     const char *path,
					     const char *token),
			 void (*callback)(struct xenbus_watch *watch,
					  const char *path, const char *token),
			 const char *pathfmt, ...)
{
	va_list args;
	char *path;
	int err;

	va_start(args, pathfmt);
	path = kvasprintf(GUEST_STORE_GFP, pathfmt, args);
	va_end(args);
	if (!path) {
		xenbus_dev_fatal(dev, -ENOMEM, "watching a path");
		return -ENOMEM;
	}
	err = xenbus_watch_path(dev, path, watch, will_handle, callback);
	if (err)
		kfree(path);
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_watch_pathfmt);

/* ------------------------------------------------------------------------
 * Channels and shared pages
 */

/**
 * xenbus_alloc_evtchn() - make a channel that the backend can bind to
 * @dev:	the device, which is closed if that fails
 * @port:	our end
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno.
 */
int xenbus_alloc_evtchn(struct xenbus_device *dev, evtchn_port_t *port)
{
	struct evtchn_alloc_unbound alloc = {
		.dom = DOMID_SELF,
		.remote_dom = dev->otherend_id,
	};
	int err;

	err = HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);
	if (err)
		xenbus_dev_fatal(dev, err, "allocating an event channel");
	else
		*port = alloc.port;
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_alloc_evtchn);

/**
 * xenbus_free_evtchn() - close a channel that has no irq
 * @dev:	the device
 * @port:	our end
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno.
 */
int xenbus_free_evtchn(struct xenbus_device *dev, evtchn_port_t port)
{
	struct evtchn_close close = { .port = port };
	int err;

	err = HYPERVISOR_event_channel_op(EVTCHNOP_close, &close);
	if (err)
		xenbus_dev_error(dev, err, "closing event channel %u", port);
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_free_evtchn);

/**
 * xenbus_setup_ring() - share zeroed pages with the backend
 * @dev:	the device, which is closed if there are no grants
 * @gfp:	how the pages may be had
 * @vaddr:	where they are; NULL on error
 * @nr_pages:	how many, of XEN_PAGE_SIZE bytes
 * @grefs:	their grants; INVALID_GRANT_REF on error
 *
 * Context: process; may sleep as @gfp says.
 * Return: 0, or a negative errno with nothing left behind.
 */
int xenbus_setup_ring(struct xenbus_device *dev, gfp_t gfp, void **vaddr,
		      unsigned int nr_pages, grant_ref_t *grefs)
{
	grant_ref_t head;
	unsigned int i;
	int err;

	for (i = 0; i < nr_pages; i++)
		grefs[i] = INVALID_GRANT_REF;
	*vaddr = alloc_pages_exact(nr_pages * XEN_PAGE_SIZE, gfp | __GFP_ZERO);
	if (!*vaddr)
		return -ENOMEM;
	err = gnttab_alloc_grant_references(nr_pages, &head);
	if (err) {
		xenbus_dev_fatal(dev, err, "granting %u pages", nr_pages);
		goto free_pages;
	}
	for (i = 0; i < nr_pages; i++) {
		grefs[i] = gnttab_claim_grant_reference(&head);
		gnttab_grant_foreign_access_ref(grefs[i], dev->otherend_id,
						virt_to_gfn(*vaddr +
							    i * XEN_PAGE_SIZE),
						0);
	}
	return 0;

free_pages:
	free_pages_exact(*vaddr, nr_pages * XEN_PAGE_SIZE);
	*vaddr = NULL;
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_setup_ring);

/**
 * xenbus_teardown_ring() - undo xenbus_setup_ring()
 * @vaddr:	where the pages are; NULL afterwards
 * @nr_pages:	how many
 * @grefs:	their grants; INVALID_GRANT_REF afterwards
 *
 * The grant table's code holds on to a page that the backend still maps.
 *
 * Context: process; sleeps.
 */
void xenbus_teardown_ring(void **vaddr, unsigned int nr_pages,
			  grant_ref_t *grefs)
{
	unsigned int i;

	for (i = 0; i < nr_pages; i++) {
		if (grefs[i] != INVALID_GRANT_REF)
			gnttab_end_foreign_access(grefs[i], NULL);
		grefs[i] = INVALID_GRANT_REF;
	}
	if (*vaddr)
		free_pages_exact(*vaddr, nr_pages * XEN_PAGE_SIZE);
	*vaddr = NULL;
}
EXPORT_SYMBOL_GPL(xenbus_teardown_ring);
