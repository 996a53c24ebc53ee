// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is negotiated: the keys of either side within our bounds.
 *
 * Keys and their meaning: xen/interface/io/netif.h.
 */
#include <linux/err.h>
#include <linux/etherdevice.h>
#include <linux/hex.h>
#include <linux/slab.h>
#include <xenfront.h>

#include "netfront.h"

/**
 * netfront_config_read() - what the backend offers
 * @dev:	the device, whose backend is in InitWait
 * @wish:	what we could use of it
 * @config:	filled in; not to be used after an error
 *
 * Context: process; sleeps.
 * Return: 0, or -EOPNOTSUPP after a line that names the key.
 */
int netfront_config_read(struct xenbus_device *dev,
			 const struct netfront_wish *wish,
			 struct netfront_config *config)
{
	bool mcast;

	memset(config, 0, sizeof(*config));
	/* Pages that change hands ("flipping") are long gone. */
	if (!xenfront_store_feature(dev, "feature-rx-copy")) {
		xenfront_store_blame(dev, "feature-rx-copy",
				     " is not 1: it is of a kind that is not supported\n");
		return -EOPNOTSUPP;
	}
	config->max_queues = xenfront_store_default(dev,
						    "multi-queue-max-queues",
						    1, U16_MAX, 1);
	config->multi_queue = config->max_queues > 1;
	config->nr_queues = min(config->max_queues, READ_ONCE(wish->queues));
	config->split = xenfront_store_feature(dev,
					       "feature-split-event-channels");
	config->sg = xenfront_store_feature(dev, "feature-sg");
	config->gso4 = config->sg &&
		xenfront_store_feature(dev, "feature-gso-tcpv4");
	config->gso6 = config->sg &&
		xenfront_store_feature(dev, "feature-gso-tcpv6");
	config->csum4 = !xenfront_store_feature(dev,
						"feature-no-csum-offload");
	config->csum6 = xenfront_store_feature(dev,
					       "feature-ipv6-csum-offload");
	config->control = xenfront_store_feature(dev, "feature-ctrl-ring");
	mcast = xenfront_store_feature(dev, "feature-multicast-control");
	config->mcast_dynamic = mcast &&
		xenfront_store_feature(dev,
				       "feature-dynamic-multicast-control");
	config->mcast_static = mcast && !config->mcast_dynamic &&
		READ_ONCE(wish->filter);
	config->headroom = xenfront_store_feature(dev, "feature-xdp-headroom");
	config->xdp = READ_ONCE(wish->xdp);
	config->xdp_frags = config->xdp && READ_ONCE(wish->xdp_frags);
	return 0;
}

/**
 * netfront_mac_read() - the interface's Ethernet address
 * @dev:	the device
 * @mac:	filled in
 *
 * Without an address there is no interface: one that we made up would be
 * another at each boot, and no toolstack or firewall would know it.
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno after a line that names the key.
 */
int netfront_mac_read(struct xenbus_device *dev, u8 *mac)
{
	unsigned int len;
	char *text;
	int err = 0;

	text = xenbus_read(XBT_NIL, dev->nodename, "mac", &len);
	if (IS_ERR(text)) {
		dev_err(&dev->dev, "key \"mac\" cannot be read: %ld\n",
			PTR_ERR(text));
		return PTR_ERR(text);
	}
	/* mac_pton() does not mind what follows. */
	if (len != 3 * ETH_ALEN - 1 || !mac_pton(text, mac) ||
	    !is_valid_ether_addr(mac)) {
		dev_err(&dev->dev,
			"key \"mac\": \"%*pE\" is no address that an interface may have\n",
			min_t(int, len, 32), text);
		err = -EINVAL;
	}
	kfree(text);
	return err;
}

/**
 * netfront_mtu_read() - the MTU that the toolstack announces
 * @dev:	the device
 * @max:	the most that the interface can have
 *
 * Context: process; sleeps.
 * Return: the MTU; Ethernet's, if there is no key or (after a line that names
 *	   it) if it makes no sense.
 */
unsigned int netfront_mtu_read(struct xenbus_device *dev, unsigned int max)
{
	unsigned int len, mtu;
	char *text;

	text = xenbus_read(XBT_NIL, dev->nodename, "mtu", &len);
	if (IS_ERR(text))
		return ETH_DATA_LEN;
	if (strlen(text) != len || kstrtouint(text, 10, &mtu) ||
	    mtu < ETH_MIN_MTU || mtu > max) {
		dev_err(&dev->dev,
			"key \"mtu\": \"%*pE\" is not a number from %u to %u, using %u\n",
			min_t(int, len, 32), text, ETH_MIN_MTU, max,
			ETH_DATA_LEN);
		mtu = ETH_DATA_LEN;
	}
	kfree(text);
	return mtu;
}
