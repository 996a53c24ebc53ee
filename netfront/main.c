// SPDX-License-Identifier: GPL-2.0-only
/*
 * xen-netfront: the guest's half of Xen's virtual network interfaces.
 *
 * netfront.h has the map of the files.
 */
#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/platform_pci.h>
#include <xenfront.h>

#include "netfront.h"

/*
 * A packet as Ethernet has them.  To copy one costs what it costs to give its
 * page away and get and grant another, and it takes half a page of a socket's
 * buffer instead of a whole one and more: twice as many fit in.
 */
#define DEFAULT_COPYBREAK	1536

static unsigned int max_queues;
module_param(max_queues, uint, 0444);
MODULE_PARM_DESC(max_queues,
		 "Most queue pairs per interface (default 0: one per vCPU; the backend's limit applies)");

static bool trusted = true;
module_param(trusted, bool, 0644);
MODULE_PARM_DESC(trusted,
		 "Is the backend trusted? If not, it sees nothing but the packets (default on)");

static unsigned int queues_at_most(void)
{
	unsigned int cpus = num_online_cpus();

	return max_queues ? min(max_queues, cpus) : cpus;
}

static void init_stats(struct netfront *nf, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		u64_stats_init(&nf->stats[i].tx_sync);
		u64_stats_init(&nf->stats[i].rx_sync);
	}
}

static int netfront_probe(struct xenbus_device *dev,
			  const struct xenbus_device_id *id)
{
	unsigned int nr = queues_at_most();
	struct net_device *netdev;
	struct netfront *nf;
	u8 mac[ETH_ALEN];
	int err;

	err = netfront_mac_read(dev, mac);
	if (err)
		return err;

	netdev = alloc_etherdev_mq(sizeof(*nf), nr);
	if (!netdev)
		return -ENOMEM;
	nf = netdev_priv(netdev);
	nf->netdev = netdev;
	nf->stats = kcalloc(nr, sizeof(*nf->stats), GFP_KERNEL);
	nf->pollers = kcalloc(nr, sizeof(*nf->pollers), GFP_KERNEL);
	if (!nf->stats || !nf->pollers) {
		err = -ENOMEM;
		goto err_free_netdev;
	}
	init_stats(nf, nr);
	netfront_pollers_init(nf);

	nf->wish.queues = nr;
	nf->wish.filter = true;
	nf->copybreak = DEFAULT_COPYBREAK;
	nf->tx_frames = NETFRONT_TX_SLOTS;
	init_completion(&nf->reconnected);
	nf->bounce = !trusted ||
		!xenbus_read_unsigned(dev->nodename, "trusted", 1);
	mutex_init(&nf->state_lock);
	mutex_init(&nf->control.lock);
	init_completion(&nf->control.answered);
	nf->control.dead = true;
	netfront_rss_init(nf);
	nf->mcast.most = UINT_MAX;
	INIT_DELAYED_WORK(&nf->mcast.work, netfront_mcast_work);
	INIT_WORK(&nf->work, netfront_netdev_work);
	INIT_DELAYED_WORK(&nf->announce, netfront_netdev_announce);

	SET_NETDEV_DEV(netdev, &dev->dev);
	eth_hw_addr_set(netdev, mac);
	netdev->netdev_ops = &netfront_netdev_ops;
	netdev->ethtool_ops = &netfront_ethtool_ops;
	netfront_qstats_init(netdev);
	/* What was sent is kept in lists: the same packet cannot be in two. */
	netdev->priv_flags &= ~IFF_TX_SKB_SHARING;
	/* The backend does not go by it. */
	netdev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	netif_carrier_off(netdev);
	/* Netpoll asks for no carrier.  Whatever starts the queues wakes them. */
	netif_tx_stop_all_queues(netdev);

	xenfront_start(&nf->xf, dev, &netfront_lifecycle_ops);
	return 0;

err_free_netdev:
	/* No poller was added yet. */
	kfree(nf->pollers);
	kfree(nf->stats);
	free_netdev(netdev);
	return err;
}

/* Keys that another driver would not know to write over. */
static void forget_keys(struct xenbus_device *dev)
{
	static const char * const keys[] = {
		"multi-queue-num-queues",
		"ctrl-ring-ref",
		"event-channel-ctrl",
		"request-multicast-control",
		"feature-no-csum-offload",
		"xdp-headroom",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		xenbus_rm(XBT_NIL, dev->nodename, keys[i]);
}

static void cancel_works(struct netfront *nf)
{
	cancel_work_sync(&nf->work);
	cancel_delayed_work_sync(&nf->announce);
	cancel_delayed_work_sync(&nf->mcast.work);
}

static void netfront_remove(struct xenbus_device *dev)
{
	struct xenfront_device *xf = dev_get_drvdata(&dev->dev);
	struct netfront *nf = to_netfront(xf);
	struct netfront_poller *pollers;
	struct netfront_stats *stats;

	xenfront_stopping(xf);
	/* Steps go on and may queue it again: it finds nothing to do then. */
	WRITE_ONCE(nf->removing, true);
	cancel_works(nf);
	netfront_netdev_remove(nf);
	xenfront_stop(xf);
	cancel_works(nf);
	forget_keys(dev);

	/* Takes the pollers out of its list, which must still be there. */
	stats = nf->stats;
	pollers = nf->pollers;
	free_netdev(nf->netdev);
	kfree(pollers);
	kfree(stats);
}

static const struct xenbus_device_id netfront_ids[] = {
	{ "vif" },
	{ "" }
};

static struct xenbus_driver netfront_driver = {
	.name			= "xen-netfront",
	.ids			= netfront_ids,
	.probe			= netfront_probe,
	.remove			= netfront_remove,
	.resume			= xenfront_resume,
	.otherend_changed	= xenfront_otherend_changed,
};

static int __init netfront_init(void)
{
	int err;

	err = xenfront_unplugged("xen-netfront", xen_has_pv_nic_devices());
	if (err)
		return err;
	return xenbus_register_frontend(&netfront_driver);
}
module_init(netfront_init);

static void __exit netfront_exit(void)
{
	xenbus_unregister_driver(&netfront_driver);
}
module_exit(netfront_exit);

MODULE_DESCRIPTION("Xen virtual network interface front-end");
MODULE_LICENSE("GPL");
MODULE_VERSION(XENFRONT_VERSION);
MODULE_ALIAS("xen:vif");
MODULE_ALIAS("xennet");
