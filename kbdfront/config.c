// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was negotiated: the backend's keys within our bounds.
 *
 * Keys and their meaning: xen/interface/io/kbdif.h.
 */
#include <linux/limits.h>
#include <xenfront.h>

#include "kbdfront.h"

#define RAW_RANGE	0x8000
#define MAX_CONTACTS	U8_MAX

static void read_area(struct xenbus_device *dev, const char *width,
		      const char *height, struct kbdfront_area *area)
{
	kbdfront_default_area(area);
	area->width = xenfront_store_default(dev, width, 1, KBDFRONT_MAX_SIDE,
					     area->width);
	area->height = xenfront_store_default(dev, height, 1, KBDFRONT_MAX_SIDE,
					      area->height);
}

/**
 * kbdfront_config_read() - what the backend offers
 * @dev:	the device, whose backend is in InitWait or later
 * @config:	filled in
 *
 * Nothing is so wrong that there would be no device: what makes no sense is
 * named in the log, and counts as not said.
 *
 * Context: process; sleeps.
 */
void kbdfront_config_read(struct xenbus_device *dev,
			  struct kbdfront_config *config)
{
	memset(config, 0, sizeof(*config));
	config->keyboard = !xenfront_store_feature(dev,
					XENKBD_FIELD_FEAT_DSBL_KEYBRD);
	config->pointer = !xenfront_store_feature(dev,
					XENKBD_FIELD_FEAT_DSBL_POINTER);
	config->abs = config->pointer &&
		xenfront_store_feature(dev, XENKBD_FIELD_FEAT_ABS_POINTER);
	config->raw = config->abs &&
		xenfront_store_feature(dev, XENKBD_FIELD_FEAT_RAW_POINTER);
	if (config->raw)
		config->screen = (struct kbdfront_area) {
			.width = RAW_RANGE, .height = RAW_RANGE,
		};
	else if (config->abs)
		read_area(dev, XENKBD_FIELD_WIDTH, XENKBD_FIELD_HEIGHT,
			  &config->screen);

	if (!xenfront_store_feature(dev, XENKBD_FIELD_FEAT_MTOUCH))
		return;
	config->contacts = xenfront_store_default(dev,
						  XENKBD_FIELD_MT_NUM_CONTACTS,
						  1, MAX_CONTACTS, 1);
	read_area(dev, XENKBD_FIELD_MT_WIDTH, XENKBD_FIELD_MT_HEIGHT,
		  &config->touch);
}
