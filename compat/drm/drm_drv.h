/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_DRM_DRM_DRV_H
#define _COMPAT_DRM_DRM_DRV_H

#include <linux/version.h>
#include_next <drm/drm_drv.h>

/* Until 6.13 a driver had a date, and the kernel complained if not. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define DRM_DRIVER_DATE(day)	.date = (day),
#else
#define DRM_DRIVER_DATE(day)
#endif

#endif /* _COMPAT_DRM_DRM_DRV_H */
