/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_XEN_XENBUS_H
#define _COMPAT_XEN_XENBUS_H

#include_next <xen/xenbus.h>
#include <linux/version.h>

/*
 * The device came with 7.1; before, only the path was asked for.  Who has the
 * function itself to offer makes it of one that takes both.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 1, 0)
#define COMPAT_XENBUS_READ_DRIVER_STATE(read)				\
enum xenbus_state (xenbus_read_driver_state)(const char *path)		\
{									\
	return read(NULL, path);					\
}

#define xenbus_read_driver_state(dev, path)	\
	((void)(dev), (xenbus_read_driver_state)(path))
#else
#define COMPAT_XENBUS_READ_DRIVER_STATE(read)				\
enum xenbus_state (xenbus_read_driver_state)(				\
	const struct xenbus_device *dev, const char *path)		\
{									\
	return read(dev, path);						\
}
#endif

/* How a transaction ends was an integer.  Kbuild looks which it is. */
#ifdef COMPAT_HAS_XENBUS_BOOL
#define COMPAT_XENBUS_BOOL	bool
#else
#define COMPAT_XENBUS_BOOL	int
#endif

#endif /* _COMPAT_XEN_XENBUS_H */
