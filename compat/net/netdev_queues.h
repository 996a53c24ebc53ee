/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_NET_NETDEV_QUEUES_H
#define _COMPAT_NET_NETDEV_QUEUES_H

#include <linux/version.h>
#include_next <net/netdev_queues.h>

/* Since 6.8 netlink tells who polls a queue, since 6.9 what it did. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define netif_queue_set_napi(netdev, index, type, napi)	do { } while (0)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
#define compat_set_stat_ops(netdev, ops)		((void)(ops))

struct netdev_queue_stats_rx {
	u64 bytes;
	u64 packets;
	u64 alloc_fail;
};

struct netdev_queue_stats_tx {
	u64 bytes;
	u64 packets;
};

struct netdev_stat_ops {
	void (*get_queue_stats_rx)(struct net_device *netdev, int index,
				   struct netdev_queue_stats_rx *stats);
	void (*get_queue_stats_tx)(struct net_device *netdev, int index,
				   struct netdev_queue_stats_tx *stats);
	void (*get_base_stats)(struct net_device *netdev,
			       struct netdev_queue_stats_rx *rx,
			       struct netdev_queue_stats_tx *tx);
};
#else
#define compat_set_stat_ops(netdev, ops)	((netdev)->stat_ops = (ops))
#endif

#endif /* _COMPAT_NET_NETDEV_QUEUES_H */
