// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queue pairs: their rings and channels, who polls them, and when.
 *
 * A channel is not rung again before the end of its interrupt was told (late
 * EOI), which is when NAPI has found nothing more to do.
 */
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <xen/events.h>
#include <xenfront.h>

#include "netfront.h"

static irqreturn_t interrupt(struct netfront_queue *queue, unsigned int eoi)
{
	if (!xenfront_usable(&queue->nf->xf))
		return IRQ_HANDLED;	/* no EOI: no more of them */

	atomic64_inc(&queue->stats->interrupts);
	set_bit(eoi, &queue->flags);
	/* While the interface is down this does nothing, and no EOI follows. */
	napi_schedule(queue->napi);
	return IRQ_HANDLED;
}

static irqreturn_t tx_interrupt(int irq, void *data)
{
	return interrupt(data, NETFRONT_EOI_TX);
}

/* Of the receive channel, or of the one that both share. */
static irqreturn_t rx_interrupt(int irq, void *data)
{
	return interrupt(data, NETFRONT_EOI_RX);
}

static void end_interrupts(struct netfront_queue *queue)
{
	unsigned int spurious;

	spurious = test_and_clear_bit(NETFRONT_SEEN, &queue->flags) ?
		0 : XEN_EOI_FLAG_SPURIOUS;
	if (!xenfront_usable(&queue->nf->xf))
		return;
	if (test_and_clear_bit(NETFRONT_EOI_TX, &queue->flags))
		xen_irq_lateeoi(queue->tx.shared.irq, spurious);
	if (test_and_clear_bit(NETFRONT_EOI_RX, &queue->flags))
		xen_irq_lateeoi(queue->rx.shared.irq, spurious);
}

static int netfront_poll(struct napi_struct *napi, int budget)
{
	struct netfront_queue *queue =
		container_of(napi, struct netfront_poller, napi)->queue;
	int done = 0;

	if (likely(xenfront_usable(&queue->nf->xf))) {
		if (netfront_tx_clean(queue, budget))
			set_bit(NETFRONT_SEEN, &queue->flags);
		/* netpoll asks for transmit only. */
		if (budget)
			done = netfront_rx_poll(queue, budget);
		if (done)
			set_bit(NETFRONT_SEEN, &queue->flags);
	}
	if (done >= budget || !napi_complete_done(napi, done))
		return done;

	/*
	 * Ask to be told of the next answer, and only then look whether one
	 * has come meanwhile.  It is not NAPI any more that keeps others
	 * away, but that no interrupt comes before its predecessor's EOI.
	 */
	if (xenfront_usable(&queue->nf->xf) &&
	    (netfront_rx_more(queue) || netfront_tx_more(queue)))
		napi_schedule(napi);
	else
		end_interrupts(queue);
	return done;
}

static void start_napi(struct netfront_queue *queue)
{
	local_bh_disable();
	napi_schedule(queue->napi);
	local_bh_enable();
}

static void look(struct timer_list *timer)
{
	struct netfront_queue *queue =
		container_of(timer, struct netfront_queue, look);

	napi_schedule(queue->napi);
}

static int queue_create(struct netfront *nf, struct netfront_queue *queue,
			unsigned int id)
{
	const char *name = dev_name(&nf->xf.dev->dev);
	int err;

	queue->nf = nf;
	queue->id = id;
	queue->stats = &nf->stats[id];
	queue->napi = &nf->pollers[id].napi;
	nf->pollers[id].queue = queue;
	timer_setup(&queue->look, look, 0);
	snprintf(queue->tx_name, sizeof(queue->tx_name), "%s-q%u-tx", name, id);
	snprintf(queue->rx_name, sizeof(queue->rx_name), "%s-q%u%s", name, id,
		 nf->config.split ? "-rx" : "");

	err = netfront_tx_create(queue);
	if (!err)
		err = netfront_rx_create(queue);
	if (!err && nf->config.split)
		err = xenfront_ring_bind(&queue->tx.shared, tx_interrupt,
					 queue->tx_name, queue);
	if (!err)
		err = xenfront_ring_bind(&queue->rx.shared, rx_interrupt,
					 queue->rx_name, queue);
	return err;
}

static void share_cpus(struct netfront *nf)
{
	struct netfront_queue *queue;
	unsigned int cpu, i;

	for_each_possible_cpu(cpu)
		cpumask_set_cpu(cpu, &nf->queues[cpu % nf->nr_queues].cpus);
	for (i = 0; i < nf->nr_queues; i++) {
		queue = &nf->queues[i];
		xenfront_ring_set_affinity(&queue->tx.shared, &queue->cpus);
		xenfront_ring_set_affinity(&queue->rx.shared, &queue->cpus);
	}
}

/**
 * netfront_pollers_init() - make what polls queues, as many as there can be
 * @nf: the interface; its net_device frees them
 *
 * Context: process; sleeps.
 */
void netfront_pollers_init(struct netfront *nf)
{
	unsigned int i;

	for (i = 0; i < nf->netdev->num_rx_queues; i++)
		netif_napi_add(nf->netdev, &nf->pollers[i].napi,
			       netfront_poll);
}

static int queue_destroy(struct netfront_queue *queue, bool force)
{
	int err;

	/* No handler from here on. */
	xenfront_ring_unbind(&queue->tx.shared);
	xenfront_ring_unbind(&queue->rx.shared);
	timer_delete_sync(&queue->look);
	err = netfront_tx_destroy(queue, force);
	return netfront_rx_destroy(queue, force) ?: err;
}

/*
 * With as many queues as there are, until the user wishes for more again; a
 * wish for fewer that has come meanwhile stands.
 */
static void make_do(struct netfront *nf, int err)
{
	mutex_lock(&nf->state_lock);
	nf->config.nr_queues = nf->nr_queues;
	if (nf->wish.queues > nf->nr_queues) {
		WRITE_ONCE(nf->wish.queues, nf->nr_queues);
		nf->shortage = err;
	}
	mutex_unlock(&nf->state_lock);
}

/**
 * netfront_queues_create() - make as many queues as were negotiated
 * @nf: the interface, which has none
 *
 * There may be fewer, for want of memory or grants; the configuration and the
 * user's wish say so then.
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno with nothing left behind.
 */
int netfront_queues_create(struct netfront *nf)
{
	unsigned int i, nr = nf->config.nr_queues;
	int err;

	nf->queues = kvcalloc(nr, sizeof(*nf->queues), GFP_KERNEL);
	if (!nf->queues)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		nf->nr_queues = i + 1;
		err = queue_create(nf, &nf->queues[i], i);
		if (err)
			goto err_destroy;
	}
	share_cpus(nf);
	return 0;

err_destroy:
	queue_destroy(&nf->queues[i], true);
	nf->nr_queues = i;
	if (i) {
		dev_warn(&nf->xf.dev->dev, "%u queues instead of %u: %d\n", i,
			 nr, err);
		make_do(nf, err);
		share_cpus(nf);
		return 0;
	}
	kvfree(nf->queues);
	nf->queues = NULL;
	return err;
}

/**
 * netfront_queues_destroy() - undo netfront_queues_create(), all of it or half
 * @nf:		the interface, which does not run
 * @force:	do not wait for a backend that still has our pages
 *
 * Context: process; sleeps.
 * Return: 0, or -EBUSY if the backend still has pages (never with @force);
 *	   what can be freed was, and the call can be repeated.
 */
int netfront_queues_destroy(struct netfront *nf, bool force)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < nf->nr_queues; i++)
		err = queue_destroy(&nf->queues[i], force) ?: err;
	if (err)
		return err;

	kvfree(nf->queues);
	nf->queues = NULL;
	nf->nr_queues = 0;
	return 0;
}

static void start(struct netfront *nf)
{
	unsigned int i;

	for (i = 0; i < nf->nr_queues; i++) {
		napi_enable(nf->queues[i].napi);
		/* Fills the receive ring, and takes what has come. */
		start_napi(&nf->queues[i]);
	}
	/* What waits in the stack's queues waits for nobody else to come. */
	netif_tx_wake_all_queues(nf->netdev);
}

static void stop(struct netfront *nf)
{
	unsigned int i;

	/* Polls first: they wake the stack's queues when there is room. */
	for (i = 0; i < nf->nr_queues; i++)
		napi_disable(nf->queues[i].napi);
	/* Waits for those who are transmitting, who may start timers. */
	netif_tx_disable(nf->netdev);
	for (i = 0; i < nf->nr_queues; i++)
		timer_delete_sync(&nf->queues[i].look);
	/*
	 * A poll that has completed may still be on its way out, and another
	 * interface's may be sending here.
	 */
	synchronize_net();
}

/* The interface runs while it is both up and connected. */
static void update_running(struct netfront *nf)
{
	bool running = nf->open && nf->connected;

	if (running == nf->running)
		return;
	/* Pairs with netfront_xdp_xmit(). */
	smp_store_release(&nf->running, running);
	if (running)
		start(nf);
	else
		stop(nf);
}

/**
 * netfront_set_open() - the user has the interface up, or down
 * @nf:		the interface
 * @open:	up
 *
 * Context: process; sleeps.
 */
void netfront_set_open(struct netfront *nf, bool open)
{
	mutex_lock(&nf->state_lock);
	nf->open = open;
	update_running(nf);
	mutex_unlock(&nf->state_lock);
}

/**
 * netfront_set_connected() - the backend serves the queues, or does not
 * @nf:		the interface
 * @connected:	it does
 *
 * When it returns with @connected false nobody uses the queues any more.
 *
 * Context: process; sleeps.
 */
void netfront_set_connected(struct netfront *nf, bool connected)
{
	mutex_lock(&nf->state_lock);
	nf->connected = connected;
	update_running(nf);
	mutex_unlock(&nf->state_lock);
}
