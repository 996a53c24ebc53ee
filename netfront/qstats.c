// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics of each queue by the kernel's own means: netlink's qstats-get.
 */
#include <linux/netdevice.h>
#include <net/netdev_queues.h>

#include "netfront.h"

static void get_queue_stats_rx(struct net_device *netdev, int index,
			       struct netdev_queue_stats_rx *stats)
{
	const struct netfront *nf = netdev_priv(netdev);
	u64 values[NETFRONT_RX_COUNTERS];

	netfront_rx_stats_read(&nf->stats[index], values);
	stats->packets = values[NETFRONT_RX_PACKETS];
	stats->bytes = values[NETFRONT_RX_BYTES];
	stats->alloc_fail = values[NETFRONT_RX_NO_MEMORY];
}

static void get_queue_stats_tx(struct net_device *netdev, int index,
			       struct netdev_queue_stats_tx *stats)
{
	const struct netfront *nf = netdev_priv(netdev);
	u64 values[NETFRONT_TX_COUNTERS];

	netfront_tx_stats_read(&nf->stats[index], values);
	stats->packets = values[NETFRONT_TX_PACKETS];
	stats->bytes = values[NETFRONT_TX_BYTES];
}

/* What queues did that there are no more: there were more of them once. */
static void get_base_stats(struct net_device *netdev,
			   struct netdev_queue_stats_rx *rx,
			   struct netdev_queue_stats_tx *tx)
{
	struct netdev_queue_stats_rx rx_one;
	struct netdev_queue_stats_tx tx_one;
	unsigned int i;

	rx->packets = 0;
	rx->bytes = 0;
	rx->alloc_fail = 0;
	for (i = netdev->real_num_rx_queues; i < netdev->num_rx_queues; i++) {
		get_queue_stats_rx(netdev, i, &rx_one);
		rx->packets += rx_one.packets;
		rx->bytes += rx_one.bytes;
		rx->alloc_fail += rx_one.alloc_fail;
	}

	tx->packets = 0;
	tx->bytes = 0;
	for (i = netdev->real_num_tx_queues; i < netdev->num_tx_queues; i++) {
		get_queue_stats_tx(netdev, i, &tx_one);
		tx->packets += tx_one.packets;
		tx->bytes += tx_one.bytes;
	}
}

static const struct netdev_stat_ops stat_ops = {
	.get_queue_stats_rx	= get_queue_stats_rx,
	.get_queue_stats_tx	= get_queue_stats_tx,
	.get_base_stats		= get_base_stats,
};

/**
 * netfront_qstats_init() - offer statistics by netlink
 * @netdev: the interface, before it is registered
 *
 * Context: any.
 */
void netfront_qstats_init(struct net_device *netdev)
{
	compat_set_stat_ops(netdev, &stat_ops);
}
