// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ethtool asks of a virtual interface.
 */
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <xenfront.h>

#include "netfront.h"

/* How long ethtool -L waits for the backend. */
#define RECONNECT	(5 * HZ)

static void get_drvinfo(struct net_device *netdev, struct ethtool_drvinfo *info)
{
	const struct netfront *nf = netdev_priv(netdev);

	strscpy(info->driver, "xen-netfront", sizeof(info->driver));
	strscpy(info->version, XENFRONT_VERSION, sizeof(info->version));
	strscpy(info->bus_info, dev_name(&nf->xf.dev->dev),
		sizeof(info->bus_info));
}

static const char * const tx_names[NETFRONT_TX_COUNTERS] = {
	[NETFRONT_TX_PACKETS]		= "packets",
	[NETFRONT_TX_BYTES]		= "bytes",
	[NETFRONT_TX_DROPPED]		= "dropped",
	[NETFRONT_TX_ERRORS]		= "errors",
	[NETFRONT_TX_LINEARIZED]	= "linearized",
	[NETFRONT_TX_COPIED]		= "copied",
	[NETFRONT_TX_SLOTS_USED]	= "slots",
	[NETFRONT_TX_NOTIFICATIONS]	= "notifications",
};

static const char * const rx_names[NETFRONT_RX_COUNTERS] = {
	[NETFRONT_RX_PACKETS]		= "packets",
	[NETFRONT_RX_BYTES]		= "bytes",
	[NETFRONT_RX_DROPPED]		= "dropped",
	[NETFRONT_RX_ERRORS]		= "errors",
	[NETFRONT_RX_COPIED]		= "copied",
	[NETFRONT_RX_SLOTS_USED]	= "slots",
	[NETFRONT_RX_NOTIFICATIONS]	= "notifications",
	[NETFRONT_RX_NO_MEMORY]		= "no_memory",
	[NETFRONT_RX_CSUM_FIXED]	= "csum_fixed",
};

#define PER_QUEUE	(NETFRONT_TX_COUNTERS + NETFRONT_RX_COUNTERS + 1)

static int get_sset_count(struct net_device *netdev, int set)
{
	if (set != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return PER_QUEUE * netdev->num_tx_queues;
}

static void get_strings(struct net_device *netdev, u32 set, u8 *data)
{
	unsigned int queue, i;

	if (set != ETH_SS_STATS)
		return;
	for (queue = 0; queue < netdev->num_tx_queues; queue++) {
		for (i = 0; i < NETFRONT_TX_COUNTERS; i++)
			ethtool_sprintf(&data, "tx_queue_%u_%s", queue,
					tx_names[i]);
		for (i = 0; i < NETFRONT_RX_COUNTERS; i++)
			ethtool_sprintf(&data, "rx_queue_%u_%s", queue,
					rx_names[i]);
		ethtool_sprintf(&data, "queue_%u_interrupts", queue);
	}
}

static void get_ethtool_stats(struct net_device *netdev,
			      struct ethtool_stats *unused, u64 *data)
{
	struct netfront *nf = netdev_priv(netdev);
	unsigned int queue;

	for (queue = 0; queue < netdev->num_tx_queues; queue++) {
		netfront_tx_stats_read(&nf->stats[queue], data);
		data += NETFRONT_TX_COUNTERS;
		netfront_rx_stats_read(&nf->stats[queue], data);
		data += NETFRONT_RX_COUNTERS;
		*data++ = atomic64_read(&nf->stats[queue].interrupts);
	}
}

static void get_channels(struct net_device *netdev,
			 struct ethtool_channels *channels)
{
	const struct netfront *nf = netdev_priv(netdev);

	channels->max_combined = min(netdev->num_tx_queues,
				     nf->config.max_queues);
	channels->combined_count = netdev->real_num_tx_queues;
}

/*
 * Another number of queues means other rings, and so another connection.  The
 * lifecycle makes it, which takes no rtnl, so that it can be waited for here;
 * not for ever, though.
 */
static int set_channels(struct net_device *netdev,
			struct ethtool_channels *channels)
{
	struct netfront *nf = netdev_priv(netdev);

	if (channels->combined_count == netdev->real_num_tx_queues)
		return 0;
	reinit_completion(&nf->reconnected);
	WRITE_ONCE(nf->wanted, channels->combined_count);
	xenfront_kick(&nf->xf);
	if (!wait_for_completion_timeout(&nf->reconnected, RECONNECT)) {
		netdev_warn(netdev,
			    "backend is not there: %u queues when it is back\n",
			    nf->wanted);
		return -ETIMEDOUT;
	}
	netfront_netdev_sync_queues(nf);
	return 0;
}

static int get_coalesce(struct net_device *netdev,
			struct ethtool_coalesce *coalesce,
			struct kernel_ethtool_coalesce *kernel_coalesce,
			struct netlink_ext_ack *extack)
{
	const struct netfront *nf = netdev_priv(netdev);

	coalesce->tx_max_coalesced_frames = nf->tx_frames;
	return 0;
}

/*
 * Nobody but its sender's accounting waits for a packet that is sent, so its
 * end may be told late.  One that has come must be: the rings have no timer.
 */
static int set_coalesce(struct net_device *netdev,
			struct ethtool_coalesce *coalesce,
			struct kernel_ethtool_coalesce *kernel_coalesce,
			struct netlink_ext_ack *extack)
{
	struct netfront *nf = netdev_priv(netdev);
	u32 frames = coalesce->tx_max_coalesced_frames;

	if (!frames || frames > NETFRONT_TX_SLOTS)
		return -EINVAL;
	WRITE_ONCE(nf->tx_frames, frames);
	return 0;
}

static void get_ringparam(struct net_device *netdev,
			  struct ethtool_ringparam *ring,
			  struct kernel_ethtool_ringparam *kernel_ring,
			  struct netlink_ext_ack *extack)
{
	/* One page each, says the protocol. */
	ring->tx_max_pending = NETFRONT_TX_SLOTS;
	ring->tx_pending = NETFRONT_TX_SLOTS;
	ring->rx_max_pending = NETFRONT_RX_SLOTS;
	ring->rx_pending = NETFRONT_RX_SLOTS;
}

static int get_tunable(struct net_device *netdev,
		       const struct ethtool_tunable *tunable, void *data)
{
	const struct netfront *nf = netdev_priv(netdev);

	if (tunable->id != ETHTOOL_RX_COPYBREAK)
		return -EOPNOTSUPP;
	*(u32 *)data = nf->copybreak;
	return 0;
}

static int set_tunable(struct net_device *netdev,
		       const struct ethtool_tunable *tunable, const void *data)
{
	struct netfront *nf = netdev_priv(netdev);
	u32 copybreak = *(const u32 *)data;

	if (tunable->id != ETHTOOL_RX_COPYBREAK)
		return -EOPNOTSUPP;
	if (copybreak > XEN_PAGE_SIZE)
		return -EINVAL;
	WRITE_ONCE(nf->copybreak, copybreak);
	return 0;
}

const struct ethtool_ops netfront_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_TX_MAX_FRAMES,
	.get_drvinfo		= get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_ts_info		= ethtool_op_get_ts_info,
	.get_sset_count		= get_sset_count,
	.get_strings		= get_strings,
	.get_ethtool_stats	= get_ethtool_stats,
	.get_coalesce		= get_coalesce,
	.set_coalesce		= set_coalesce,
	.get_channels		= get_channels,
	.set_channels		= set_channels,
	.get_ringparam		= get_ringparam,
	.get_tunable		= get_tunable,
	.set_tunable		= set_tunable,
};
