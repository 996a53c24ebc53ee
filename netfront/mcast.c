// SPDX-License-Identifier: GPL-2.0-only
/*
 * Multicast control: the backend drops what is sent to groups that nobody here
 * listens to, so that the guest does not wake up for it.
 *
 * A backend with "feature-dynamic-multicast-control" is told the groups first
 * and then asked to filter by them; without, it filters from the moment that
 * the rings are connected, and only another connection ends that.
 */
#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <xenfront.h>

#include "netfront.h"

/* Until there may be room on the ring again. */
#define RETRY	(HZ / 50)

static int add_group(struct net_device *netdev, const unsigned char *addr)
{
	struct netfront *nf = netdev_priv(netdev);

	return netfront_tx_mcast(&nf->queues[0], addr, true);
}

static int remove_group(struct net_device *netdev, const unsigned char *addr)
{
	struct netfront *nf = netdev_priv(netdev);

	return netfront_tx_mcast(&nf->queues[0], addr, false);
}

static bool wants_filter(const struct netfront *nf)
{
	const struct net_device *netdev = nf->netdev;

	return !(netdev->flags & (IFF_PROMISC | IFF_ALLMULTI)) &&
	       netdev_mc_count(netdev) <= READ_ONCE(nf->mcast.most);
}

/* False: the ring was full, and some group could not be said. */
static bool tell_groups(struct netfront *nf, bool anew, bool *filter)
{
	struct net_device *netdev = nf->netdev;
	int err = 0;

	netif_addr_lock_bh(netdev);
	*filter = wants_filter(nf);
	if (anew)
		__dev_mc_unsync(netdev, NULL);
	if (*filter)
		err = __dev_mc_sync(netdev, add_group, remove_group);
	netif_addr_unlock_bh(netdev);
	return !err;
}

static void ask_to_filter(struct netfront *nf, bool filter)
{
	int err;

	err = xenbus_printf(XBT_NIL, nf->xf.dev->nodename,
			    "request-multicast-control", "%u", filter);
	if (err)
		netdev_warn(nf->netdev,
			    "key \"request-multicast-control\" cannot be written: %d\n",
			    err);
	else
		nf->mcast.filters = filter;
}

/**
 * netfront_mcast_work() - bring the backend in line with the groups listened to
 * @work: &netfront_mcast.work
 *
 * Context: process; sleeps.
 */
void netfront_mcast_work(struct work_struct *work)
{
	struct netfront *nf = container_of(to_delayed_work(work),
					   struct netfront, mcast.work);
	struct netfront_mcast *mcast = &nf->mcast;
	bool running, told = true, dynamic, filter;
	unsigned int connects;

	/* The queues do not go while this is held. */
	mutex_lock(&nf->state_lock);
	running = nf->running;
	dynamic = nf->config.mcast_dynamic;
	if (running && (dynamic || nf->config.mcast_static)) {
		connects = READ_ONCE(nf->xf.connects);
		if (mcast->connects != connects)
			mcast->filters = false;
		told = tell_groups(nf, mcast->connects != connects, &filter);
		mcast->connects = connects;
	} else {
		filter = wants_filter(nf);
	}
	mutex_unlock(&nf->state_lock);

	if (!told) {
		schedule_delayed_work(&mcast->work, RETRY);
		return;
	}
	if (running && dynamic && filter != mcast->filters)
		ask_to_filter(nf, filter);
	if (filter != nf->wish.filter) {
		WRITE_ONCE(nf->wish.filter, filter);
		xenfront_kick(&nf->xf);
	}
}

/**
 * netfront_mcast_refused() - the backend cannot remember another group
 * @nf: the interface
 *
 * Context: any.
 */
void netfront_mcast_refused(struct netfront *nf)
{
	unsigned int nr = netdev_mc_count(nf->netdev);

	if (!nr || nr > READ_ONCE(nf->mcast.most))
		return;
	WRITE_ONCE(nf->mcast.most, nr - 1);
	netdev_info(nf->netdev,
		    "backend cannot filter for %u multicast groups: all multicast comes through\n",
		    nr);
	netfront_set_rx_mode(nf->netdev);
}

/**
 * netfront_set_rx_mode() - &net_device_ops.ndo_set_rx_mode
 * @netdev: the interface
 *
 * Context: any; the address lists are locked.
 */
void netfront_set_rx_mode(struct net_device *netdev)
{
	struct netfront *nf = netdev_priv(netdev);

	if (!READ_ONCE(nf->removing))
		schedule_delayed_work(&nf->mcast.work, 0);
}
