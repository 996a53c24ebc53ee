/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_NET_PAGE_POOL_HELPERS_H
#define _COMPAT_NET_PAGE_POOL_HELPERS_H

#include <linux/version.h>

/* Since 6.6 the page pool's header is two. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#include <net/page_pool.h>
#else
#include_next <net/page_pool/helpers.h>
#endif

#endif /* _COMPAT_NET_PAGE_POOL_HELPERS_H */
