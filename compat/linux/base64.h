/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_LINUX_BASE64_H
#define _COMPAT_LINUX_BASE64_H

#include_next <linux/base64.h>
#include <linux/version.h>

/* Since 6.19 there are variants; before, the standard one with padding. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define BASE64_STD	0

static inline int compat_base64_decode(const char *src, int len, u8 *dst,
				       bool padding, int variant)
{
	return base64_decode(src, len, dst);
}

#define base64_decode	compat_base64_decode
#endif

#endif /* _COMPAT_LINUX_BASE64_H */
