// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page that is shared with xenstored: a ring of requests and one of
 * answers, both of bytes.
 *
 * Of each ring one index is ours and one is xenstored's.  Ours are kept here
 * and written there; xenstored's are read once and checked.
 * Layout: xen/interface/io/xs_wire.h; protocol: Xen's docs/misc/xenstore-ring.txt.
 */
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <xen/events.h>
#include <xen/interface/hvm/params.h>
#include <xen/interface/io/xs_wire.h>
#include <xen/page.h>

#include "guest.h"

/* Woken whenever xenstored has read or written. */
DECLARE_WAIT_QUEUE_HEAD(guest_ring_wait);

/**
 * struct store_ring - the page and its channel; there is one
 * @page:	mapped from guest_ring_open() to guest_ring_close()
 * @gfn:	which it is
 * @evtchn:	by which xenstored is told; another one after a resume
 * @irq:	by which we are
 * @req_prod:	how far we have written; who sends guards it (store.c)
 * @rsp_cons:	how far we have read; the reader's (store.c)
 */
static struct store_ring {
	struct xenstore_domain_interface *page;
	unsigned long gfn;
	evtchn_port_t evtchn;
	unsigned int irq;
	XENSTORE_RING_IDX req_prod;
	XENSTORE_RING_IDX rsp_cons;
} ring;

/* More than fits: the index makes no sense. */
static unsigned int unread_by_xenstored(void)
{
	return ring.req_prod - READ_ONCE(ring.page->req_cons);
}

static unsigned int unread_by_us(void)
{
	return READ_ONCE(ring.page->rsp_prod) - ring.rsp_cons;
}

/**
 * guest_ring_has_room() - would guest_ring_write() do anything but return 0?
 *
 * Context: any.
 */
bool guest_ring_has_room(void)
{
	return unread_by_xenstored() != XENSTORE_RING_SIZE;
}

/**
 * guest_ring_has_data() - would guest_ring_read() do anything but return 0?
 *
 * Context: any.
 */
bool guest_ring_has_data(void)
{
	return unread_by_us();
}

/**
 * guest_ring_notify() - have xenstored look
 *
 * Context: any.
 */
void guest_ring_notify(void)
{
	notify_remote_via_evtchn(ring.evtchn);
}

/**
 * guest_ring_write() - as much as there is room for
 * @buf:	the bytes
 * @len:	how many
 *
 * Does not tell xenstored.
 *
 * Context: any; one at a time.
 * Return: how many were written, or -EIO if xenstored's index makes no sense.
 */
int guest_ring_write(const void *buf, unsigned int len)
{
	unsigned int unread = unread_by_xenstored();
	unsigned int offset, first;

	if (unread > XENSTORE_RING_SIZE)
		return -EIO;
	/* What it has read before what we write in its place. */
	virt_mb();

	len = min_t(unsigned int, len, XENSTORE_RING_SIZE - unread);
	offset = MASK_XENSTORE_IDX(ring.req_prod);
	first = min_t(unsigned int, len, XENSTORE_RING_SIZE - offset);
	memcpy(ring.page->req + offset, buf, first);
	memcpy(ring.page->req, buf + first, len - first);

	ring.req_prod += len;
	/* The bytes before the index that covers them. */
	virt_wmb();
	WRITE_ONCE(ring.page->req_prod, ring.req_prod);
	return len;
}

/**
 * guest_ring_read() - as much as there is
 * @buf:	where it goes
 * @len:	no more than this
 *
 * Tells xenstored if it may have waited for room.
 *
 * Context: any; one at a time.
 * Return: how many bytes were read, or -EIO if xenstored's index makes no
 *	   sense.
 */
int guest_ring_read(void *buf, unsigned int len)
{
	unsigned int unread = unread_by_us();
	unsigned int offset, first;

	if (unread > XENSTORE_RING_SIZE)
		return -EIO;
	/* The index before the bytes that it covers. */
	virt_rmb();

	len = min(len, unread);
	offset = MASK_XENSTORE_IDX(ring.rsp_cons);
	first = min_t(unsigned int, len, XENSTORE_RING_SIZE - offset);
	memcpy(buf, ring.page->rsp + offset, first);
	memcpy(buf + first, ring.page->rsp, len - first);

	ring.rsp_cons += len;
	/* The bytes were read before xenstored can know it ... */
	virt_mb();
	WRITE_ONCE(ring.page->rsp_cons, ring.rsp_cons);
	/* ... and it knows it before we see whether it had filled the ring. */
	virt_mb();
	if (len && unread_by_us() + len >= XENSTORE_RING_SIZE)
		guest_ring_notify();
	return len;
}

static irqreturn_t ring_interrupt(int irq, void *data)
{
	wake_up_all(&guest_ring_wait);
	xen_irq_lateeoi(irq, 0);
	return IRQ_HANDLED;
}

static int bind_channel(void)
{
	u64 evtchn;
	int irq, err;

	err = guest_hvm_param(HVM_PARAM_STORE_EVTCHN, "STORE_EVTCHN", &evtchn);
	if (err)
		return err;
	ring.evtchn = evtchn;
	irq = bind_evtchn_to_irq_lateeoi(ring.evtchn);
	if (irq <= 0)
		return irq ?: -ENOSPC;
	/* A resume asks xenstored before the devices' interrupts are back. */
	err = request_irq(irq, ring_interrupt, IRQF_NO_SUSPEND, "xenbus",
			  &ring);
	if (err)
		return err;
	ring.irq = irq;
	return 0;
}

static int map_page(void)
{
	u64 gfn;
	int err;

	err = guest_hvm_param(HVM_PARAM_STORE_PFN, "STORE_PFN", &gfn);
	if (err)
		return err;
	ring.gfn = gfn;
	ring.page = memremap(ring.gfn << XEN_PAGE_SHIFT, XEN_PAGE_SIZE,
			     MEMREMAP_WB);
	return ring.page ? 0 : -ENOMEM;
}

/*
 * Nobody waits for an answer, so what is in the rings is nothing to us: half a
 * conversation of the kernel's that was here before.  One that has crashed has
 * left watches, of which xenstored goes on to tell: it may stand in the middle
 * of a message for want of room, and only from the beginning on there are whole
 * ones, which nobody misses.
 */
static void start_afresh(void)
{
	ring.req_prod = READ_ONCE(ring.page->req_prod);
	ring.rsp_cons = reset_devices ? READ_ONCE(ring.page->rsp_cons) :
					READ_ONCE(ring.page->rsp_prod);
	WRITE_ONCE(ring.page->rsp_cons, ring.rsp_cons);
}

/**
 * guest_ring_open() - find the page and the channel
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno with nothing left behind.
 */
int guest_ring_open(void)
{
	int err;

	err = map_page();
	if (err)
		return err;
	start_afresh();
	err = bind_channel();
	if (err) {
		pr_err("xen-guest: no interrupt for xenstore: %d\n", err);
		goto unmap_page;
	}
	return 0;

unmap_page:
	memunmap(ring.page);
	return err;
}

/**
 * guest_ring_close() - undo guest_ring_open()
 *
 * The channel stays open: the toolstack makes it once in a guest's life.
 *
 * Context: process; sleeps.  Nobody reads or writes.
 */
void guest_ring_close(void)
{
	if (ring.irq)
		free_irq(ring.irq, &ring);
	ring.irq = 0;
	memunmap(ring.page);
}

/**
 * guest_ring_resume() - another domain: the page is the same, the channel not
 *
 * Context: process; sleeps.  Nobody reads or writes.
 * Return: 0, or a negative errno: xenstore cannot be reached.
 */
int guest_ring_resume(void)
{
	/* The channel is forgotten, so that none is closed. */
	if (ring.irq)
		unbind_from_irqhandler(ring.irq, &ring);
	ring.irq = 0;
	start_afresh();
	return bind_channel();
}
