// SPDX-License-Identifier: GPL-2.0-only
/*
 * The net_device: what users see of a virtual interface.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/netdev_queues.h>
#include <net/sch_generic.h>
#include <net/xdp.h>
#include <xenfront.h>

#include "netfront.h"

/* The first may come before the bridge behind the backend forwards anything. */
#define ANNOUNCEMENTS	4
#define ANNOUNCE_AGAIN	(HZ / 8)

/* How long to wait for a backend to connect anew. */
#define RECONNECT	(5 * HZ)

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
	if (!config->control)
		features &= ~NETIF_F_RXHASH;
	return features;
}

static int netfront_set_features(struct net_device *netdev,
				 netdev_features_t features)
{
	bool on = features & NETIF_F_RXHASH;

	if (!((features ^ netdev->features) & NETIF_F_RXHASH))
		return 0;
	return netfront_rss_apply(netdev_priv(netdev), on);
}

static int netfront_change_mtu(struct net_device *netdev, int mtu)
{
	const struct netfront *nf = netdev_priv(netdev);

	/* The stack has checked the bounds; each packet has its own length. */
	if (rtnl_dereference(nf->program) && !nf->wish.xdp_frags &&
	    mtu > netfront_xdp_max_mtu()) {
		netdev_err(netdev,
			   "MTU may be %u at most while there is an XDP program without support of frags\n",
			   netfront_xdp_max_mtu());
		return -EINVAL;
	}
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
	.ndo_set_features	= netfront_set_features,
	.ndo_set_rx_mode	= netfront_set_rx_mode,
	.ndo_bpf		= netfront_bpf,
	.ndo_xdp_xmit		= netfront_xdp_xmit,
};

/* Which CPU transmits where, as far as users leave that to us. */
static void spread_queues(struct netfront *nf)
{
	unsigned int i;

	/* What users set since the last time is theirs. */
	if (nf->spread == nf->nr_queues)
		return;
	nf->spread = nf->nr_queues;
	if (nf->nr_queues < 2)
		return;
	for (i = 0; i < nf->nr_queues; i++)
		netif_set_xps_queue(nf->netdev, &nf->queues[i].cpus, i);
}

/* For who asks by netlink. */
static void name_pollers(struct netfront *nf)
{
	unsigned int i;

	for (i = 0; i < nf->netdev->num_rx_queues; i++)
		netif_napi_set_irq(&nf->pollers[i].napi, i < nf->nr_queues ?
				   nf->queues[i].rx.shared.irq : -1);
	for (i = 0; i < nf->nr_queues; i++) {
		netif_queue_set_napi(nf->netdev, i, NETDEV_QUEUE_TYPE_RX,
				     &nf->pollers[i].napi);
		netif_queue_set_napi(nf->netdev, i, NETDEV_QUEUE_TYPE_TX,
				     &nf->pollers[i].napi);
	}
}

/**
 * netfront_netdev_set_carrier() - there is one while we are connected
 * @nf: the interface
 *
 * Not of an interface that is not registered: what the stack is told then goes
 * unheard at first, and in the end onto a list that outlives the interface.
 *
 * Context: process; takes the state's lock.
 */
void netfront_netdev_set_carrier(struct netfront *nf)
{
	mutex_lock(&nf->state_lock);
	if (nf->registered && nf->connected)
		netif_carrier_on(nf->netdev);
	else if (nf->registered)
		netif_carrier_off(nf->netdev);
	mutex_unlock(&nf->state_lock);
}

static void set_registered(struct netfront *nf, bool registered)
{
	mutex_lock(&nf->state_lock);
	nf->registered = registered;
	mutex_unlock(&nf->state_lock);
}

static void first_time(struct netfront *nf)
{
	struct net_device *netdev = nf->netdev;
	int err;

	netdev->hw_features = CAN_DO | NETIF_F_RXHASH;
	netdev->features = CAN_DO | NETIF_F_RXCSUM;
	/*
	 * Linux' netback looks for what it is to sum or to cut right behind
	 * the Ethernet header, and drops what has a tag there.
	 */
	netdev->vlan_features = NETIF_F_SG;
	netif_set_tso_max_size(netdev, XEN_NETIF_MAX_TX_SIZE);
	compat_set_xdp_features(netdev, NETDEV_XDP_ACT_BASIC |
				NETDEV_XDP_ACT_REDIRECT |
				NETDEV_XDP_ACT_NDO_XMIT |
				NETDEV_XDP_ACT_NDO_XMIT_SG |
				NETDEV_XDP_ACT_RX_SG);
	netdev->min_mtu = ETH_MIN_MTU;
	netdev->max_mtu = max_mtu(nf);
	netdev->mtu = netfront_mtu_read(nf->xf.dev, netdev->max_mtu);

	err = register_netdevice(netdev);
	if (err) {
		dev_err(&nf->xf.dev->dev, "cannot register interface: %d\n",
			err);
		return;
	}
	set_registered(nf, true);
	netfront_netdev_set_carrier(nf);
}

/* A backend that does less than the one before: what was allowed may go. */
static void next_time(struct netfront *nf)
{
	struct net_device *netdev = nf->netdev;
	int err;

	netdev->max_mtu = max_mtu(nf);
	if (netdev->mtu > netdev->max_mtu) {
		netdev_warn(netdev, "MTU %u is more than the backend's %u now\n",
			    netdev->mtu, netdev->max_mtu);
		dev_set_mtu(netdev, netdev->max_mtu);
	}
	netdev_update_features(netdev);
	if (!(netdev->features & NETIF_F_RXHASH))
		return;
	/* This backend was not told yet. */
	err = netfront_rss_apply(nf, true);
	if (err)
		netdev_warn(netdev, "backend does not spread packets: %d\n",
			    err);
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
		name_pollers(nf);
	}
	mutex_unlock(&nf->state_lock);
}

/* Whether the connection is what the user wishes, as far as may be. */
static bool is_as_wished(struct netfront *nf)
{
	const struct netfront_config *config = &nf->config;
	const struct netfront_wish *wish = &nf->wish;
	bool is;

	mutex_lock(&nf->state_lock);
	is = nf->connected &&
	     config->nr_queues == min(config->max_queues, wish->queues) &&
	     config->xdp == wish->xdp && config->xdp_frags == wish->xdp_frags;
	mutex_unlock(&nf->state_lock);
	return is;
}

/**
 * netfront_reconnect() - have the connection made anew, as is wished for now
 * @nf: the interface
 *
 * The lifecycle takes no rtnl, so that it can be waited for here; not for ever,
 * though.
 *
 * Context: process, under rtnl; sleeps up to five seconds.
 * Return: 0, or -ETIMEDOUT after a line in the log.  The wish stands then: it
 *	   is fulfilled when the backend is back.
 */
int netfront_reconnect(struct netfront *nf)
{
	unsigned long left = RECONNECT;

	if (READ_ONCE(nf->removing))
		return 0;
	do {
		reinit_completion(&nf->reconnected);
		xenfront_kick(&nf->xf);
		if (is_as_wished(nf)) {
			netfront_netdev_sync_queues(nf);
			return 0;
		}
		left = wait_for_completion_timeout(&nf->reconnected, left);
	} while (left);
	if (is_as_wished(nf)) {
		netfront_netdev_sync_queues(nf);
		return 0;
	}
	netdev_warn(nf->netdev,
		    "backend is not there: as you wish when it is back\n");
	return -ETIMEDOUT;
}

/* Each connect comes with a work of its own. */
static bool is_connected(struct netfront *nf)
{
	bool is;

	mutex_lock(&nf->state_lock);
	is = nf->connected;
	mutex_unlock(&nf->state_lock);
	return is;
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
	if (!READ_ONCE(nf->removing) && is_connected(nf)) {
		netfront_netdev_sync_queues(nf);
		if (nf->registered)
			next_time(nf);
		/* One that the stack refused half way is of no more use. */
		else if (nf->netdev->reg_state == NETREG_UNINITIALIZED)
			first_time(nf);
	}
	rtnl_unlock();
}

/**
 * netfront_netdev_remove() - take the interface away from the stack
 * @nf: the interface, whose works are cancelled and do nothing any more
 *
 * The lifecycle goes on meanwhile.
 *
 * Context: process; sleeps, takes rtnl.
 */
void netfront_netdev_remove(struct netfront *nf)
{
	if (!nf->registered)
		return;
	set_registered(nf, false);
	unregister_netdev(nf->netdev);
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
