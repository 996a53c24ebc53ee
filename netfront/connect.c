// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our half of the lifecycle: what an interface does at each step of the
 * conversation with its backend.
 *
 * Nothing here takes rtnl: those who hold it may wait for a step.  What needs
 * it is done by netdev.c's work.
 */
#include <linux/bpf.h>
#include <linux/netdevice.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xenfront.h>

#include "netfront.h"

static int netfront_offer(struct xenfront_device *xf)
{
	struct netfront *nf = to_netfront(xf);
	struct netfront_config config;
	int err;

	err = netfront_config_read(xf->dev, &nf->wish, &config);
	if (err)
		return err;
	/* Users may be looking at it: never half of one. */
	mutex_lock(&nf->state_lock);
	nf->config = config;
	mutex_unlock(&nf->state_lock);
	err = netfront_queues_create(nf);
	if (err) {
		dev_err(&xf->dev->dev, "cannot make %u queues: %d\n",
			nf->config.nr_queues, err);
		return err;
	}
	err = netfront_control_create(nf);
	if (err) {
		dev_err(&xf->dev->dev, "cannot make a control ring: %d\n",
			err);
		netfront_queues_destroy(nf, true);
	}
	return err;
}

static int publish_queue(struct netfront_queue *queue,
			 struct xenbus_transaction xbt, const char *dir)
{
	bool split = queue->nf->config.split;
	int err;

	err = xenfront_ring_publish(&queue->tx.shared, xbt, dir, "tx-ring-ref",
				    "event-channel-tx");
	if (err)
		return err;
	return xenfront_ring_publish(&queue->rx.shared, xbt, dir,
				     "rx-ring-ref", split ?
				     "event-channel-rx" : "event-channel");
}

static int forget(struct xenbus_transaction xbt, const char *dir,
		  const char *key)
{
	return xenbus_exists(xbt, dir, key) ? xenbus_rm(xbt, dir, key) : 0;
}

/* Keys of another number of queues, or with other channels. */
static int forget_queues(struct xenbus_transaction xbt, const char *dir)
{
	static const char * const keys[] = {
		"tx-ring-ref", "rx-ring-ref", "event-channel",
		"event-channel-tx", "event-channel-rx",
	};
	char queue[16];
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(keys); i++)
		err = forget(xbt, dir, keys[i]);
	for (i = 0; !err; i++) {
		snprintf(queue, sizeof(queue), "queue-%u", i);
		if (!xenbus_exists(xbt, dir, queue))
			break;
		err = xenbus_rm(xbt, dir, queue);
	}
	return err;
}

static int publish_queues(struct netfront *nf, struct xenbus_transaction xbt)
{
	const char *dir = nf->xf.dev->nodename;
	unsigned int i;
	char *queue_dir;
	int err;

	err = forget_queues(xbt, dir);
	if (err)
		return err;
	if (nf->nr_queues == 1)
		return publish_queue(&nf->queues[0], xbt, dir);

	for (i = 0; !err && i < nf->nr_queues; i++) {
		queue_dir = kasprintf(GFP_KERNEL, "%s/queue-%u", dir, i);
		if (!queue_dir)
			return -ENOMEM;
		err = publish_queue(&nf->queues[i], xbt, queue_dir);
		kfree(queue_dir);
	}
	return err;
}

/*
 * What we can do, whatever the backend offers: it looks for its own use.  An
 * XDP program is shown what would be on a wire.
 */
static int publish_features(const struct netfront_config *config,
			    struct xenbus_transaction xbt, const char *dir)
{
	const struct {
		const char *key;
		unsigned int value;
	} features[] = {
		{ "request-rx-copy", 1 },
		{ "feature-rx-notify", 1 },
		{ "feature-sg", !config->xdp || config->xdp_frags },
		{ "feature-gso-tcpv4", !config->xdp },
		{ "feature-gso-tcpv6", !config->xdp },
		{ "feature-no-csum-offload", config->xdp },
		{ "feature-ipv6-csum-offload", !config->xdp },
		{ "request-multicast-control", config->mcast_static },
		{ "xdp-headroom", config->xdp && config->headroom ?
				  XDP_PACKET_HEADROOM : 0 },
	};
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < ARRAY_SIZE(features); i++)
		err = xenbus_printf(xbt, dir, features[i].key, "%u",
				    features[i].value);
	return err;
}

static int netfront_publish(struct xenfront_device *xf,
			    struct xenbus_transaction xbt)
{
	struct netfront *nf = to_netfront(xf);
	const char *dir = xf->dev->nodename;
	int err = 0;

	if (nf->config.multi_queue)
		err = xenbus_printf(xbt, dir, "multi-queue-num-queues", "%u",
				    nf->nr_queues);
	else
		err = forget(xbt, dir, "multi-queue-num-queues");
	if (!err)
		err = publish_queues(nf, xbt);
	if (!err && nf->config.control)
		err = xenfront_ring_publish(&nf->control.shared, xbt, dir,
					    "ctrl-ring-ref",
					    "event-channel-ctrl");
	return err ?: publish_features(&nf->config, xbt, dir);
}

static int netfront_connect(struct xenfront_device *xf)
{
	struct netfront *nf = to_netfront(xf);

	netfront_mcast_restart(nf);
	netfront_set_connected(nf, true);
	netfront_netdev_set_carrier(nf);
	complete(&nf->reconnected);
	schedule_work(&nf->work);
	netfront_set_rx_mode(nf->netdev);
	if (nf->registered) {
		netdev_info(nf->netdev, "connected again\n");
		WRITE_ONCE(nf->announced, 0);
		cancel_delayed_work(&nf->announce);
		schedule_delayed_work(&nf->announce, 0);
	}
	return 0;
}

static int netfront_update(struct xenfront_device *xf)
{
	struct netfront *nf = to_netfront(xf);
	struct netfront_config config;

	/*
	 * A backend that starts anew attaches to the rings it finds, maybe
	 * before we know of it, and may offer something else; the user may
	 * wish for something else.  In either case all is made anew.
	 */
	if (netfront_config_read(xf->dev, &nf->wish, &config))
		return 0;
	return memcmp(&config, &nf->config, sizeof(config)) ? -ESTALE : 0;
}

static void netfront_quiesce(struct xenfront_device *xf)
{
	struct netfront *nf = to_netfront(xf);

	netfront_control_stop(nf);
	netfront_set_connected(nf, false);
	netfront_netdev_set_carrier(nf);
}

static int netfront_disconnect(struct xenfront_device *xf, bool force)
{
	struct netfront *nf = to_netfront(xf);

	netfront_control_destroy(nf);
	return netfront_queues_destroy(nf, force);
}

/* Without a carrier the stack drops what it has; there is nothing to fail. */
static void netfront_closed(struct xenfront_device *xf)
{
}

static void netfront_show(struct xenfront_device *xf, struct seq_file *m)
{
	struct netfront *nf = to_netfront(xf);
	const struct netfront_config *config = &nf->config;
	struct netfront_queue *queue;
	unsigned int i;

	seq_printf(m, "interface: %s\n", netdev_name(nf->netdev));
	seq_printf(m, "running: %d\n", nf->running);
	seq_printf(m, "queues: %u\n", nf->nr_queues);
	seq_printf(m, "max-queues: %u\n", config->max_queues);
	seq_printf(m, "split-event-channels: %d\n", config->split);
	seq_printf(m, "scatter-gather: %d\n", config->sg);
	seq_printf(m, "gso-tcpv4: %d\n", config->gso4);
	seq_printf(m, "gso-tcpv6: %d\n", config->gso6);
	seq_printf(m, "csum-ipv4: %d\n", config->csum4);
	seq_printf(m, "csum-ipv6: %d\n", config->csum6);
	seq_printf(m, "control-ring: %d\n", config->control);
	seq_printf(m, "multicast: %s\n",
		   config->mcast_static || nf->mcast.filters ? "filtered" :
		   "all");
	seq_printf(m, "xdp: %d\n", config->xdp);
	seq_printf(m, "xdp-headroom: %d\n", config->headroom);
	seq_printf(m, "bounce: %d\n", nf->bounce);
	for (i = 0; i < nf->nr_queues; i++) {
		queue = &nf->queues[i];
		seq_printf(m,
			   "queue %u: tx free %u, rx posted %u spare %u, interrupts %lld, tx notifications %llu, rx notifications %llu\n",
			   i, queue->tx.nr_free,
			   queue->rx.front.req_prod_pvt -
			   queue->rx.front.rsp_cons, queue->rx.nr_spare,
			   atomic64_read(&queue->stats->interrupts),
			   u64_stats_read(&queue->stats->tx[NETFRONT_TX_NOTIFICATIONS]),
			   u64_stats_read(&queue->stats->rx[NETFRONT_RX_NOTIFICATIONS]));
	}
}

const struct xenfront_ops netfront_lifecycle_ops = {
	/* The backend goes on when it sees us Connected: io/netif.h. */
	.published	= XenbusStateConnected,
	.offer		= netfront_offer,
	.publish	= netfront_publish,
	.connect	= netfront_connect,
	.update		= netfront_update,
	.quiesce	= netfront_quiesce,
	.disconnect	= netfront_disconnect,
	.closed		= netfront_closed,
	.show		= netfront_show,
};
