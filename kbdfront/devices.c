// SPDX-License-Identifier: GPL-2.0-only
/*
 * The input devices that users see.  They come with the first backend that
 * has something for them, and stay while backends come and go.
 */
#include <linux/input/mt.h>
#include <xenfront.h>

#include "kbdfront.h"

static struct input_dev *allocate(struct kbdfront *kf, const char *name,
				  u16 product)
{
	struct input_dev *dev = input_allocate_device();

	if (!dev)
		return NULL;
	dev->name = name;
	dev->phys = kf->phys;
	dev->id.bustype = BUS_PCI;
	dev->id.vendor = 0x5853;	/* XenSource's */
	dev->id.product = product;
	dev->dev.parent = &kf->xf.dev->dev;
	/* A ring that is full must not be too much for those who read slowly. */
	input_set_events_per_packet(dev, 2 * XENKBD_IN_RING_LEN);
	return dev;
}

static int settle(struct input_dev *dev, struct input_dev **place)
{
	int err = input_register_device(dev);

	if (err)
		input_free_device(dev);
	else
		*place = dev;
	return err;
}

static int create_keyboard(struct kbdfront *kf)
{
	struct input_dev *dev = allocate(kf, "Xen Virtual Keyboard", 0xffff);
	unsigned int code;

	if (!dev)
		return -ENOMEM;
	for (code = KEY_ESC; code < BTN_MISC; code++)
		input_set_capability(dev, EV_KEY, code);
	for (code = KEY_OK; code < KEY_CNT; code++)
		input_set_capability(dev, EV_KEY, code);
	/* The kernel repeats, wherever the keys come from. */
	__set_bit(EV_REP, dev->evbit);
	return settle(dev, &kf->keyboard);
}

static void set_screen(struct input_dev *dev, const struct kbdfront_area *area)
{
	input_set_abs_params(dev, ABS_X, 0, area->width - 1, 0, 0);
	input_set_abs_params(dev, ABS_Y, 0, area->height - 1, 0, 0);
}

static int create_pointer(struct kbdfront *kf)
{
	struct input_dev *dev = allocate(kf, "Xen Virtual Pointer", 0xfffe);
	unsigned int code;

	if (!dev)
		return -ENOMEM;
	if (kf->config.abs) {
		set_screen(dev, &kf->config.screen);
	} else {
		input_set_capability(dev, EV_REL, REL_X);
		input_set_capability(dev, EV_REL, REL_Y);
	}
	input_set_capability(dev, EV_REL, REL_WHEEL);
	for (code = BTN_LEFT; code <= BTN_TASK; code++)
		input_set_capability(dev, EV_KEY, code);
	return settle(dev, &kf->pointer);
}

static void set_touch(struct input_dev *dev, const struct kbdfront_area *area)
{
	unsigned int longest = area->width + area->height;

	input_set_abs_params(dev, ABS_MT_POSITION_X, 0, area->width - 1, 0, 0);
	input_set_abs_params(dev, ABS_MT_POSITION_Y, 0, area->height - 1, 0, 0);
	/* What the kernel makes of one finger. */
	input_set_abs_params(dev, ABS_X, 0, area->width - 1, 0, 0);
	input_set_abs_params(dev, ABS_Y, 0, area->height - 1, 0, 0);
	input_set_abs_params(dev, ABS_MT_TOUCH_MAJOR, 0, longest, 0, 0);
	input_set_abs_params(dev, ABS_MT_TOUCH_MINOR, 0, longest, 0, 0);
}

static int create_touch(struct kbdfront *kf)
{
	struct input_dev *dev = allocate(kf, "Xen Virtual Multi-touch", 0xfffd);
	int err;

	if (!dev)
		return -ENOMEM;
	input_set_capability(dev, EV_KEY, BTN_TOUCH);
	set_touch(dev, &kf->config.touch);
	input_set_abs_params(dev, ABS_MT_ORIENTATION, -180, 180, 0, 0);
	err = input_mt_init_slots(dev, kf->config.contacts, INPUT_MT_DIRECT);
	if (err) {
		input_free_device(dev);
		return err;
	}
	kf->slot = 0;
	return settle(dev, &kf->touch);
}

static void forget(struct input_dev **place)
{
	if (*place)
		input_unregister_device(*place);
	*place = NULL;
}

/* What a device can report is said once: another kind is another device. */
static void forget_what_differs(struct kbdfront *kf)
{
	const struct kbdfront_config *config = &kf->config;

	if (kf->pointer && config->pointer &&
	    test_bit(EV_ABS, kf->pointer->evbit) != config->abs)
		forget(&kf->pointer);
	if (kf->touch && config->contacts &&
	    kf->touch->mt->num_slots < config->contacts)
		forget(&kf->touch);
}

/**
 * kbdfront_devices_create() - register what the backend has and users lack
 * @kf: the set, for which no events come
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno; what was registered before stays.
 */
int kbdfront_devices_create(struct kbdfront *kf)
{
	int err = 0;

	forget_what_differs(kf);
	kbdfront_devices_follow(kf);
	if (kf->config.keyboard && !kf->keyboard)
		err = create_keyboard(kf);
	if (!err && kf->config.pointer && !kf->pointer)
		err = create_pointer(kf);
	if (!err && kf->config.contacts && !kf->touch)
		err = create_touch(kf);
	return err;
}

/**
 * kbdfront_devices_follow() - areas may have another size
 * @kf: the set, whose configuration is up to date
 *
 * Context: process.
 */
void kbdfront_devices_follow(struct kbdfront *kf)
{
	if (kf->pointer && kf->config.abs)
		set_screen(kf->pointer, &kf->config.screen);
	if (kf->touch && kf->config.contacts)
		set_touch(kf->touch, &kf->config.touch);
}

/* Fingers are none of input_reset_device()'s business. */
static void lift_fingers(struct kbdfront *kf)
{
	struct input_dev *dev = kf->touch;
	int slot;

	for (slot = 0; slot < dev->mt->num_slots; slot++) {
		input_mt_slot(dev, slot);
		input_mt_report_slot_inactive(dev);
	}
	/* Where the next events are for. */
	input_mt_slot(dev, kf->slot);
	input_mt_sync_frame(dev);
	input_sync(dev);
}

/**
 * kbdfront_devices_release() - nobody is going to let go of what is held
 * @kf: the set, for which no events come any more
 *
 * Context: process.
 */
void kbdfront_devices_release(struct kbdfront *kf)
{
	if (kf->keyboard)
		input_reset_device(kf->keyboard);
	if (kf->pointer)
		input_reset_device(kf->pointer);
	if (kf->touch)
		lift_fingers(kf);
}

/**
 * kbdfront_devices_destroy() - take them away from their users
 * @kf: the set, for which no events come any more
 *
 * Context: process; sleeps.
 */
void kbdfront_devices_destroy(struct kbdfront *kf)
{
	forget(&kf->keyboard);
	forget(&kf->pointer);
	forget(&kf->touch);
}
