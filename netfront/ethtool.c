// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ethtool asks of a virtual interface.
 */
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <xenfront.h>

#include "netfront.h"

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
	[NETFRONT_RX_XDP_PASSED]	= "xdp_pass",
	[NETFRONT_RX_XDP_DROPPED]	= "xdp_drop",
	[NETFRONT_RX_XDP_SENT]		= "xdp_tx",
	[NETFRONT_RX_XDP_REDIRECTED]	= "xdp_redirect",
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

static int shortage_of(struct netfront *nf)
{
	int err;

	mutex_lock(&nf->state_lock);
	err = nf->shortage;
	mutex_unlock(&nf->state_lock);
	return err;
}

/*
 * Another number of queues means other rings, and so another connection.  If
 * there is memory, grants or interrupts for fewer only, the interface works with
 * those, but who asked for more is told so.
 *
 * That a backend offers fewer than the one before is no error: more than
 * max_combined is not asked for, and the wish waits for the backend after it.
 */
static int set_channels(struct net_device *netdev,
			struct ethtool_channels *channels)
{
	struct netfront *nf = netdev_priv(netdev);
	int err;

	/* Also when it is as it was: an earlier wish may still be waiting. */
	mutex_lock(&nf->state_lock);
	WRITE_ONCE(nf->wish.queues, channels->combined_count);
	nf->shortage = 0;
	mutex_unlock(&nf->state_lock);
	if (channels->combined_count == netdev->real_num_tx_queues)
		return 0;
	err = netfront_reconnect(nf);
	if (err)
		return err;
	err = shortage_of(nf);
	if (err)
		netdev_warn(netdev,
			    "not enough memory, grants or interrupts for %u queues (%d): there are %u\n",
			    channels->combined_count, err,
			    netdev->real_num_tx_queues);
	return err;
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

static u32 get_rxfh_key_size(struct net_device *netdev)
{
	const struct netfront *nf = netdev_priv(netdev);

	return nf->config.control ? NETFRONT_RSS_KEY : 0;
}

static u32 get_rxfh_indir_size(struct net_device *netdev)
{
	const struct netfront *nf = netdev_priv(netdev);

	return nf->config.control ? NETFRONT_RSS_TABLE : 0;
}

static int get_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *param)
{
	struct netfront *nf = netdev_priv(netdev);

	param->hfunc = ETH_RSS_HASH_TOP;
	if (param->key)
		memcpy(param->key, nf->rss.key, sizeof(nf->rss.key));
	if (param->indir)
		netfront_rss_table(nf, param->indir);
	return 0;
}

/* What "ethtool -X ... default" gives, too: it stays so with other queues. */
static bool is_even(const struct net_device *netdev, const u32 *table)
{
	unsigned int i, nr = netdev->real_num_rx_queues;

	for (i = 0; i < NETFRONT_RSS_TABLE; i++)
		if (table[i] != ethtool_rxfh_indir_default(i, nr))
			return false;
	return true;
}

/* To set it is to want it: it is switched on, too. */
static int set_rxfh(struct net_device *netdev, struct ethtool_rxfh_param *param,
		    struct netlink_ext_ack *extack)
{
	struct netfront *nf = netdev_priv(netdev);
	struct netfront_rss before = nf->rss;
	int err;

	if (!nf->config.control)
		return -EOPNOTSUPP;
	if (param->hfunc != ETH_RSS_HASH_NO_CHANGE &&
	    param->hfunc != ETH_RSS_HASH_TOP)
		return -EOPNOTSUPP;
	if (param->key)
		memcpy(nf->rss.key, param->key, sizeof(nf->rss.key));
	if (param->indir) {
		memcpy(nf->rss.table, param->indir, sizeof(nf->rss.table));
		nf->rss.chosen = !is_even(netdev, param->indir);
	}
	if (netdev->features & NETIF_F_RXHASH) {
		err = netfront_rss_apply(nf, true);
	} else {
		netdev->wanted_features |= NETIF_F_RXHASH;
		netdev_update_features(netdev);
		err = netdev->features & NETIF_F_RXHASH ? 0 : -EIO;
	}
	if (err)
		nf->rss = before;
	return err;
}

/* Ports count for TCP only, and addresses always: io/netif.h. */
static const struct {
	u32 flow;
	u32 with_ports;
	u32 without;
} hash_types[] = {
	{ TCP_V4_FLOW, XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP,
	  XEN_NETIF_CTRL_HASH_TYPE_IPV4 },
	{ TCP_V6_FLOW, XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP,
	  XEN_NETIF_CTRL_HASH_TYPE_IPV6 },
	{ IPV4_FLOW, 0, XEN_NETIF_CTRL_HASH_TYPE_IPV4 },
	{ UDP_V4_FLOW, 0, XEN_NETIF_CTRL_HASH_TYPE_IPV4 },
	{ IPV6_FLOW, 0, XEN_NETIF_CTRL_HASH_TYPE_IPV6 },
	{ UDP_V6_FLOW, 0, XEN_NETIF_CTRL_HASH_TYPE_IPV6 },
};

#define ADDRESSES	(RXH_IP_SRC | RXH_IP_DST)
#define PORTS		(RXH_L4_B_0_1 | RXH_L4_B_2_3)

static int get_rxfh_fields(struct net_device *netdev,
			   struct ethtool_rxfh_fields *fields)
{
	const struct netfront *nf = netdev_priv(netdev);
	unsigned int i;

	fields->data = 0;
	for (i = 0; i < ARRAY_SIZE(hash_types); i++) {
		if (hash_types[i].flow != fields->flow_type)
			continue;
		if (nf->rss.types & hash_types[i].without)
			fields->data |= ADDRESSES;
		if (nf->rss.types & hash_types[i].with_ports)
			fields->data |= ADDRESSES | PORTS;
	}
	return 0;
}

static int set_rxfh_fields(struct net_device *netdev,
			   const struct ethtool_rxfh_fields *fields,
			   struct netlink_ext_ack *extack)
{
	struct netfront *nf = netdev_priv(netdev);
	u32 types = nf->rss.types, before = types;
	unsigned int i;
	int err = 0;

	if (!nf->config.control)
		return -EOPNOTSUPP;
	for (i = 0; i < ARRAY_SIZE(hash_types); i++)
		if (hash_types[i].flow == fields->flow_type)
			break;
	if (i == ARRAY_SIZE(hash_types))
		return -EINVAL;

	types &= ~hash_types[i].with_ports;
	switch (fields->data) {
	case ADDRESSES | PORTS:
		if (!hash_types[i].with_ports)
			return -EINVAL;
		types |= hash_types[i].with_ports;
		break;
	case ADDRESSES:
		types |= hash_types[i].without;
		break;
	case 0:
		/* The others of its family go by it as well. */
		types &= ~hash_types[i].without;
		break;
	default:
		return -EINVAL;
	}
	nf->rss.types = types;
	if (netdev->features & NETIF_F_RXHASH)
		err = netfront_rss_apply(nf, true);
	if (err)
		nf->rss.types = before;
	return err;
}

static u32 get_rx_ring_count(struct net_device *netdev)
{
	return netdev->real_num_rx_queues;
}

static int get_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *nfc,
		     u32 *unused)
{
	struct ethtool_rxfh_fields fields = { .flow_type = nfc->flow_type };

	switch (nfc->cmd) {
	case ETHTOOL_GRXRINGS:
		nfc->data = get_rx_ring_count(netdev);
		return 0;
	case ETHTOOL_GRXFH:
		get_rxfh_fields(netdev, &fields);
		nfc->data = fields.data;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int set_rxnfc(struct net_device *netdev, struct ethtool_rxnfc *nfc)
{
	struct ethtool_rxfh_fields fields = {
		.data = nfc->data,
		.flow_type = nfc->flow_type,
	};

	if (nfc->cmd != ETHTOOL_SRXFH)
		return -EOPNOTSUPP;
	return set_rxfh_fields(netdev, &fields, NULL);
}

COMPAT_GET_RXFH(get_rxfh)
COMPAT_SET_RXFH(set_rxfh)

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
	.get_rxnfc		= get_rxnfc,
	.set_rxnfc		= set_rxnfc,
	.get_rxfh_key_size	= get_rxfh_key_size,
	.get_rxfh_indir_size	= get_rxfh_indir_size,
	.get_rxfh		= COMPAT_RXFH_OP(get_rxfh),
	.set_rxfh		= COMPAT_RXFH_OP(set_rxfh),
	COMPAT_RXFH_FIELDS_OPS(get_rxfh_fields, set_rxfh_fields)
	COMPAT_RX_RING_COUNT_OP(get_rx_ring_count)
};
