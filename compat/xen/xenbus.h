/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_XEN_XENBUS_H
#define _COMPAT_XEN_XENBUS_H

#include_next <xen/xenbus.h>
#include <linux/version.h>

/* The device came with 7.1; before, only the path was asked for. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 1, 0)
#define xenbus_read_driver_state(dev, path)	\
	((void)(dev), xenbus_read_driver_state(path))
#endif

#endif /* _COMPAT_XEN_XENBUS_H */
