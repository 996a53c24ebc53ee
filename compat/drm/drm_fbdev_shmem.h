/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_DRM_DRM_FBDEV_SHMEM_H
#define _COMPAT_DRM_DRM_FBDEV_SHMEM_H

#include <linux/version.h>

/* Since 6.11 this header has all that shmem's users need for fbdev... */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#include_next <drm/drm_fbdev_shmem.h>
#endif

/* ...and since 6.13 it is the driver that makes fbdev's buffer. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define DRM_FBDEV_SHMEM_DRIVER_OPS	.postclose = NULL
#endif

#endif /* _COMPAT_DRM_DRM_FBDEV_SHMEM_H */
