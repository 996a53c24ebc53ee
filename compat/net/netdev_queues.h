/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_NET_NETDEV_QUEUES_H
#define _COMPAT_NET_NETDEV_QUEUES_H

#include <linux/netdevice.h>
#include <linux/version.h>
#include_next <net/netdev_queues.h>

/* Since 6.8 netlink tells who polls a queue... */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
enum netdev_queue_type {
	NETDEV_QUEUE_TYPE_RX,
	NETDEV_QUEUE_TYPE_TX,
};

static inline void netif_queue_set_napi(struct net_device *netdev,
					unsigned int index,
					enum netdev_queue_type type,
					struct napi_struct *napi)
{
}

static inline void netif_napi_set_irq(struct napi_struct *napi, int irq)
{
}
#endif

/* ...and since 6.9 what the queue did. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
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

static inline void compat_set_stat_ops(struct net_device *netdev,
				       const struct netdev_stat_ops *ops)
{
}
#else
static inline void compat_set_stat_ops(struct net_device *netdev,
				       const struct netdev_stat_ops *ops)
{
	netdev->stat_ops = ops;
}
#endif

#endif /* _COMPAT_NET_NETDEV_QUEUES_H */
