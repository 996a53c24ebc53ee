/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xen-netfront: what its files share.
 *
 * One packet, out:
 *
 *   tx.c	netfront_xmit()		the stack hands a packet over
 *   tx.c	fill()			each piece of it is granted, in a slot
 *   tx.c	netfront_tx_push()	the last of a batch lets the backend see
 *   ...the backend works...
 *   queue.c	netfront_poll()		NAPI
 *   tx.c	netfront_tx_clean()	slots and grants are free, the packet is
 *
 * and in:
 *
 *   rx.c	netfront_rx_refill()	pages are granted and posted
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

struct netfront;
struct page_pool;

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
 * tx.c
 */
#define NETFRONT_TX_SLOTS	\
	__CONST_RING_SIZE(xen_netif_tx, XEN_PAGE_SIZE)

/* The most slots of one packet, one more for extra information. */
#define NETFRONT_TX_ROOM	(XEN_NETIF_NR_SLOTS_MIN + 1)

/**
 * enum netfront_tx_state - who has a slot
 * @NETFRONT_TX_FREE:		nobody: it is in the list of free ones
 * @NETFRONT_TX_SENT:		the backend
 * @NETFRONT_TX_ANSWERED:	we; it is its packet's first and waits for
 *				the others
 * @NETFRONT_TX_HELD:		answered, but the backend maps its page still
 */
enum netfront_tx_state {
	NETFRONT_TX_FREE,
	NETFRONT_TX_SENT,
	NETFRONT_TX_ANSWERED,
	NETFRONT_TX_HELD,
};

/**
 * enum netfront_tx_kind - whose packet it is
 * @NETFRONT_TX_SKB:	the stack's
 * @NETFRONT_TX_CELL:	the stack's, but copied to the slot's cell, and maybe
 *			done with
 * @NETFRONT_TX_FRAME:	XDP's
 * @NETFRONT_TX_MESSAGE: nobody's: it tells the backend something
 *
 * The grant of a slot of a cell or a message is not in use.
 */
enum netfront_tx_kind {
	NETFRONT_TX_SKB,
	NETFRONT_TX_CELL,
	NETFRONT_TX_FRAME,
	NETFRONT_TX_MESSAGE,
};

/* Pages for cells, and what each slot has of them. */
#define NETFRONT_TX_CELLS_ORDER	4
#define NETFRONT_TX_CELL_SIZE	\
	((XEN_PAGE_SIZE << NETFRONT_TX_CELLS_ORDER) / NETFRONT_TX_SLOTS)

/**
 * struct netfront_tx_slot - one piece of a packet
 * @state:	changed under &netfront_tx.lock
 * @kind:	first slot: which of @skb and @frame there is
 * @head:	the packet's first slot
 * @left:	first slot: answers that are missing
 * @txq:	first slot: the stack's queue it came from
 * @bytes:	first slot: the packet's length
 * @skb:	first slot: the packet
 * @frame:	likewise
 * @own:	a page of ours that the piece was copied to, or NULL
 * @ref:	the slot's grant; in use while SENT or HELD
 */
struct netfront_tx_slot {
	enum netfront_tx_state state;
	enum netfront_tx_kind kind;
	u16 head;
	u16 left;
	u16 txq;
	unsigned int bytes;
	union {
		struct sk_buff *skb;
		struct xdp_frame *frame;
	};
	struct page *own;
	grant_ref_t ref;
};

/**
 * struct netfront_tx - the transmit half of a queue
 * @lock:	guards all below but @shared and @cells; taken with interrupts
 *		off, because netpoll transmits from anywhere
 * @shared:	the ring's page and (if split) channel
 * @cells:	pages that stay shared, cut up among the slots: small packets are
 *		copied there; none, if there was no memory
 * @front:	the ring's private indices
 * @pushed:	how far the backend may read
 * @slots:	by the id that a request has
 * @free:	stack of free ids
 * @nr_free:	its height
 * @nr_held:	packets that are under way and somebody's still
 * @stopped:	the stack's queues wait for room
 * @waited_for:	the backend was asked to tell of answers
 * @done:	stack of answered frames, to be given back without the lock
 * @nr_done:	its height
 */
struct netfront_tx {
	spinlock_t lock;	/* guards what is below but @shared and @cells */
	struct xenfront_ring shared;
	struct xenfront_ring cells;
	struct xen_netif_tx_front_ring front;
	RING_IDX pushed;
	struct netfront_tx_slot slots[NETFRONT_TX_SLOTS];
	u16 free[NETFRONT_TX_SLOTS];
	unsigned int nr_free;
	unsigned int nr_held;
	bool stopped;
	bool waited_for;
	struct xdp_frame *done[NETFRONT_TX_SLOTS];
	unsigned int nr_done;
};

/* ------------------------------------------------------------------------
 * rx.c
 */
#define NETFRONT_RX_SLOTS	\
	__CONST_RING_SIZE(xen_netif_rx, XEN_PAGE_SIZE)

/**
 * struct netfront_buffer - a page that the backend may write to
 * @page:	from the queue's page pool, or NULL
 * @ref:	its grant
 */
struct netfront_buffer {
	struct page *page;
	grant_ref_t ref;
};

/**
 * struct netfront_rx - the receive half of a queue; NAPI's
 * @shared:	the ring's page and the channel
 * @front:	the ring's private indices
 * @pushed:	how far the backend may read
 * @posted:	by ring index, what the backend has
 * @spare:	stack of buffers that are granted and not posted
 * @nr_spare:	its height
 * @refs:	stack of grants without a page
 * @nr_refs:	its height
 * @pool:	where pages come from
 * @xdp:	what XDP programs know of this queue
 */
struct netfront_rx {
	struct xenfront_ring shared;
	struct xen_netif_rx_front_ring front;
	RING_IDX pushed;
	struct netfront_buffer posted[NETFRONT_RX_SLOTS];
	struct netfront_buffer spare[NETFRONT_RX_SLOTS];
	unsigned int nr_spare;
	grant_ref_t refs[NETFRONT_RX_SLOTS];
	unsigned int nr_refs;
	struct page_pool *pool;
	struct xdp_rxq_info xdp;
};

/* ------------------------------------------------------------------------
 * queue.c
 */

/* Counters of one queue that are written under the transmit ring's lock. */
enum netfront_tx_counter {
	NETFRONT_TX_PACKETS,
	NETFRONT_TX_BYTES,
	NETFRONT_TX_DROPPED,
	NETFRONT_TX_ERRORS,		/* the backend could not send */
	NETFRONT_TX_LINEARIZED,		/* too many pieces for the ring */
	NETFRONT_TX_COPIED,		/* small, or not to be shown */
	NETFRONT_TX_SLOTS_USED,
	NETFRONT_TX_NOTIFICATIONS,
	NETFRONT_TX_COUNTERS
};

/* Counters of one queue that NAPI writes. */
enum netfront_rx_counter {
	NETFRONT_RX_PACKETS,
	NETFRONT_RX_BYTES,
	NETFRONT_RX_DROPPED,
	NETFRONT_RX_ERRORS,		/* not what the backend says it is */
	NETFRONT_RX_COPIED,		/* buffers that were posted again */
	NETFRONT_RX_SLOTS_USED,
	NETFRONT_RX_NOTIFICATIONS,
	NETFRONT_RX_NO_MEMORY,
	NETFRONT_RX_CSUM_FIXED,		/* segments without a blank checksum */
	NETFRONT_RX_XDP_PASSED,
	NETFRONT_RX_XDP_DROPPED,
	NETFRONT_RX_XDP_SENT,
	NETFRONT_RX_XDP_REDIRECTED,
	NETFRONT_RX_COUNTERS
};

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

void netfront_tx_stats_read(const struct netfront_stats *stats, u64 *values);
void netfront_rx_stats_read(const struct netfront_stats *stats, u64 *values);

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
 * @most:	more groups than this it does not take
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

int netfront_tx_create(struct netfront_queue *queue);
int netfront_tx_destroy(struct netfront_queue *queue, bool force);
netdev_tx_t netfront_xmit(struct sk_buff *skb, struct net_device *netdev);
bool netfront_tx_clean(struct netfront_queue *queue, int budget);
bool netfront_tx_more(struct netfront_queue *queue);
int netfront_tx_mcast(struct netfront_queue *queue, const u8 *addr, bool add);
int netfront_tx_frames(struct netfront_queue *queue, struct xdp_frame **frames,
		       int nr, bool push);
void netfront_tx_push(struct netfront_queue *queue);

int netfront_rx_create(struct netfront_queue *queue);
int netfront_rx_destroy(struct netfront_queue *queue, bool force);
int netfront_rx_poll(struct netfront_queue *queue, int budget);
bool netfront_rx_more(struct netfront_queue *queue);
void netfront_rx_refill(struct netfront_queue *queue);

int netfront_xdp_add(struct netfront_queue *queue, struct xdp_buff *xdp,
		     struct page *page, unsigned int offset, unsigned int len);
void netfront_xdp_drop(struct netfront_queue *queue, struct xdp_buff *xdp);
struct sk_buff *netfront_xdp_run(struct netfront_queue *queue,
				 struct bpf_prog *program,
				 struct xdp_buff *xdp,
				 enum netfront_rx_counter *verdict);
void netfront_xdp_flush(struct netfront_queue *queue);
int netfront_xdp_xmit(struct net_device *netdev, int nr,
		      struct xdp_frame **frames, u32 flags);
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
