// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control ring: questions that the backend answers one by one.
 *
 * Data does not depend on it.  A backend that does not answer loses this ring
 * until the next connect, and nothing else.
 */
#include <linux/gfp.h>
#include <linux/netdevice.h>
#include <xen/events.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xenfront.h>

#include "netfront.h"

/* For one answer. */
#define PATIENCE	HZ

static irqreturn_t control_interrupt(int irq, void *data)
{
	struct netfront_control *control = data;
	bool any = READ_ONCE(control->front.sring->rsp_prod) !=
		   READ_ONCE(control->front.rsp_cons);

	complete(&control->answered);
	xen_irq_lateeoi(irq, any ? 0 : XEN_EOI_FLAG_SPURIOUS);
	return IRQ_HANDLED;
}

/**
 * netfront_control_create() - make the ring, if the backend has one
 * @nf: the interface
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno with nothing left behind.
 */
int netfront_control_create(struct netfront *nf)
{
	struct netfront_control *control = &nf->control;
	struct xen_netif_ctrl_sring *sring;
	int err = 0;

	if (!nf->config.control)
		return 0;

	mutex_lock(&control->lock);
	err = xenfront_ring_create(&control->shared, nf->xf.dev, 0);
	if (err)
		goto unlock;
	sring = control->shared.pages;
	SHARED_RING_INIT(sring);
	FRONT_RING_INIT(&control->front, sring, XEN_PAGE_SIZE);
	control->pushed = 0;
	snprintf(control->name, sizeof(control->name), "%s-ctrl",
		 dev_name(&nf->xf.dev->dev));
	err = xenfront_ring_bind(&control->shared, control_interrupt,
				 control->name, control);
	if (err)
		xenfront_ring_destroy(&control->shared);
	else
		WRITE_ONCE(control->dead, false);
unlock:
	mutex_unlock(&control->lock);
	return err;
}

/**
 * netfront_control_stop() - let nobody wait for an answer any more
 * @nf: the interface
 *
 * Context: process.
 */
void netfront_control_stop(struct netfront *nf)
{
	WRITE_ONCE(nf->control.dead, true);
	complete(&nf->control.answered);
}

/**
 * netfront_control_destroy() - undo netfront_control_create()
 * @nf: the interface, which may have no such ring
 *
 * Context: process; sleeps.
 */
void netfront_control_destroy(struct netfront *nf)
{
	struct netfront_control *control = &nf->control;

	netfront_control_stop(nf);
	mutex_lock(&control->lock);
	xenfront_ring_destroy(&control->shared);
	mutex_unlock(&control->lock);
}

static bool wait_for_answer(struct netfront_control *control)
{
	struct xen_netif_ctrl_sring *sring = control->front.sring;
	unsigned long end = jiffies + PATIENCE;

	for (;;) {
		WRITE_ONCE(sring->rsp_event, control->front.rsp_cons + 1);
		/* The wish before the look; pairs with the backend's order. */
		virt_mb();
		if (READ_ONCE(sring->rsp_prod) != control->front.rsp_cons)
			return true;
		if (READ_ONCE(control->dead) || time_after(jiffies, end))
			return false;
		wait_for_completion_timeout(&control->answered, HZ / 10);
	}
}

static int status_to_errno(u32 status)
{
	switch (status) {
	case XEN_NETIF_CTRL_STATUS_SUCCESS:
		return 0;
	case XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED:
		return -EOPNOTSUPP;
	case XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW:
		return -ENOSPC;
	default:
		return -EINVAL;
	}
}

static int take_answer(struct netfront *nf, u16 type)
{
	struct netfront_control *control = &nf->control;
	struct xen_netif_ctrl_response rsp;

	/* Read the answer after the index that covers it. */
	virt_rmb();
	RING_COPY_RESPONSE(&control->front, control->front.rsp_cons, &rsp);
	WRITE_ONCE(control->front.rsp_cons, control->front.rsp_cons + 1);
	if (READ_ONCE(control->front.sring->rsp_prod) !=
			control->front.rsp_cons ||
	    rsp.id != control->id || rsp.type != type) {
		xenfront_break(&nf->xf,
			       "backend answered question %u of type %u by %u of type %u",
			       control->id, type, rsp.id, rsp.type);
		return -EIO;
	}
	return status_to_errno(rsp.status);
}

static int ask(struct netfront *nf, u16 type, u32 first, u32 second, u32 third)
{
	struct netfront_control *control = &nf->control;
	struct xen_netif_ctrl_sring *sring = control->front.sring;
	struct xen_netif_ctrl_request *req;

	if (READ_ONCE(control->dead) || !xenfront_usable(&nf->xf))
		return -ENOTCONN;

	reinit_completion(&control->answered);
	req = RING_GET_REQUEST(&control->front, control->front.req_prod_pvt++);
	req->id = ++control->id;
	req->type = type;
	req->data[0] = first;
	req->data[1] = second;
	req->data[2] = third;
	if (xenfront_ring_push(&control->pushed, control->front.req_prod_pvt,
			       &sring->req_prod, &sring->req_event))
		notify_remote_via_irq(control->shared.irq);

	if (wait_for_answer(control))
		return take_answer(nf, type);
	if (READ_ONCE(control->dead))
		return -ENOTCONN;
	/* The late answer would be taken for the next question's. */
	WRITE_ONCE(control->dead, true);
	dev_warn(&nf->xf.dev->dev,
		 "backend does not answer on its control ring: not used any more\n");
	return -ETIMEDOUT;
}

/**
 * netfront_control_ask() - ask, and wait for the answer
 * @nf:		the interface
 * @type:	XEN_NETIF_CTRL_TYPE_*
 * @first:	the question's data, by its type (io/netif.h, "Control ring")
 * @second:	likewise
 * @third:	likewise
 *
 * Context: process; sleeps up to a second.
 * Return: 0; -ENOTCONN if there is no such ring; -EOPNOTSUPP, -EINVAL or
 *	   -ENOSPC as the backend says; -ETIMEDOUT if it says nothing; -EIO.
 */
int netfront_control_ask(struct netfront *nf, u16 type, u32 first, u32 second,
			 u32 third)
{
	int err;

	mutex_lock(&nf->control.lock);
	err = ask(nf, type, first, second, third);
	mutex_unlock(&nf->control.lock);
	return err;
}

/**
 * netfront_control_give() - ask by a page of data
 * @nf:		the interface
 * @type:	XEN_NETIF_CTRL_TYPE_*, one whose first datum is a grant
 * @data:	what is in the page; the rest of it is zero
 * @size:	bytes, at most XEN_PAGE_SIZE
 * @second:	the question's other data
 * @third:	likewise
 *
 * Context: process; sleeps up to a second.
 * Return: as netfront_control_ask(), or -ENOMEM, or -ENOSPC without a grant.
 */
int netfront_control_give(struct netfront *nf, u16 type, const void *data,
			  size_t size, u32 second, u32 third)
{
	struct page *page;
	int ref, err;

	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	memcpy(page_address(page), data, size);
	ref = gnttab_grant_foreign_access(nf->xf.dev->otherend_id,
					  xen_page_to_gfn(page), 1);
	if (ref < 0) {
		__free_page(page);
		return ref;
	}
	err = netfront_control_ask(nf, type, ref, second, third);
	/* Frees the page, as soon as the backend has let go of it. */
	gnttab_end_foreign_access(ref, page);
	return err;
}
