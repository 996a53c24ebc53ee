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
#include "packet.h"

/* Until there may be room on the ring again. */
#define RETRY	(HZ / 50)

/*
 * We listen to a group from now on, or not any more.  If the backend refuses,
 * netfront_tx_clean() says so by netfront_mcast_refused().
 */
static int say_group(struct netfront_queue *queue, const u8 *addr, bool add)
{
	struct netfront_packet pkt = { .queue = queue };
	struct netfront_tx *tx = &queue->tx;
	struct xen_netif_extra_info *extra;
	struct netfront_tx_slot *slot;
	unsigned long flags;
	int err = -EAGAIN;

	spin_lock_irqsave(&tx->lock, flags);
	if (netfront_tx_has_room(tx)) {
		slot = netfront_packet_slot(&pkt, 0, 0);
		slot->kind = NETFRONT_TX_MESSAGE;
		slot->left = 1;
		slot->skb = NULL;
		pkt.first->gref = 0;
		extra = netfront_packet_extra(&pkt, add ?
					      XEN_NETIF_EXTRA_TYPE_MCAST_ADD :
					      XEN_NETIF_EXTRA_TYPE_MCAST_DEL);
		ether_addr_copy(extra->u.mcast.addr, addr);
		netfront_tx_push(queue);
		err = 0;
	}
	spin_unlock_irqrestore(&tx->lock, flags);
	return err;
}

static int add_group(struct net_device *netdev, const unsigned char *addr)
{
	struct netfront *nf = netdev_priv(netdev);

	return say_group(&nf->queues[0], addr, true);
}

static int remove_group(struct net_device *netdev, const unsigned char *addr)
{
	struct netfront *nf = netdev_priv(netdev);

	return say_group(&nf->queues[0], addr, false);
}

static bool wants_filter(const struct netfront *nf)
{
	const struct net_device *netdev = nf->netdev;

	return !(netdev->flags & (IFF_PROMISC | IFF_ALLMULTI)) &&
	       netdev_mc_count(netdev) <= READ_ONCE(nf->mcast.most);
}

/* False: the ring was full, and it still knows of some. */
static bool take_back(struct net_device *netdev)
{
	struct netdev_hw_addr *group;

	__dev_mc_unsync(netdev, remove_group);
	netdev_for_each_mc_addr(group, netdev)
		if (group->sync_cnt)
			return false;
	return true;
}

/* False: the ring was full, and some group could not be said. */
static bool tell_groups(struct netfront *nf, bool *filter)
{
	struct net_device *netdev = nf->netdev;
	struct netfront_mcast *mcast = &nf->mcast;
	bool told = true;

	netif_addr_lock_bh(netdev);
	*filter = wants_filter(nf);
	if (mcast->anew) {
		__dev_mc_unsync(netdev, NULL);
		mcast->anew = false;
		WRITE_ONCE(mcast->refused, false);
	}
	if (*filter && READ_ONCE(mcast->refused)) {
		/* Nobody knows which: all are said once more. */
		told = take_back(netdev);
		WRITE_ONCE(mcast->refused, !told);
	}
	if (*filter && told)
		told = !__dev_mc_sync(netdev, add_group, remove_group);
	netif_addr_unlock_bh(netdev);
	return told;
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
 * netfront_mcast_restart() - there is a new connection
 * @nf: the interface, which does not run: nobody can have told this backend
 *	anything
 *
 * netfront_set_rx_mode() has it told, once the interface runs.
 *
 * It may remember more groups than the one before: it is asked again.  Not if
 * this connection does not filter because of what was refused: to filter again
 * would take another one, to be refused there, and so on for ever.
 *
 * Context: process; takes the state's lock.
 */
void netfront_mcast_restart(struct netfront *nf)
{
	mutex_lock(&nf->state_lock);
	nf->mcast.anew = true;
	/* No poll is there to write it at the same time. */
	if (nf->config.mcast_dynamic || nf->config.mcast_static)
		WRITE_ONCE(nf->mcast.most, UINT_MAX);
	mutex_unlock(&nf->state_lock);
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

	/* The queues do not go while this is held. */
	mutex_lock(&nf->state_lock);
	running = nf->running;
	dynamic = nf->config.mcast_dynamic;
	if (running && (dynamic || nf->config.mcast_static)) {
		if (mcast->anew)
			mcast->filters = false;
		told = tell_groups(nf, &filter);
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
	struct netfront_mcast *mcast = &nf->mcast;
	unsigned int most = READ_ONCE(mcast->most);

	WRITE_ONCE(mcast->refused, true);
	if (nr <= most && nr) {
		netdev_info(nf->netdev,
			    "backend cannot filter for %u multicast groups: all multicast comes through\n",
			    nr);
		most = nr;
	}
	/* One less for each that is refused: as many as it took are left. */
	if (most)
		WRITE_ONCE(mcast->most, most - 1);
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
