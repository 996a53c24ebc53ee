/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xen-netfront: what its files share.
 *
 * One packet, out:
 *
 *   xmit.c	netfront_xmit()		the stack hands a packet over
 *   frame.c	netfront_frames_send()	or XDP does
 *   packet.c	netfront_packet_range()	each piece of it is granted, in a slot
 *   tx.c	netfront_tx_push()	the last of a batch lets the backend see
 *   ...the backend works...
 *   queue.c	netfront_poll()		NAPI
 *   tx.c	netfront_tx_clean()	slots and grants are free, the packet is
 *
 * and in:
 *
 *   buffer.c	netfront_buffers_refill()	pages are granted and posted
 *   ...the backend copies into them...
 *   queue.c	netfront_poll()		NAPI
 *   rx.c	netfront_rx_poll()	answers are checked, a packet is made
 *   xdp.c	netfront_xdp_run()	if there is a program, it decides
 */
#ifndef _NETFRONT_H
#define _NETFRONT_H

#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/timer.h>
#include <linux/u64_stats_sync.h>
#include <linux/workqueue.h>
#include <net/xdp.h>
#include <xen/interface/io/netif.h>
#include <xenfront.h>

#include "rx.h"
#include "tx.h"

struct netfront;

/* ------------------------------------------------------------------------
 * config.c: what was negotiated
 */

/**
 * struct netfront_wish - what the user wants of the next connect
 * @queues:	queue pairs, at least one
 * @xdp:	packets are for an XDP program: whole, with room before them
 * @xdp_frags:	that takes packets of several pieces
 * @filter:	the backend should drop multicast that nobody here listens to
 *
 * Each member is written alone, by somebody who then kicks the lifecycle.
 */
struct netfront_wish {
	unsigned int queues;
	bool xdp;
	bool xdp_frags;
	bool filter;
};

/**
 * struct netfront_config - what the backend offers, and we want of it
 * @nr_queues:		queue pairs, at least one
 * @max_queues:		how many the backend could serve
 * @multi_queue:	the backend knows several
 * @split:		a channel each for transmit and receive
 * @sg:			packets of several slots
 * @gso4:		TCP/IPv4 packets to be segmented
 * @gso6:		TCP/IPv6 packets to be segmented
 * @csum4:		checksums over IPv4 may be left blank
 * @csum6:		checksums over IPv6 may be left blank
 * @control:		there is a ring for what is asked of the backend
 * @mcast_dynamic:	multicast may be filtered from now on, at any time
 * @mcast_static:	multicast is filtered as long as this connection lasts
 * @headroom:		the backend can leave room before a packet
 * @xdp:		as wished
 * @xdp_frags:		as wished
 *
 * Written while nothing uses the rings; constant from one connect to the next.
 */
struct netfront_config {
	unsigned int nr_queues;
	unsigned int max_queues;
	bool multi_queue;
	bool split;
	bool sg;
	bool gso4;
	bool gso6;
	bool csum4;
	bool csum6;
	bool control;
	bool mcast_dynamic;
	bool mcast_static;
	bool headroom;
	bool xdp;
	bool xdp_frags;
};

int netfront_config_read(struct xenbus_device *dev,
			 const struct netfront_wish *wish,
			 struct netfront_config *config);
int netfront_mac_read(struct xenbus_device *dev, u8 *mac);
unsigned int netfront_mtu_read(struct xenbus_device *dev, unsigned int max);

/* ------------------------------------------------------------------------
 * queue.c
 */

/**
 * struct netfront_stats - what one queue has done, across reconnects
 * @tx:		written under &netfront_tx.lock
 * @tx_sync:	for those who read @tx
 * @rx:		written by NAPI
 * @rx_sync:	for those who read @rx
 * @interrupts:	written by the handlers
 */
struct netfront_stats {
	u64_stats_t tx[NETFRONT_TX_COUNTERS];
	struct u64_stats_sync tx_sync;
	u64_stats_t rx[NETFRONT_RX_COUNTERS];
	struct u64_stats_sync rx_sync;
	atomic64_t interrupts;
};

/* An end of interrupt is due: see netfront_poll(). */
#define NETFRONT_EOI_TX		0
#define NETFRONT_EOI_RX		1
/* Answers were taken since. */
#define NETFRONT_SEEN		2
/* XDP has sent packets to this queue's own ring, or elsewhere. */
#define NETFRONT_XDP_SENT	3
#define NETFRONT_XDP_REDIRECTED	4

/**
 * struct netfront_poller - who polls a queue
 * @napi:	lives as long as the interface does, for whoever asks by netlink
 *		who polls a queue may look at it at any time
 * @queue:	the queue, while there is one
 */
struct netfront_poller {
	struct napi_struct napi;
	struct netfront_queue *queue;
};

/**
 * struct netfront_queue - a transmit and a receive ring, and who serves them
 * @nf:		the interface
 * @id:		its number
 * @napi:	polls both rings; in a struct netfront_poller
 * @flags:	NETFRONT_*, atomic
 * @tx:		see there
 * @rx:		see there
 * @stats:	of @nf, so that they outlive the queue
 * @look:	has NAPI look without an event
 * @cpus:	whom it serves
 * @tx_name:	of the transmit channel's irq
 * @rx_name:	of the receive channel's, or of the common one
 */
struct netfront_queue {
	struct netfront *nf;
	unsigned int id;
	struct napi_struct *napi;
	unsigned long flags;
	struct netfront_tx tx;
	struct netfront_rx rx;
	struct netfront_stats *stats;
	struct timer_list look;
	struct cpumask cpus;
	char tx_name[IFNAMSIZ + 12];
	char rx_name[IFNAMSIZ + 12];
};

/**
 * netfront_tx_count() - something happened on the way out
 * @queue:	the queue
 * @counter:	what
 * @nr:		how often
 *
 * Context: under &netfront_tx.lock, unless the queue is not in use.
 */
static inline void netfront_tx_count(struct netfront_queue *queue,
				     enum netfront_tx_counter counter, u64 nr)
{
	u64_stats_update_begin(&queue->stats->tx_sync);
	u64_stats_add(&queue->stats->tx[counter], nr);
	u64_stats_update_end(&queue->stats->tx_sync);
}

/**
 * netfront_rx_count() - something happened on the way in
 * @queue:	the queue
 * @counter:	what
 * @nr:		how often
 *
 * Context: NAPI.
 */
static inline void netfront_rx_count(struct netfront_queue *queue,
				     enum netfront_rx_counter counter, u64 nr)
{
	u64_stats_update_begin(&queue->stats->rx_sync);
	u64_stats_add(&queue->stats->rx[counter], nr);
	u64_stats_update_end(&queue->stats->rx_sync);
}

/* ------------------------------------------------------------------------
 * control.c, rss.c
 */

/**
 * struct netfront_control - the ring for what is asked of the backend
 * @lock:	one question at a time; guards all below but @answered
 * @shared:	the ring's page and channel
 * @front:	the ring's private indices
 * @pushed:	how far the backend may read
 * @id:		of the last question
 * @dead:	there is no ring, or nobody who answers
 * @answered:	completed by the channel
 * @name:	of the irq
 */
struct netfront_control {
	struct mutex lock;	/* one question at a time */
	struct xenfront_ring shared;
	struct xen_netif_ctrl_front_ring front;
	RING_IDX pushed;
	u16 id;
	bool dead;
	struct completion answered;
	char name[IFNAMSIZ + 12];
};

/* The key and the table as large as Linux' backend takes them. */
#define NETFRONT_RSS_KEY	40
#define NETFRONT_RSS_TABLE	128

/**
 * struct netfront_rss - how packets are to be spread over queues; under rtnl
 * @key:	of the Toeplitz hash
 * @table:	which queue a hash belongs to, if @chosen; evenly otherwise
 * @chosen:	the user did
 * @types:	XEN_NETIF_CTRL_HASH_TYPE_*
 */
struct netfront_rss {
	u8 key[NETFRONT_RSS_KEY];
	u32 table[NETFRONT_RSS_TABLE];
	bool chosen;
	u32 types;
};

/* ------------------------------------------------------------------------
 * mcast.c
 */

/**
 * struct netfront_mcast - what the backend knows of the groups we listen to
 * @work:	tells it
 * @anew:	this backend was told nothing yet; guarded by
 *		&netfront.state_lock
 * @filters:	it was asked to filter; written by @work
 * @refused:	it does not know all the groups that it was told
 * @most:	more groups than this it does not take; written by NAPI, and
 *		when there is none
 */
struct netfront_mcast {
	struct delayed_work work;
	bool anew;
	bool filters;
	bool refused;
	unsigned int most;
};

/* ------------------------------------------------------------------------
 * main.c, connect.c, netdev.c: the interface
 */

/**
 * struct netfront - one virtual interface
 * @xf:		the conversation with the backend.  The structure is the
 *		net_device's private part.
 * @netdev:	made by probe, registered by @work after the first connect
 * @config:	see there; written by the lifecycle while the interface does
 *		not run, under @state_lock
 * @queues:	@nr_queues of them; made and freed by the lifecycle while the
 *		interface is not @running
 * @nr_queues:	how many there are; 0 when there are none
 * @wish:	see there
 * @shortage:	what the lifecycle had to make do with fewer queues for than
 *		the user wished for last, an errno; 0 if it had not.  Under
 *		@state_lock, as is the number in @wish that it lowers then
 * @pollers:	one for each queue there can be
 * @stats:	likewise
 * @copybreak:	packets up to this size are copied on receive
 * @tx_frames:	slots that are answered before the backend tells, at most
 * @bounce:	the backend may see nothing but packets; constant
 * @program:	XDP's; written under rtnl
 * @control:	see there
 * @rss:	see there
 * @mcast:	see there
 * @state_lock:	guards the three below, and that the carrier follows
 *		@connected; innermost
 * @open:	the user has the interface up
 * @connected:	there are queues, and the backend serves them
 * @running:	NAPI and the stack's queues are on
 * @spread:	the number of queues that the CPUs were shared out among last;
 *		written under rtnl
 * @work:	whatever takes rtnl, which the lifecycle must not
 * @registered:	the stack knows the interface; written by @work and remove,
 *		under @state_lock
 * @removing:	@work has nothing to do any more
 * @announce:	tells neighbours where we are, once the stack transmits again
 * @announced:	how often it did so since the last connect
 * @reconnected: completed by each connect, for who waits for one under rtnl
 */
struct netfront {
	struct xenfront_device xf;
	struct net_device *netdev;
	struct netfront_config config;
	struct netfront_queue *queues;
	unsigned int nr_queues;
	struct netfront_wish wish;
	int shortage;
	struct netfront_poller *pollers;
	struct netfront_stats *stats;
	unsigned int copybreak;
	unsigned int tx_frames;
	bool bounce;
	struct bpf_prog __rcu *program;
	struct netfront_control control;
	struct netfront_rss rss;
	struct netfront_mcast mcast;
	struct mutex state_lock;	/* guards the three below */
	bool open;
	bool connected;
	bool running;
	unsigned int spread;
	struct work_struct work;
	bool registered;
	bool removing;
	struct delayed_work announce;
	unsigned int announced;
	struct completion reconnected;
};

static inline struct netfront *to_netfront(struct xenfront_device *xf)
{
	return container_of(xf, struct netfront, xf);
}

extern const struct xenfront_ops netfront_lifecycle_ops;
extern const struct net_device_ops netfront_netdev_ops;
extern const struct ethtool_ops netfront_ethtool_ops;

void netfront_netdev_work(struct work_struct *work);
void netfront_netdev_announce(struct work_struct *work);
void netfront_netdev_sync_queues(struct netfront *nf);
void netfront_netdev_set_carrier(struct netfront *nf);
void netfront_netdev_remove(struct netfront *nf);
int netfront_reconnect(struct netfront *nf);

/**
 * netfront_queue_look_later() - have NAPI look, whether there is an event or not
 * @queue:	the queue
 * @delay:	in jiffies; sooner, if somebody wants it sooner
 *
 * Context: any.
 */
static inline void netfront_queue_look_later(struct netfront_queue *queue,
					     unsigned long delay)
{
	timer_reduce(&queue->look, jiffies + delay);
}

void netfront_pollers_init(struct netfront *nf);
int netfront_queues_create(struct netfront *nf);
int netfront_queues_destroy(struct netfront *nf, bool force);
void netfront_set_open(struct netfront *nf, bool open);
void netfront_set_connected(struct netfront *nf, bool connected);

int netfront_xdp_add(struct netfront_queue *queue, struct xdp_buff *xdp,
		     struct page *page, unsigned int offset, unsigned int len);
void netfront_xdp_drop(struct netfront_queue *queue, struct xdp_buff *xdp);
struct sk_buff *netfront_xdp_run(struct netfront_queue *queue,
				 struct bpf_prog *program,
				 struct xdp_buff *xdp,
				 enum netfront_rx_counter *verdict);
void netfront_xdp_flush(struct netfront_queue *queue);
int netfront_bpf(struct net_device *netdev, struct netdev_bpf *bpf);
unsigned int netfront_xdp_max_mtu(void);

int netfront_control_create(struct netfront *nf);
void netfront_control_stop(struct netfront *nf);
void netfront_control_destroy(struct netfront *nf);
int netfront_control_ask(struct netfront *nf, u16 type, u32 first, u32 second,
			 u32 third);
int netfront_control_give(struct netfront *nf, u16 type, const void *data,
			  size_t size, u32 second, u32 third);

void netfront_rss_init(struct netfront *nf);
void netfront_rss_table(const struct netfront *nf, u32 *table);
int netfront_rss_apply(struct netfront *nf, bool on);

void netfront_set_rx_mode(struct net_device *netdev);
void netfront_mcast_restart(struct netfront *nf);
void netfront_mcast_work(struct work_struct *work);
void netfront_mcast_refused(struct netfront *nf);

void netfront_qstats_init(struct net_device *netdev);

#endif /* _NETFRONT_H */
