/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_LINUX_BASE64_H
#define _COMPAT_LINUX_BASE64_H

#include_next <linux/base64.h>
#include <linux/version.h>

/* Since 6.19 there are variants; before, the standard one with padding. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define BASE64_STD	0
#define base64_decode(src, len, dst, padding, variant)	\
	base64_decode(src, len, dst)
#endif

#endif /* _COMPAT_LINUX_BASE64_H */
