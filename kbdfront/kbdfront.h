/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xen-kbdfront: Xen's virtual keyboard, pointer and touch screen.
 *
 *	main.c		module, probe, remove
 *	config.c	what was negotiated
 *	connect.c	our half of the lifecycle
 *	devices.c	the input devices that users see
 *	events.c	what the backend reports, checked
 */
#ifndef _KBDFRONT_H
#define _KBDFRONT_H

#include <linux/atomic.h>
#include <linux/input.h>
#include <linux/types.h>
#include <xen/interface/io/kbdif.h>
#include <xenfront.h>

/* More than any screen has. */
#define KBDFRONT_MAX_SIDE	S16_MAX

/**
 * struct kbdfront_area - what coordinates mean
 * @width:	the largest x is one less
 * @height:	the largest y is one less
 */
struct kbdfront_area {
	unsigned int width;
	unsigned int height;
};

/**
 * struct kbdfront_config - what was negotiated; constant while connected
 * @keyboard:	there is one
 * @pointer:	there is one
 * @abs:	it reports where it is, and not how far it moved
 * @raw:	it does so in its own coordinates, not in pixels
 * @screen:	of an absolute pointer
 * @contacts:	how many fingers the touch screen tells apart; 0: there is none
 * @touch:	its area
 */
struct kbdfront_config {
	bool keyboard;
	bool pointer;
	bool abs;
	bool raw;
	struct kbdfront_area screen;
	unsigned int contacts;
	struct kbdfront_area touch;
};

/* What the backend said that made no sense, and was passed over. */
enum kbdfront_oddity {
	KBDFRONT_ODD_TYPE,
	KBDFRONT_ODD_KEY,
	KBDFRONT_ODD_CONTACT,
	KBDFRONT_ODDITIES
};

/**
 * struct kbdfront - one virtual set of input devices
 * @xf:		the conversation with the backend
 * @config:	see there
 * @ring:	the page with both rings; made and destroyed by the lifecycle
 * @consumed:	events taken; our own copy, of which the backend gets one.
 *		Written by the handler, and by the lifecycle while there is none
 * @keyboard:	registered by the first connect that needs it, as the others;
 *		they stay until the device goes, whatever backends come
 * @pointer:	relative or absolute
 * @touch:	the touch screen
 * @slot:	the contact that events are for; the handler's alone
 * @events:	how many there were
 * @odd:	how many of them were not understood, by kind
 * @phys:	where the devices are, for users
 */
struct kbdfront {
	struct xenfront_device xf;
	struct kbdfront_config config;
	struct xenfront_ring ring;
	u32 consumed;
	struct input_dev *keyboard;
	struct input_dev *pointer;
	struct input_dev *touch;
	int slot;
	atomic64_t events;
	atomic_t odd[KBDFRONT_ODDITIES];
	char phys[32];
};

static inline struct kbdfront *to_kbdfront(struct xenfront_device *xf)
{
	return container_of(xf, struct kbdfront, xf);
}

extern const struct xenfront_ops kbdfront_lifecycle_ops;

void kbdfront_default_area(struct kbdfront_area *area);
void kbdfront_config_read(struct xenbus_device *dev,
			  struct kbdfront_config *config);

int kbdfront_devices_create(struct kbdfront *kf);
void kbdfront_devices_follow(struct kbdfront *kf);
void kbdfront_devices_release(struct kbdfront *kf);
void kbdfront_devices_destroy(struct kbdfront *kf);

irqreturn_t kbdfront_interrupt(int irq, void *data);

#endif
