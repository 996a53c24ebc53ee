// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive side scaling: the backend hashes packets as it is told and says the
 * hash with each, and a table says which queue that is.
 *
 * Off unless the user wants it (ethtool -K rxhash, -X): the backend hashes by
 * its CPU, and each hash takes a slot of the ring.
 */
#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <xenfront.h>

#include "netfront.h"

/**
 * netfront_rss_init() - a random key, an even table, all types of packets
 * @nf: the interface
 *
 * Context: process.
 */
void netfront_rss_init(struct netfront *nf)
{
	struct netfront_rss *rss = &nf->rss;

	netdev_rss_key_fill(rss->key, sizeof(rss->key));
	rss->types = XEN_NETIF_CTRL_HASH_TYPE_IPV4 |
		     XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP |
		     XEN_NETIF_CTRL_HASH_TYPE_IPV6 |
		     XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP;
}

/**
 * netfront_rss_table() - which queue a hash belongs to, with the present queues
 * @nf:		the interface
 * @table:	for NETFRONT_RSS_TABLE numbers
 *
 * A connection may have fewer queues than the table was made for.
 *
 * Context: process, under rtnl.
 */
void netfront_rss_table(const struct netfront *nf, u32 *table)
{
	unsigned int i, nr = nf->netdev->real_num_rx_queues;

	for (i = 0; i < NETFRONT_RSS_TABLE; i++) {
		if (nf->rss.chosen)
			table[i] = nf->rss.table[i] % nr;
		else
			table[i] = ethtool_rxfh_indir_default(i, nr);
	}
}

static int switch_on(struct netfront *nf)
{
	u32 table[NETFRONT_RSS_TABLE];
	int err;

	/* The algorithm first: nothing else is taken without one. */
	err = netfront_control_ask(nf, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
				   XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ,
				   0, 0);
	if (!err)
		err = netfront_control_ask(nf,
					   XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS,
					   nf->rss.types, 0, 0);
	if (!err)
		err = netfront_control_give(nf,
					    XEN_NETIF_CTRL_TYPE_SET_HASH_KEY,
					    nf->rss.key, sizeof(nf->rss.key),
					    sizeof(nf->rss.key), 0);
	if (!err)
		err = netfront_control_ask(nf,
					   XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE,
					   NETFRONT_RSS_TABLE, 0, 0);
	if (err)
		return err;
	netfront_rss_table(nf, table);
	return netfront_control_give(nf, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING,
				     table, sizeof(table), NETFRONT_RSS_TABLE,
				     0);
}

/**
 * netfront_rss_apply() - have the backend hash, or not
 * @nf:	the interface
 * @on:	hash as &netfront.rss says
 *
 * Context: process, under rtnl; sleeps.
 * Return: 0, or what netfront_control_ask() says; the backend does not hash
 *	   then, if it still listens.
 */
int netfront_rss_apply(struct netfront *nf, bool on)
{
	int err = on ? switch_on(nf) : 0;

	if (on && !err)
		return 0;
	netfront_control_ask(nf, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
			     XEN_NETIF_CTRL_HASH_ALGORITHM_NONE, 0, 0);
	return err;
}
