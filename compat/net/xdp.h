/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_NET_XDP_H
#define _COMPAT_NET_XDP_H

#include <linux/netdevice.h>
#include <linux/version.h>
#include_next <net/xdp.h>

/* Since 6.3 an interface says what it can do. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define NETDEV_XDP_ACT_BASIC		0
#define NETDEV_XDP_ACT_REDIRECT		0
#define NETDEV_XDP_ACT_NDO_XMIT		0
#define NETDEV_XDP_ACT_NDO_XMIT_SG	0
#define NETDEV_XDP_ACT_RX_SG		0

static inline void compat_set_xdp_features(struct net_device *netdev,
					   u32 features)
{
}
#else
static inline void compat_set_xdp_features(struct net_device *netdev,
					   u32 features)
{
	netdev->xdp_features = features;
}
#endif

#endif /* _COMPAT_NET_XDP_H */
