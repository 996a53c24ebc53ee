/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_DRM_DRM_ATOMIC_H
#define _COMPAT_DRM_DRM_ATOMIC_H

#include_next <drm/drm_atomic.h>

/*
 * In newer kernels a commit is called what it is.  Kbuild looks for the name.
 * The function that has it as well is nothing that a driver calls.
 */
#ifndef COMPAT_HAS_DRM_ATOMIC_COMMIT
#define drm_atomic_commit	drm_atomic_state
#endif

#endif /* _COMPAT_DRM_DRM_ATOMIC_H */
