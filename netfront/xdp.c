// SPDX-License-Identifier: GPL-2.0-only
/*
 * XDP: a program that sees each packet before the stack does.
 *
 * The backend leaves room before each packet ("xdp-headroom"), checks sums and
 * joins nothing, for as long as there is a program; to begin and to end that,
 * the connection is made anew.  What comes without the room nevertheless is
 * copied to where there is some.
 *
 * The program works on memory that the backend cannot see any more.
 */
#include <linux/bpf.h>
#include <linux/bpf_trace.h>
#include <linux/etherdevice.h>
#include <linux/filter.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <net/page_pool/helpers.h>
#include <net/xdp.h>
#include <xenfront.h>

#include "netfront.h"

/* What of a page may be data, if all of a packet's head is to be in it. */
#define ROOM	(SKB_WITH_OVERHEAD(PAGE_SIZE) - XDP_PACKET_HEADROOM)

/**
 * netfront_xdp_max_mtu() - the MTU up to which no packet has several pieces
 *
 * Context: any.
 * Return: it.
 */
unsigned int netfront_xdp_max_mtu(void)
{
	return ROOM - VLAN_ETH_HLEN;
}

static int add_frag(struct netfront_queue *queue, struct xdp_buff *xdp,
		    struct page *page, unsigned int offset, unsigned int len)
{
	struct skb_shared_info *info = xdp_get_shared_info_from_buff(xdp);
	skb_frag_t *frag;

	if (!xdp_buff_has_frags(xdp)) {
		info->nr_frags = 0;
		info->xdp_frags_size = 0;
		xdp_buff_set_frags_flag(xdp);
	}
	if (info->nr_frags == MAX_SKB_FRAGS) {
		page_pool_put_full_page(queue->rx.pool, page, true);
		return -EMSGSIZE;
	}
	frag = &info->frags[info->nr_frags++];
	skb_frag_fill_page_desc(frag, page, offset, len);
	info->xdp_frags_size += len;
	if (page_is_pfmemalloc(page))
		xdp_buff_set_frag_pfmemalloc(xdp);
	return 0;
}

/**
 * netfront_xdp_add() - another piece of a packet
 * @queue:	the queue
 * @xdp:	the packet; all zero before its first piece
 * @page:	of @queue's page pool; taken over, also after an error
 * @offset:	where the piece begins
 * @len:	its length
 *
 * Context: NAPI.
 * Return: 0, or a negative errno; then netfront_xdp_drop() is due.
 */
int netfront_xdp_add(struct netfront_queue *queue, struct xdp_buff *xdp,
		     struct page *page, unsigned int offset, unsigned int len)
{
	unsigned int part = min_t(unsigned int, len, ROOM);
	struct page *head;

	if (xdp->data)
		return add_frag(queue, xdp, page, offset, len);

	xdp_init_buff(xdp, PAGE_SIZE, &queue->rx.xdp);
	if (offset >= XDP_PACKET_HEADROOM &&
	    offset + len <= SKB_WITH_OVERHEAD(PAGE_SIZE)) {
		xdp_prepare_buff(xdp, page_address(page), offset, len, true);
		return 0;
	}

	head = page_pool_alloc_pages(queue->rx.pool,
				     GFP_ATOMIC | __GFP_NOWARN | __GFP_ZERO);
	if (!head) {
		page_pool_put_full_page(queue->rx.pool, page, true);
		return -ENOMEM;
	}
	memcpy(page_address(head) + XDP_PACKET_HEADROOM,
	       page_address(page) + offset, part);
	xdp_prepare_buff(xdp, page_address(head), XDP_PACKET_HEADROOM, part,
			 true);
	if (part < len)
		return add_frag(queue, xdp, page, offset + part, len - part);
	page_pool_put_full_page(queue->rx.pool, page, true);
	return 0;
}

/**
 * netfront_xdp_drop() - free a packet
 * @queue:	the queue it came from
 * @xdp:	the packet; nothing happens if it has no piece
 *
 * Context: NAPI.
 */
void netfront_xdp_drop(struct netfront_queue *queue, struct xdp_buff *xdp)
{
	if (xdp->data)
		xdp_return_buff(xdp);
	xdp->data = NULL;
}

static bool send_back(struct netfront_queue *queue, struct xdp_buff *xdp)
{
	struct xdp_frame *frame = xdp_convert_buff_to_frame(xdp);

	if (!frame || !netfront_frames_send(queue, &frame, 1, false))
		return false;
	set_bit(NETFRONT_XDP_SENT, &queue->flags);
	return true;
}

static struct sk_buff *pass(struct netfront_queue *queue, struct xdp_buff *xdp)
{
	struct xdp_frame *frame = xdp_convert_buff_to_frame(xdp);

	return frame ? xdp_build_skb_from_frame(frame, queue->nf->netdev) :
		       NULL;
}

/**
 * netfront_xdp_run() - let the program decide
 * @queue:	the queue
 * @program:	the program
 * @xdp:	the packet; taken over
 * @verdict:	filled in: what is to be counted
 *
 * Context: NAPI.
 * Return: what the stack gets, its protocol set; NULL if it gets nothing.
 */
struct sk_buff *netfront_xdp_run(struct netfront_queue *queue,
				 struct bpf_prog *program,
				 struct xdp_buff *xdp,
				 enum netfront_rx_counter *verdict)
{
	struct net_device *netdev = queue->nf->netdev;
	struct sk_buff *skb;
	u32 act = XDP_DROP;

	/* Only a backend that was not asked for it sends this. */
	if (!xdp_buff_has_frags(xdp) || program->aux->xdp_has_frags)
		act = bpf_prog_run_xdp(program, xdp);

	switch (act) {
	case XDP_PASS:
		skb = pass(queue, xdp);
		if (!skb)
			break;
		*verdict = NETFRONT_RX_XDP_PASSED;
		return skb;
	case XDP_TX:
		if (!send_back(queue, xdp))
			break;
		*verdict = NETFRONT_RX_XDP_SENT;
		return NULL;
	case XDP_REDIRECT:
		if (xdp_do_redirect(netdev, xdp, program))
			break;
		set_bit(NETFRONT_XDP_REDIRECTED, &queue->flags);
		*verdict = NETFRONT_RX_XDP_REDIRECTED;
		return NULL;
	case XDP_ABORTED:
		break;
	case XDP_DROP:
		goto drop;
	default:
		bpf_warn_invalid_xdp_action(netdev, program, act);
	}
	trace_xdp_exception(netdev, program, act);
drop:
	netfront_xdp_drop(queue, xdp);
	*verdict = NETFRONT_RX_XDP_DROPPED;
	return NULL;
}

/**
 * netfront_xdp_flush() - what programs sent since the last time may go
 * @queue: the queue
 *
 * Context: NAPI, before it is complete.
 */
void netfront_xdp_flush(struct netfront_queue *queue)
{
	if (test_and_clear_bit(NETFRONT_XDP_REDIRECTED, &queue->flags))
		xdp_do_flush();
	if (test_and_clear_bit(NETFRONT_XDP_SENT, &queue->flags))
		netfront_frames_push(queue);
}

static int set_program(struct netfront *nf, struct bpf_prog *program,
		       struct netlink_ext_ack *extack)
{
	struct net_device *netdev = nf->netdev;
	bool frags = program && program->aux->xdp_has_frags;
	struct netfront_wish before = nf->wish;
	struct bpf_prog *old;
	int err = 0;

	if (program && !nf->config.headroom) {
		NL_SET_ERR_MSG_MOD(extack,
				   "backend leaves no room before packets (feature-xdp-headroom)");
		return -EOPNOTSUPP;
	}
	if (program && !frags && netdev->mtu > netfront_xdp_max_mtu()) {
		NL_SET_ERR_MSG_MOD(extack,
				   "MTU is too large for a program without support of frags");
		return -EINVAL;
	}

	old = rtnl_dereference(nf->program);
	/* Packets that are not laid out for it are no danger, only slow. */
	if (program)
		rcu_assign_pointer(nf->program, program);
	if (before.xdp != !!program || before.xdp_frags != frags) {
		WRITE_ONCE(nf->wish.xdp, !!program);
		WRITE_ONCE(nf->wish.xdp_frags, frags);
		err = netfront_reconnect(nf);
	}
	if (err && program) {
		NL_SET_ERR_MSG_MOD(extack, "backend is not there");
		WRITE_ONCE(nf->wish.xdp, before.xdp);
		WRITE_ONCE(nf->wish.xdp_frags, before.xdp_frags);
		/* It may have come back meanwhile and do as was wished. */
		xenfront_kick(&nf->xf);
		rcu_assign_pointer(nf->program, old);
		/* The caller frees it: nobody may use it any more. */
		synchronize_net();
		return err;
	}
	if (!program)
		RCU_INIT_POINTER(nf->program, NULL);
	if (old)
		bpf_prog_put(old);
	return 0;
}

/**
 * netfront_bpf() - &net_device_ops.ndo_bpf
 * @netdev:	the interface
 * @bpf:	what is to be done
 *
 * Context: process, under rtnl; waits up to five seconds for the backend.
 * Return: 0, or a negative errno with all as it was.
 */
int netfront_bpf(struct net_device *netdev, struct netdev_bpf *bpf)
{
	if (bpf->command != XDP_SETUP_PROG)
		return -EINVAL;
	return set_program(netdev_priv(netdev), bpf->prog, bpf->extack);
}
