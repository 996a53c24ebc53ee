/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_LINUX_DEVICE_BUS_H
#define _COMPAT_LINUX_DEVICE_BUS_H

#include_next <linux/device/bus.h>
#include <linux/version.h>

/* Since 6.11 a bus cannot change the driver that it compares. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define DEFINE_BUS_MATCH(name)	\
	int name(struct device *dev, struct device_driver *drv)
#else
#define DEFINE_BUS_MATCH(name)	\
	int name(struct device *dev, const struct device_driver *drv)
#endif

/* Since 6.3 it cannot change the device that it tells of. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define DEFINE_BUS_UEVENT(name)	\
	int name(struct device *dev, struct kobj_uevent_env *env)
#else
#define DEFINE_BUS_UEVENT(name)	\
	int name(const struct device *dev, struct kobj_uevent_env *env)
#endif

/* Nor can anybody change the bus: its type is what drivers point to. */
#define COMPAT_BUS_TYPE	typeof(*((struct device_driver *)NULL)->bus)

#endif /* _COMPAT_LINUX_DEVICE_BUS_H */
