// SPDX-License-Identifier: GPL-2.0-only
/*
 * A shared ring as one object: pages, their grants, the event channel and its
 * irq.  xen/interface/io/ring.h has the layout of what is inside.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/interrupt.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/events.h>
#include <xen/page.h>
#include <xenfront.h>

/**
 * xenfront_ring_create() - share zeroed pages
 * @ring:	filled in; a zeroed structure, or one that was destroyed
 * @dev:	whose backend is the other end
 * @order:	1 << @order pages of XEN_PAGE_SIZE bytes
 *
 * The caller lays the ring out before it calls xenfront_ring_bind(): an event
 * may come as soon as there is a channel.
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno with nothing left behind.
 */
int xenfront_ring_create(struct xenfront_ring *ring, struct xenbus_device *dev,
			 unsigned int order)
{
	int err;

	if (WARN_ON_ONCE(ring->dev || order > XENFRONT_RING_MAX_ORDER))
		return -EINVAL;

	err = xenbus_setup_ring(dev, GFP_NOIO | __GFP_HIGH, &ring->pages,
				1U << order, ring->refs);
	if (err)
		return err;
	ring->dev = dev;
	ring->order = order;
	return 0;
}
EXPORT_SYMBOL_GPL(xenfront_ring_create);

/**
 * xenfront_ring_bind() - open the ring's channel
 * @ring:	a created ring
 * @handler:	called in hard irq context; it ends with xen_irq_lateeoi()
 * @name:	the irq's name, which must live as long as the ring
 * @data:	for the handler
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno with no channel left behind.
 */
int xenfront_ring_bind(struct xenfront_ring *ring, irq_handler_t handler,
		       const char *name, void *data)
{
	int err;

	err = xenbus_alloc_evtchn(ring->dev, &ring->evtchn);
	if (err)
		return err;

	ring->data = data;
	err = bind_evtchn_to_irqhandler_lateeoi(ring->evtchn, handler, 0, name,
						data);
	if (err <= 0) {
		xenfront_ring_unbind(ring);
		return err ?: -ENOSPC;
	}
	ring->irq = err;
	return 0;
}
EXPORT_SYMBOL_GPL(xenfront_ring_bind);

/**
 * xenfront_ring_unbind() - undo xenfront_ring_bind(), all of it or half
 * @ring: the ring; may have no channel (any more)
 *
 * When it returns the handler does not run and will not run again; the pages
 * are still shared.
 *
 * Context: process; sleeps.  Not under a lock that the handler takes: the
 * kernel waits for the handler here (XSA-441).
 */
void xenfront_ring_unbind(struct xenfront_ring *ring)
{
	if (ring->irq) {
		/* An affinity hint must not outlive the mask it points to. */
		irq_set_affinity_and_hint(ring->irq, NULL);
		unbind_from_irqhandler(ring->irq, ring->data);
	} else if (ring->evtchn) {
		xenbus_free_evtchn(ring->dev, ring->evtchn);
	}
	ring->irq = 0;
	ring->evtchn = 0;
}
EXPORT_SYMBOL_GPL(xenfront_ring_unbind);

/**
 * xenfront_ring_destroy() - undo all that was done to a ring
 * @ring: the ring; may be half made, or destroyed already
 *
 * A page that the backend still maps is parked by the grant table's code and
 * freed once the backend lets go; the ring itself is all zero again either way.
 *
 * Context: process; sleeps, as xenfront_ring_unbind() does.
 */
void xenfront_ring_destroy(struct xenfront_ring *ring)
{
	if (!ring->dev)
		return;

	xenfront_ring_unbind(ring);
	xenbus_teardown_ring(&ring->pages, 1U << ring->order, ring->refs);
	memset(ring, 0, sizeof(*ring));
}
EXPORT_SYMBOL_GPL(xenfront_ring_destroy);

/**
 * xenfront_ring_abandon() - leave a ring's pages to the backend, for good
 * @ring: the ring; may have no channel, or not exist
 *
 * For pages that the backend maps by their frames' numbers: no grant tells
 * whether it still does (see xenfront_has_let_go()).
 *
 * Context: process; sleeps, as xenfront_ring_unbind() does.
 */
void xenfront_ring_abandon(struct xenfront_ring *ring)
{
	xenfront_ring_unbind(ring);
	memset(ring, 0, sizeof(*ring));
}
EXPORT_SYMBOL_GPL(xenfront_ring_abandon);

static int publish_refs(const struct xenfront_ring *ring,
			struct xenbus_transaction xbt, const char *dir,
			const char *ref_key)
{
	unsigned int i, nr = 1U << ring->order;
	char key[32];
	int err;

	/* One page is announced under the plain name, several by number. */
	if (nr == 1)
		return xenbus_printf(xbt, dir, ref_key, "%u", ring->refs[0]);

	for (i = 0; i < nr; i++) {
		snprintf(key, sizeof(key), "%s%u", ref_key, i);
		err = xenbus_printf(xbt, dir, key, "%u", ring->refs[i]);
		if (err)
			return err;
	}
	return 0;
}

/**
 * xenfront_ring_publish() - tell the backend where a ring is
 * @ring:	the ring
 * @xbt:	the transaction; stays open, whatever happens
 * @dir:	the directory: the device's, or a queue's below it
 * @ref_key:	"ring-ref" or the like; numbered when there are several pages
 * @evtchn_key:	"event-channel" or the like; unused without a channel
 *
 * Context: process; sleeps.
 * Return: 0, or the errno of the write that failed.
 */
int xenfront_ring_publish(const struct xenfront_ring *ring,
			  struct xenbus_transaction xbt, const char *dir,
			  const char *ref_key, const char *evtchn_key)
{
	int err;

	err = publish_refs(ring, xbt, dir, ref_key);
	if (err || !ring->evtchn)
		return err;
	return xenbus_printf(xbt, dir, evtchn_key, "%u", ring->evtchn);
}
EXPORT_SYMBOL_GPL(xenfront_ring_publish);

/**
 * xenfront_ring_set_affinity() - let a ring's irq run where its users are
 * @ring:	the ring
 * @mask:	the CPUs; must stay valid until the ring is destroyed
 *
 * A hint: an administrator's /proc/irq/N/smp_affinity overrides it.
 *
 * Context: process.
 */
void xenfront_ring_set_affinity(const struct xenfront_ring *ring,
				const struct cpumask *mask)
{
	if (ring->irq && !cpumask_empty(mask))
		irq_set_affinity_and_hint(ring->irq, mask);
}
EXPORT_SYMBOL_GPL(xenfront_ring_set_affinity);
