// SPDX-License-Identifier: GPL-2.0-only
/*
 * The net_device: what users see of a virtual interface.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/sch_generic.h>
#include <xenfront.h>

#include "netfront.h"

/* The first may come before the bridge behind the backend forwards anything. */
#define ANNOUNCEMENTS	4
#define ANNOUNCE_AGAIN	(HZ / 8)

/* What we can do if the backend can; hw_features, because users may choose. */
#define CAN_DO	(NETIF_F_SG | NETIF_F_IP_CSUM | NETIF_F_IPV6_CSUM | \
		 NETIF_F_TSO | NETIF_F_TSO6)

/* A packet's length has 16 bits, the header included. */
static unsigned int max_mtu(const struct netfront *nf)
{
	return nf->config.sg ? XEN_NETIF_MAX_TX_SIZE - VLAN_ETH_HLEN :
			       ETH_DATA_LEN;
}

static int netfront_open(struct net_device *netdev)
{
	netfront_set_open(netdev_priv(netdev), true);
	return 0;
}

static int netfront_stop(struct net_device *netdev)
{
	netfront_set_open(netdev_priv(netdev), false);
	return 0;
}

static netdev_features_t netfront_fix_features(struct net_device *netdev,
					       netdev_features_t features)
{
	const struct netfront *nf = netdev_priv(netdev);
	const struct netfront_config *config = &nf->config;

	if (!config->sg)
		features &= ~NETIF_F_SG;
	if (!config->csum4)
		features &= ~NETIF_F_IP_CSUM;
	if (!config->csum6)
		features &= ~NETIF_F_IPV6_CSUM;
	if (!config->gso4)
		features &= ~NETIF_F_TSO;
	if (!config->gso6)
		features &= ~NETIF_F_TSO6;
	return features;
}

static int netfront_change_mtu(struct net_device *netdev, int mtu)
{
	/* The stack has checked the bounds; each packet has its own length. */
	WRITE_ONCE(netdev->mtu, mtu);
	return 0;
}

static void add_stats(const struct netfront_stats *stats,
		      struct rtnl_link_stats64 *total)
{
	u64 tx[NETFRONT_TX_COUNTERS], rx[NETFRONT_RX_COUNTERS];

	netfront_tx_stats_read(stats, tx);
	total->tx_packets += tx[NETFRONT_TX_PACKETS];
	total->tx_bytes += tx[NETFRONT_TX_BYTES];
	total->tx_dropped += tx[NETFRONT_TX_DROPPED];
	total->tx_errors += tx[NETFRONT_TX_ERRORS];

	netfront_rx_stats_read(stats, rx);
	total->rx_packets += rx[NETFRONT_RX_PACKETS];
	total->rx_bytes += rx[NETFRONT_RX_BYTES];
	total->rx_dropped += rx[NETFRONT_RX_DROPPED];
	total->rx_errors += rx[NETFRONT_RX_ERRORS];
}

static void netfront_get_stats64(struct net_device *netdev,
				 struct rtnl_link_stats64 *total)
{
	struct netfront *nf = netdev_priv(netdev);
	unsigned int i;

	for (i = 0; i < netdev->num_tx_queues; i++)
		add_stats(&nf->stats[i], total);
}

const struct net_device_ops netfront_netdev_ops = {
	.ndo_open		= netfront_open,
	.ndo_stop		= netfront_stop,
	.ndo_start_xmit		= netfront_xmit,
	.ndo_change_mtu		= netfront_change_mtu,
	.ndo_fix_features	= netfront_fix_features,
	.ndo_get_stats64	= netfront_get_stats64,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
};

/* Which CPU transmits where, as far as users leave that to us. */
static void spread_queues(struct netfront *nf)
{
	unsigned int i;

	if (nf->nr_queues < 2)
		return;
	for (i = 0; i < nf->nr_queues; i++)
		netif_set_xps_queue(nf->netdev, &nf->queues[i].cpus, i);
}

static void first_time(struct netfront *nf)
{
	struct net_device *netdev = nf->netdev;
	int err;

	netdev->hw_features = CAN_DO;
	netdev->features = CAN_DO | NETIF_F_RXCSUM;
	netdev->vlan_features = CAN_DO;
	netif_set_tso_max_size(netdev, XEN_NETIF_MAX_TX_SIZE);
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = max_mtu(nf);
	netdev->mtu = netfront_mtu_read(nf->xf.dev, netdev->max_mtu);

	err = register_netdevice(netdev);
	if (err)
		dev_err(&nf->xf.dev->dev, "cannot register interface: %d\n",
			err);
	else
		nf->registered = true;
}

/* A backend that does less than the one before: what was allowed may go. */
static void next_time(struct netfront *nf)
{
	struct net_device *netdev = nf->netdev;

	netdev->max_mtu = max_mtu(nf);
	if (netdev->mtu > netdev->max_mtu) {
		netdev_warn(netdev, "MTU %u is more than the backend's %u now\n",
			    netdev->mtu, netdev->max_mtu);
		dev_set_mtu(netdev, netdev->max_mtu);
	}
	netdev_update_features(netdev);
}

/**
 * netfront_netdev_sync_queues() - tell the stack how many queues there are
 * @nf: the interface
 *
 * Context: process, under rtnl; sleeps.
 */
void netfront_netdev_sync_queues(struct netfront *nf)
{
	/* The queues cannot change or go while this is held. */
	mutex_lock(&nf->state_lock);
	if (nf->connected) {
		netif_set_real_num_tx_queues(nf->netdev, nf->nr_queues);
		netif_set_real_num_rx_queues(nf->netdev, nf->nr_queues);
		spread_queues(nf);
	}
	mutex_unlock(&nf->state_lock);
}

/**
 * netfront_netdev_work() - bring the net_device in line with the negotiation
 * @work: &netfront.work
 *
 * Apart from the lifecycle, because all of this takes rtnl.
 *
 * Context: process; sleeps.
 */
void netfront_netdev_work(struct work_struct *work)
{
	struct netfront *nf = container_of(work, struct netfront, work);

	rtnl_lock();
	if (!READ_ONCE(nf->removing)) {
		netfront_netdev_sync_queues(nf);
		if (nf->registered)
			next_time(nf);
		else
			first_time(nf);
	}
	rtnl_unlock();
}

/**
 * netfront_netdev_announce() - gratuitous ARP and the like
 * @work: &netfront.announce
 *
 * After the carrier has come back the stack drops what it is given until its
 * own work has noticed; an announcement before that would be lost.
 *
 * Context: process; sleeps.
 */
void netfront_netdev_announce(struct work_struct *work)
{
	struct netfront *nf = container_of(to_delayed_work(work),
					   struct netfront, announce);
	struct net_device *netdev = nf->netdev;
	bool ready;

	rtnl_lock();
	if (READ_ONCE(nf->removing) || !netif_running(netdev) ||
	    !netif_carrier_ok(netdev)) {
		rtnl_unlock();
		return;
	}
	ready = !qdisc_tx_is_noop(netdev);
	rtnl_unlock();

	if (!ready) {
		schedule_delayed_work(&nf->announce, HZ / 20);
		return;
	}
	/* Takes rtnl itself. */
	netdev_notify_peers(netdev);
	if (++nf->announced < ANNOUNCEMENTS)
		schedule_delayed_work(&nf->announce,
				      ANNOUNCE_AGAIN << nf->announced);
}
