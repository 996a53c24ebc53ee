/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * LOCKDOWN_XEN_USER_ACTIONS came with the fix for XSA-482, which stable kernels
 * got later than their version number says; before it there is none of its kind.
 */
#ifndef _COMPAT_LINUX_SECURITY_H
#define _COMPAT_LINUX_SECURITY_H

#include_next <linux/security.h>

#ifndef COMPAT_HAS_LOCKDOWN_XEN_USER_ACTIONS
#define LOCKDOWN_XEN_USER_ACTIONS	LOCKDOWN_DEV_MEM
#endif

#endif
