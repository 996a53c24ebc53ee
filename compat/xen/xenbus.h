/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_XEN_XENBUS_H
#define _COMPAT_XEN_XENBUS_H

#include_next <xen/xenbus.h>
#include <linux/version.h>

/*
 * The device came with 7.1; before, only the path was asked for.  xen-guest
 * wants to know the device anyway, and has another name for that.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 1, 0)
#ifdef CONFIG_XEN
#define xenbus_read_driver_state(dev, path)	\
	((void)(dev), xenbus_read_driver_state(path))
#else
enum xenbus_state xen_guest_read_driver_state(const struct xenbus_device *dev,
					      const char *path);
#define xenbus_read_driver_state	xen_guest_read_driver_state
#endif
#endif

/* How a transaction ends was an integer.  Kbuild looks which it is. */
#ifdef COMPAT_HAS_XENBUS_BOOL
#define COMPAT_XENBUS_BOOL	bool
#else
#define COMPAT_XENBUS_BOOL	int
#endif

#endif /* _COMPAT_XEN_XENBUS_H */
