/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_DRM_CLIENTS_DRM_CLIENT_SETUP_H
#define _COMPAT_DRM_CLIENTS_DRM_CLIENT_SETUP_H

#include <linux/types.h>
#include <linux/version.h>

/*
 * Since 6.13 the kernel chooses what is shown while nobody else does, since
 * 6.14 in a folder of its own.  Before, it was fbdev, whose buffer was made by
 * the same call.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
#include_next <drm/clients/drm_client_setup.h>
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#include <drm/drm_client_setup.h>
#else
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#include <drm/drm_fbdev_shmem.h>
#define compat_fbdev_setup	drm_fbdev_shmem_setup
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#include <drm/drm_fbdev_generic.h>
#define compat_fbdev_setup	drm_fbdev_generic_setup
#else
#include <drm/drm_fb_helper.h>
#define compat_fbdev_setup	drm_fbdev_generic_setup
#endif

/* Of pixels with 32 bits, which are all that our drivers have. */
static inline void drm_client_setup_with_fourcc(struct drm_device *drm,
						u32 fourcc)
{
	compat_fbdev_setup(drm, 32);
}
#endif

#endif /* _COMPAT_DRM_CLIENTS_DRM_CLIENT_SETUP_H */
