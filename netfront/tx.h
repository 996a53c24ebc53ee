/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The transmit half of a queue: the ring (tx.c), and who sends (xmit.c, frame.c;
 * packet.h is for them).
 */
#ifndef _NETFRONT_TX_H
#define _NETFRONT_TX_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <net/xdp.h>
#include <xen/interface/io/netif.h>
#include <xenfront.h>

struct netfront_queue;
struct netfront_stats;

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

/* Copied packets under way, up to which nobody waits for them. */
#define NETFRONT_TX_FEW		8

/**
 * netfront_tx_has_room() - whether any packet fits on the ring
 * @tx: the transmit half
 *
 * Context: any; under &netfront_tx.lock.
 * Return: true if it does.
 */
static inline bool netfront_tx_has_room(const struct netfront_tx *tx)
{
	return RING_FREE_REQUESTS(&tx->front) >= NETFRONT_TX_ROOM &&
	       tx->nr_free >= NETFRONT_TX_ROOM;
}

/**
 * netfront_tx_under_way() - what has no answer yet
 * @tx: the transmit half
 *
 * Context: any; under &netfront_tx.lock.
 * Return: the ring's slots that are in use, seen by the backend or not.
 */
static inline unsigned int netfront_tx_under_way(const struct netfront_tx *tx)
{
	return tx->front.req_prod_pvt - tx->front.rsp_cons;
}

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

void netfront_tx_stats_read(const struct netfront_stats *stats, u64 *values);
int netfront_tx_create(struct netfront_queue *queue);
int netfront_tx_destroy(struct netfront_queue *queue, bool force);
void netfront_tx_push(struct netfront_queue *queue);
bool netfront_tx_clean(struct netfront_queue *queue, int budget);
bool netfront_tx_more(struct netfront_queue *queue);

netdev_tx_t netfront_xmit(struct sk_buff *skb, struct net_device *netdev);

int netfront_frames_send(struct netfront_queue *queue,
			 struct xdp_frame **frames, int nr, bool push);
void netfront_frames_push(struct netfront_queue *queue);
int netfront_xdp_xmit(struct net_device *netdev, int nr,
		      struct xdp_frame **frames, u32 flags);

#endif /* _NETFRONT_TX_H */
