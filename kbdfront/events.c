// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the backend reports: each event is copied, checked and passed on.
 *
 * Layout and meaning: xen/interface/io/kbdif.h.
 */
#include <linux/input/mt.h>
#include <xen/events.h>
#include <xenfront.h>

#include "kbdfront.h"

static void pass_over(struct kbdfront *kf, enum kbdfront_oddity kind,
		      const char *what, unsigned int value)
{
	/* The first of a kind is worth a line; how many there were is counted. */
	if (atomic_inc_return(&kf->odd[kind]) == 1)
		dev_warn(&kf->xf.dev->dev,
			 "backend reports %s %u: passed over, as all that follow\n",
			 what, value);
}

static void take_motion(struct kbdfront *kf, const struct xenkbd_motion *motion)
{
	if (!kf->pointer || !kf->config.pointer || kf->config.abs) {
		pass_over(kf, KBDFRONT_ODD_TYPE, "an event of type",
			  motion->type);
		return;
	}
	input_report_rel(kf->pointer, REL_X, motion->rel_x);
	input_report_rel(kf->pointer, REL_Y, motion->rel_y);
	/* Down is positive in the protocol, as on the screen. */
	if (motion->rel_z)
		input_report_rel(kf->pointer, REL_WHEEL,
				 -clamp(motion->rel_z, -S16_MAX, S16_MAX));
	input_sync(kf->pointer);
}

static int inside(int value, unsigned int size)
{
	return clamp(value, 0, (int)size - 1);
}

static void take_position(struct kbdfront *kf,
			  const struct xenkbd_position *position)
{
	const struct kbdfront_area *screen = &kf->config.screen;

	if (!kf->pointer || !kf->config.abs) {
		pass_over(kf, KBDFRONT_ODD_TYPE, "an event of type",
			  position->type);
		return;
	}
	input_report_abs(kf->pointer, ABS_X,
			 inside(position->abs_x, screen->width));
	input_report_abs(kf->pointer, ABS_Y,
			 inside(position->abs_y, screen->height));
	if (position->rel_z)
		input_report_rel(kf->pointer, REL_WHEEL,
				 -clamp(position->rel_z, -S16_MAX, S16_MAX));
	input_sync(kf->pointer);
}

/* Buttons are keys, too: whoever has it reports it. */
static struct input_dev *owner_of(const struct kbdfront *kf, unsigned int code)
{
	if (code > KEY_RESERVED && code < KEY_CNT) {
		if (kf->keyboard && test_bit(code, kf->keyboard->keybit))
			return kf->keyboard;
		if (kf->pointer && test_bit(code, kf->pointer->keybit))
			return kf->pointer;
	}
	return NULL;
}

static void take_key(struct kbdfront *kf, const struct xenkbd_key *key)
{
	struct input_dev *dev = owner_of(kf, key->keycode);

	if (!dev) {
		pass_over(kf, KBDFRONT_ODD_KEY, "key", key->keycode);
		return;
	}
	input_event(dev, EV_KEY, key->keycode, !!key->pressed);
	input_sync(dev);
}

static void take_touch(struct kbdfront *kf, const struct xenkbd_mtouch *touch)
{
	const struct kbdfront_area *area = &kf->config.touch;
	struct input_dev *dev = kf->touch;

	if (!dev || touch->contact_id >= kf->config.contacts) {
		pass_over(kf, KBDFRONT_ODD_CONTACT, "contact",
			  touch->contact_id);
		return;
	}
	if (kf->slot != touch->contact_id) {
		kf->slot = touch->contact_id;
		input_mt_slot(dev, kf->slot);
	}
	switch (touch->event_type) {
	case XENKBD_MT_EV_DOWN:
		input_mt_report_slot_state(dev, MT_TOOL_FINGER, true);
		fallthrough;
	case XENKBD_MT_EV_MOTION:
		input_report_abs(dev, ABS_MT_POSITION_X,
				 inside(touch->u.pos.abs_x, area->width));
		input_report_abs(dev, ABS_MT_POSITION_Y,
				 inside(touch->u.pos.abs_y, area->height));
		break;
	case XENKBD_MT_EV_SHAPE:
		input_report_abs(dev, ABS_MT_TOUCH_MAJOR,
				 min_t(u32, touch->u.shape.major,
				       area->width + area->height));
		input_report_abs(dev, ABS_MT_TOUCH_MINOR,
				 min_t(u32, touch->u.shape.minor,
				       area->width + area->height));
		break;
	case XENKBD_MT_EV_ORIENT:
		input_report_abs(dev, ABS_MT_ORIENTATION,
				 clamp_t(int, touch->u.orientation, -180, 180));
		break;
	case XENKBD_MT_EV_UP:
		input_mt_report_slot_inactive(dev);
		break;
	case XENKBD_MT_EV_SYN:
		input_mt_sync_frame(dev);
		input_sync(dev);
		break;
	default:
		pass_over(kf, KBDFRONT_ODD_CONTACT, "contact event",
			  touch->event_type);
		break;
	}
}

static void take(struct kbdfront *kf, const union xenkbd_in_event *event)
{
	switch (event->type) {
	case XENKBD_TYPE_MOTION:
		take_motion(kf, &event->motion);
		break;
	case XENKBD_TYPE_POS:
		take_position(kf, &event->pos);
		break;
	case XENKBD_TYPE_KEY:
		take_key(kf, &event->key);
		break;
	case XENKBD_TYPE_MTOUCH:
		take_touch(kf, &event->mtouch);
		break;
	default:
		/* "Frontends should ignore unknown in events." */
		pass_over(kf, KBDFRONT_ODD_TYPE, "an event of type",
			  event->type);
		break;
	}
}

static bool take_all(struct kbdfront *kf)
{
	struct xenkbd_page *page = kf->ring.pages;
	u32 produced = READ_ONCE(page->in_prod);
	union xenkbd_in_event event;

	if (produced == kf->consumed)
		return false;
	if (produced - kf->consumed > XENKBD_IN_RING_LEN) {
		xenfront_break(&kf->xf,
			       "backend claims %u events in a ring of %zu",
			       produced - kf->consumed,
			       (size_t)XENKBD_IN_RING_LEN);
		return false;
	}
	/* Read the events after the index that covers them. */
	virt_rmb();
	for (; kf->consumed != produced; kf->consumed++) {
		memcpy(&event, &XENKBD_IN_RING_REF(page, kf->consumed),
		       sizeof(event));
		/* Not from where the backend can still write. */
		barrier();
		take(kf, &event);
		atomic64_inc(&kf->events);
	}
	/* They are copied before the backend may write there again. */
	virt_mb();
	WRITE_ONCE(page->in_cons, kf->consumed);
	return true;
}

/**
 * kbdfront_interrupt() - the backend has reported something, or so it says
 * @irq:	the channel's
 * @data:	the struct kbdfront
 *
 * Context: hard interrupt; as many events as the ring holds.
 * Return: IRQ_HANDLED.
 */
irqreturn_t kbdfront_interrupt(int irq, void *data)
{
	struct kbdfront *kf = data;
	unsigned int eoi = XEN_EOI_FLAG_SPURIOUS;

	if (!xenfront_usable(&kf->xf))
		return IRQ_HANDLED;
	if (take_all(kf))
		eoi = 0;
	if (xenfront_usable(&kf->xf))
		xen_irq_lateeoi(irq, eoi);
	return IRQ_HANDLED;
}
