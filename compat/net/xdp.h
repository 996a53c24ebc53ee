/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_NET_XDP_H
#define _COMPAT_NET_XDP_H

#include <linux/version.h>
#include_next <net/xdp.h>

/* Since 6.3 an interface says what it can do. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define compat_set_xdp_features(netdev, features)	do { } while (0)
#else
#define compat_set_xdp_features(netdev, features)	\
	((netdev)->xdp_features = (features))
#endif

#endif /* _COMPAT_NET_XDP_H */
