// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was negotiated: the backend's keys within our bounds, and what the
 * administrator and the memory there is make of them.
 *
 * Layout: xen/interface/io/fbif.h.  The keys are described nowhere: videoram
 * is in MiB, width and height are in pixels.
 */
#include <linux/mm.h>
#include <linux/sizes.h>
#include <xen/page.h>
#include <xenfront.h>

#include "fbfront.h"

/* Room for 1920x1080. */
#define DEFAULT_MIB	8
/* What the protocol has room for by its own account. */
#define PROTOCOL_MIB	512
/* A screen may have as much of the guest's memory. */
#define SHARE		8

/* Where nothing else is said, the first that there is memory for. */
static const struct fbfront_mode defaults[] = {
	{ 1024, 768 }, { 800, 600 }, { 640, 480 }, { 512, 384 }
};

/*
 * Some keys let the backend have memory of ours.  And although the page's
 * list of directories is longer, the events' first ring begins inside it.
 */
static unsigned int most_memory(void)
{
	const size_t directories = (XENFB_IN_RING_OFFS -
				    offsetof(struct xenfb_page, pd)) /
				   sizeof(unsigned long);
	const size_t bytes = directories * XEN_PAGE_SIZE *
			     (XEN_PAGE_SIZE / sizeof(unsigned long));
	unsigned long share = totalram_pages() / SHARE >> (20 - PAGE_SHIFT);

	return clamp_t(unsigned long, share, 1, bytes / SZ_1M);
}

static unsigned int mib_for(const struct fbfront_mode *mode)
{
	return DIV_ROUND_UP(fbfront_mode_size(mode), SZ_1M);
}

/* As the backend or else the administrator has it; 0 if neither says. */
static void read_wish(struct xenbus_device *dev,
		      const struct fbfront_params *params,
		      struct fbfront_mode *mode)
{
	mode->width = xenfront_store_default(dev, "width", FBFRONT_MIN_SIDE,
					     FBFRONT_MAX_SIDE, 0);
	mode->height = xenfront_store_default(dev, "height", FBFRONT_MIN_SIDE,
					      FBFRONT_MAX_SIDE, 0);
	if (mode->width && mode->height)
		return;
	mode->width = params->width;
	mode->height = params->height;
}

/**
 * fbfront_config_read() - what the backend offers
 * @fb:		the screen, whose backend is in InitWait or later
 * @config:	filled in
 *
 * A screen that a backend did not let go of is kept: otherwise one that does so
 * again and again, and asks for another size each time, would have all of our
 * memory in the end.
 *
 * Nothing is so wrong that there would be no screen: what makes no sense is
 * named in the log, and counts as not said.
 *
 * Context: process; sleeps.
 */
void fbfront_config_read(struct fbfront *fb, struct fbfront_config *config)
{
	struct xenbus_device *dev = fb->xf.dev;
	struct fbfront_mode *mode = &config->preferred;
	struct fbfront_params params;
	unsigned int i;

	fbfront_params_read(&params);
	memset(config, 0, sizeof(*config));
	read_wish(dev, &params, mode);

	config->mib = xenfront_store_default(dev, "videoram", 1, PROTOCOL_MIB,
					     0);
	if (params.mib)
		config->mib = min_not_zero(config->mib, params.mib);
	else if (!config->mib)
		config->mib = max_t(unsigned int, DEFAULT_MIB, mib_for(mode));
	config->mib = fb->screen.abandoned ? fb->screen.size / SZ_1M :
					     min(config->mib, most_memory());

	if (mib_for(mode) > config->mib) {
		xenfront_store_blame(dev, "videoram",
				     ": %u MiB are not enough for %ux%u\n",
				     config->mib, mode->width, mode->height);
		mode->width = 0;
	}
	for (i = 0; i < ARRAY_SIZE(defaults) && !mode->width; i++)
		if (mib_for(&defaults[i]) <= config->mib)
			*mode = defaults[i];

	config->update = xenfront_store_feature(dev, "request-update");
	config->resize = xenfront_store_feature(dev, "feature-resize");
}
