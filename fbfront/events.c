// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two rings of the shared page: what has changed goes out, and how often
 * the backend looks comes in.
 *
 * Layout and meaning: xen/interface/io/fbif.h, in Xen's own version of it.
 */
#include <linux/minmax.h>
#include <linux/time64.h>
#include <xen/events.h>
#include <xenfront.h>

#include "fbfront.h"

/* Linux' header lacks the only event that there is for us. */
#define TYPE_REFRESH_PERIOD	1
struct refresh_period {
	u8 type;
	u32 period;	/* in ms; 0: nobody looks */
};

/* Frames as fast as most screens have them; and as slow as can be borne. */
#define DEFAULT_PERIOD	16U
#define MIN_PERIOD	8U
#define MAX_PERIOD	100U
/* QEMU 7.2 means 13 ms by 13333 when a viewer's window has another size. */
#define SENSELESS	1000U

static bool usable(struct fbfront *fb)
{
	return fb->events.page && xenfront_usable(&fb->xf);
}

static bool has_room(struct fbfront *fb)
{
	struct fbfront_events *events = &fb->events;
	u32 acked = READ_ONCE(events->page->out_cons);

	if (events->pushed - acked > XENFB_OUT_RING_LEN) {
		xenfront_break(&fb->xf,
			       "backend claims event %u when it was sent %u",
			       acked, events->pushed);
		return false;
	}
	/* What was read there before is not overwritten before that. */
	virt_mb();
	/*
	 * The ring's length does not divide 2^32: where numbers begin again
	 * two in a row have the same place.
	 */
	if (!events->written)
		return !acked;
	return events->written - acked < XENFB_OUT_RING_LEN;
}

static void write_event(struct fbfront *fb, const union xenfb_out_event *event)
{
	struct fbfront_events *events = &fb->events;

	XENFB_OUT_RING_REF(events->page, events->written) = *event;
	events->written++;
}

/* What had to wait, in the order in which it makes sense. */
static bool write_late(struct fbfront *fb)
{
	struct fbfront_events *events = &fb->events;
	union xenfb_out_event event = {};

	if (events->resize) {
		if (!has_room(fb))
			return false;
		event.resize.type = XENFB_TYPE_RESIZE;
		event.resize.width = events->mode.width;
		event.resize.height = events->mode.height;
		event.resize.stride = events->mode.width * FBFRONT_BYTES;
		event.resize.depth = FBFRONT_DEPTH;
		write_event(fb, &event);
		events->resize = false;
		events->resizes++;
	}
	if (events->late) {
		if (!has_room(fb))
			return false;
		memset(&event, 0, sizeof(event));
		event.update.type = XENFB_TYPE_UPDATE;
		event.update.x = events->dirty.x1;
		event.update.y = events->dirty.y1;
		event.update.width = drm_rect_width(&events->dirty);
		event.update.height = drm_rect_height(&events->dirty);
		write_event(fb, &event);
		events->late = false;
		events->updates++;
	}
	return true;
}

static void push(struct fbfront *fb)
{
	struct fbfront_events *events = &fb->events;

	if (events->pushed == events->written)
		return;
	events->pushed = events->written;
	/* The pixels and the events before the index that covers them. */
	virt_wmb();
	WRITE_ONCE(events->page->out_prod, events->pushed);
	notify_remote_via_irq(fb->ring.irq);
}

/**
 * fbfront_events_start() - events may be sent and taken from now on
 * @fb: the screen, whose ring is bound and was not published
 *
 * Context: process.
 */
void fbfront_events_start(struct fbfront *fb)
{
	struct fbfront_events *events = &fb->events;

	spin_lock_irq(&events->lock);
	events->page = fb->ring.pages;
	events->wanted = false;
	/* It says when nobody does, and need not say anything. */
	events->watched = true;
	events->period = DEFAULT_PERIOD;
	events->written = 0;
	events->pushed = 0;
	events->consumed = 0;
	events->acked = 0;
	events->mode = fb->offered;
	events->resize = false;
	events->late = false;
	spin_unlock_irq(&events->lock);
}

/**
 * fbfront_events_stop() - no event is sent or taken any more
 * @fb: the screen
 *
 * Context: process.
 */
void fbfront_events_stop(struct fbfront *fb)
{
	spin_lock_irq(&fb->events.lock);
	fb->events.page = NULL;
	spin_unlock_irq(&fb->events.lock);
}

/**
 * fbfront_events_want() - the backend has made up its mind about updates
 * @fb:		the screen
 * @wanted:	whether it asks for them
 *
 * Context: process.
 */
void fbfront_events_want(struct fbfront *fb, bool wanted)
{
	struct fbfront_events *events = &fb->events;

	spin_lock_irq(&events->lock);
	events->wanted = wanted;
	if (!wanted)
		events->late = false;
	spin_unlock_irq(&events->lock);
}

/**
 * fbfront_events_watched() - does anybody see what is drawn?
 * @fb: the screen
 *
 * Whatever is not drawn because of that is drawn with FBFRONT_NEWS_REDRAW,
 * which comes after the answer has changed.
 *
 * Context: process.
 * Return: false while there is no backend, too.
 */
bool fbfront_events_watched(struct fbfront *fb)
{
	bool watched;

	spin_lock_irq(&fb->events.lock);
	watched = usable(fb) && fb->events.watched;
	spin_unlock_irq(&fb->events.lock);
	return watched;
}

/**
 * fbfront_events_period() - how often does it make sense to draw?
 * @fb: the screen
 *
 * Context: process.
 * Return: microseconds from one frame to the next.
 */
unsigned int fbfront_events_period(struct fbfront *fb)
{
	unsigned int period = MAX_PERIOD;

	spin_lock_irq(&fb->events.lock);
	if (usable(fb) && fb->events.watched)
		period = fb->events.period;
	spin_unlock_irq(&fb->events.lock);
	return period * USEC_PER_MSEC;
}

/**
 * fbfront_events_resize() - the screen has another mode
 * @fb:		the screen, whose backend can resize
 * @mode:	the mode; if it is the one before, nothing is sent
 *
 * Context: process.
 */
void fbfront_events_resize(struct fbfront *fb, const struct fbfront_mode *mode)
{
	struct fbfront_events *events = &fb->events;

	spin_lock_irq(&events->lock);
	if (usable(fb) && !fbfront_mode_is(mode, &events->mode)) {
		events->mode = *mode;
		events->resize = true;
		/* It was meant for the mode before. */
		events->late = false;
		write_late(fb);
	}
	spin_unlock_irq(&events->lock);
}

/**
 * fbfront_events_update() - a part of the screen has changed
 * @fb:		the screen
 * @rect:	the part, in pixels, inside the mode
 *
 * The backend need not see that before fbfront_events_flush().  If there is
 * no room the part is remembered, with all others, and sent when there is.
 *
 * Context: process.
 */
void fbfront_events_update(struct fbfront *fb, const struct drm_rect *rect)
{
	struct fbfront_events *events = &fb->events;
	struct drm_rect *dirty = &events->dirty;

	spin_lock_irq(&events->lock);
	if (usable(fb) && events->wanted && events->watched) {
		/* So that no more than one is ever late. */
		if (events->late) {
			dirty->x1 = min(dirty->x1, rect->x1);
			dirty->y1 = min(dirty->y1, rect->y1);
			dirty->x2 = max(dirty->x2, rect->x2);
			dirty->y2 = max(dirty->y2, rect->y2);
		} else {
			*dirty = *rect;
			events->late = true;
		}
		if (!write_late(fb))
			events->merged++;
	}
	spin_unlock_irq(&events->lock);
}

/**
 * fbfront_events_flush() - have the backend look
 * @fb: the screen
 *
 * Context: process.
 */
void fbfront_events_flush(struct fbfront *fb)
{
	spin_lock_irq(&fb->events.lock);
	if (usable(fb))
		push(fb);
	spin_unlock_irq(&fb->events.lock);
}

static void take_period(struct fbfront *fb, const struct refresh_period *event)
{
	struct fbfront_events *events = &fb->events;
	bool watched = event->period > 0;

	if (watched && !events->watched)
		fbfront_news(fb, FBFRONT_NEWS_REDRAW);
	events->watched = watched;
	events->period = event->period > SENSELESS ? DEFAULT_PERIOD :
			 clamp(event->period, MIN_PERIOD, MAX_PERIOD);
	/* It looks at the whole screen when it looks again. */
	if (!watched)
		events->late = false;
}

/* False: there was none. */
static bool take_all(struct fbfront *fb)
{
	struct fbfront_events *events = &fb->events;
	struct xenfb_page *page = events->page;
	u32 produced = READ_ONCE(page->in_prod);
	union {
		union xenfb_in_event any;
		struct refresh_period refresh_period;
	} event;

	if (produced == events->consumed)
		return false;
	if (produced - events->consumed > XENFB_IN_RING_LEN) {
		xenfront_break(&fb->xf,
			       "backend claims %u events in a ring of %u",
			       produced - events->consumed,
			       (u32)XENFB_IN_RING_LEN);
		return false;
	}
	/* Read the events after the index that covers them. */
	virt_rmb();
	for (; events->consumed != produced; events->consumed++) {
		memcpy(&event.any, &XENFB_IN_RING_REF(page, events->consumed),
		       sizeof(event.any));
		/* Not from where the backend can still write. */
		barrier();
		/* "Frontends should ignore unknown in events." */
		if (event.any.type == TYPE_REFRESH_PERIOD)
			take_period(fb, &event.refresh_period);
		else if (!events->unknown++)
			dev_warn(&fb->xf.dev->dev,
				 "backend sends an event of type %u: passed over, as all that follow\n",
				 event.any.type);
	}
	/* They are copied before the backend may write there again. */
	virt_mb();
	WRITE_ONCE(page->in_cons, events->consumed);
	return true;
}

/**
 * fbfront_events_interrupt() - the backend has taken or sent events
 * @irq:	the channel's
 * @data:	the struct fbfront
 *
 * Context: hard interrupt; as many events as the ring holds.
 * Return: IRQ_HANDLED.
 */
irqreturn_t fbfront_events_interrupt(int irq, void *data)
{
	struct fbfront *fb = data;
	struct fbfront_events *events = &fb->events;
	unsigned int eoi = XEN_EOI_FLAG_SPURIOUS;
	u32 acked;

	spin_lock(&events->lock);
	if (usable(fb)) {
		acked = READ_ONCE(events->page->out_cons);
		if (acked != events->acked)
			eoi = 0;
		events->acked = acked;
		if (take_all(fb))
			eoi = 0;
		if (xenfront_usable(&fb->xf) && write_late(fb))
			push(fb);
	}
	spin_unlock(&events->lock);
	/* The next one from a backend that lies can wait for ever. */
	if (xenfront_usable(&fb->xf))
		xen_irq_lateeoi(irq, eoi);
	return IRQ_HANDLED;
}
