// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our half of the lifecycle: what a screen does at each step of the
 * conversation with its backend.
 */
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <xen/interface/io/protocols.h>
#include <xen/page.h>
#include <xenfront.h>

#include "fbfront.h"

/*
 * The memory stays while the backends that come have as much.  Allocated
 * without the lock, as whoever frees memory for it may wait for its holder.
 */
static int make_screen(struct fbfront *fb, size_t size)
{
	struct fbfront_screen screen;
	int err;

	if (fb->screen.size == size)
		return 0;
	err = fbfront_screen_create(&screen, size);
	if (err)
		return err;

	mutex_lock(&fb->lock);
	swap(fb->screen, screen);
	fb->stale = true;
	mutex_unlock(&fb->lock);
	fbfront_screen_destroy(&screen);
	return 0;
}

static bool config_is(const struct fbfront_config *a,
		      const struct fbfront_config *b)
{
	return a->mib == b->mib && a->resize == b->resize &&
	       fbfront_mode_is(&a->preferred, &b->preferred);
}

/* What users have set, if they have and if there is memory for it. */
static void choose_mode(struct fbfront *fb, const struct fbfront_config *config)
{
	struct fbfront_mode mode = fbfront_mode_fits(fb, &fb->mode) ?
					fb->mode : config->preferred;

	if (!config_is(config, &fb->config) ||
	    (!config->resize && !fbfront_mode_is(&mode, &fb->offered)))
		fbfront_news(fb, FBFRONT_NEWS_MODES);
	fb->config = *config;
	fb->offered = mode;
}

static void fill_page(struct fbfront *fb, struct xenfb_page *page)
{
	fbfront_screen_publish(&fb->screen, page);
	page->width = fb->offered.width;
	page->height = fb->offered.height;
	page->line_length = fb->offered.width * FBFRONT_BYTES;
	page->depth = FBFRONT_DEPTH;
}

static int fbfront_offer(struct xenfront_device *xf)
{
	struct fbfront *fb = to_fbfront(xf);
	struct fbfront_config config;
	int err;

	fbfront_config_read(fb, &config);
	err = make_screen(fb, (size_t)config.mib * SZ_1M);
	if (err)
		return err;
	err = xenfront_ring_create(&fb->ring, xf->dev, 0);
	if (err)
		return err;

	mutex_lock(&fb->lock);
	choose_mode(fb, &config);
	fill_page(fb, fb->ring.pages);
	mutex_unlock(&fb->lock);

	err = xenfront_ring_bind(&fb->ring, fbfront_events_interrupt,
				 dev_name(&xf->dev->dev), fb);
	if (err) {
		xenfront_ring_destroy(&fb->ring);
		return err;
	}
	fbfront_events_start(fb);
	return 0;
}

static int fbfront_publish(struct xenfront_device *xf,
			   struct xenbus_transaction xbt)
{
	struct fbfront *fb = to_fbfront(xf);
	const char *dir = xf->dev->nodename;
	int err;

	/* From here on the backend may map it, whatever we are told. */
	fb->screen.mapped = true;
	/* The page, too, is mapped by its frame's number. */
	err = xenbus_printf(xbt, dir, "page-ref", "%lu",
			    virt_to_gfn(fb->ring.pages));
	if (!err)
		err = xenbus_printf(xbt, dir, "event-channel", "%u",
				    fb->ring.evtchn);
	if (!err)
		err = xenbus_printf(xbt, dir, "protocol", "%s",
				    XEN_IO_PROTO_ABI_NATIVE);
	if (!err)
		err = xenbus_printf(xbt, dir, "feature-update", "1");
	/* QEMU looks for its own limit here. */
	if (!err)
		err = xenbus_printf(xbt, dir, "videoram", "%u",
				    fb->config.mib);
	return err;
}

/* What it announces when it has seen what we offer. */
static void take_features(struct fbfront *fb, struct fbfront_config *config)
{
	bool redraw = config->update && !fb->events.wanted;

	mutex_lock(&fb->lock);
	/* More or less memory is for the next conversation. */
	if (!fbfront_mode_fits(fb, &config->preferred))
		config->preferred = fb->config.preferred;
	if (config->resize != fb->config.resize ||
	    !fbfront_mode_is(&config->preferred, &fb->config.preferred))
		fbfront_news(fb, FBFRONT_NEWS_MODES);
	fb->config.preferred = config->preferred;
	fb->config.update = config->update;
	fb->config.resize = config->resize;
	mutex_unlock(&fb->lock);

	fbfront_events_want(fb, config->update);
	/* What was drawn while it did not ask it may not have seen. */
	if (redraw)
		fbfront_news(fb, FBFRONT_NEWS_REDRAW);
}

static int fbfront_connect(struct xenfront_device *xf)
{
	struct fbfront *fb = to_fbfront(xf);
	struct fbfront_config config;

	fbfront_config_read(fb, &config);
	take_features(fb, &config);

	mutex_lock(&fb->lock);
	fb->ready = true;
	/* It may have been set since the page was filled. */
	if (fb->config.resize && fbfront_mode_fits(fb, &fb->mode))
		fbfront_events_resize(fb, &fb->mode);
	mutex_unlock(&fb->lock);
	fbfront_events_flush(fb);

	/* It has seen nothing yet; nor have users, if it is the first. */
	fbfront_news(fb, FBFRONT_NEWS_REDRAW);
	return 0;
}

static int fbfront_update(struct xenfront_device *xf)
{
	struct fbfront *fb = to_fbfront(xf);
	struct fbfront_config config;
	bool stale;

	fbfront_config_read(fb, &config);
	take_features(fb, &config);

	/* A mode was set that this backend can only be offered. */
	mutex_lock(&fb->lock);
	stale = !fb->config.resize && fbfront_mode_fits(fb, &fb->mode) &&
		!fbfront_mode_is(&fb->mode, &fb->offered);
	mutex_unlock(&fb->lock);
	return stale ? -ESTALE : 0;
}

static void fbfront_quiesce(struct xenfront_device *xf)
{
	fbfront_events_stop(to_fbfront(xf));
}

static int fbfront_disconnect(struct xenfront_device *xf, bool force)
{
	struct fbfront *fb = to_fbfront(xf);
	bool gone;

	fbfront_events_stop(fb);
	gone = xenfront_has_let_go(xf, force);
	if (gone) {
		xenfront_ring_destroy(&fb->ring);
	} else if (fb->screen.mapped) {
		dev_warn(&xf->dev->dev,
			 "backend %s did not let go of the screen: %zu KiB stay what they are\n",
			 xf->dev->otherend, fb->screen.size >> 10);
		xenfront_ring_abandon(&fb->ring);
		fb->screen.abandoned = true;
	}
	/* Those who had it mapped in another life do not exist in this one. */
	if (gone && test_bit(XENFRONT_F_RESUMED, &xf->flags))
		fb->screen.abandoned = false;
	fb->screen.mapped = false;
	return 0;
}

static void fbfront_closed(struct xenfront_device *xf)
{
	struct fbfront *fb = to_fbfront(xf);

	mutex_lock(&fb->lock);
	fb->dead = true;
	mutex_unlock(&fb->lock);
	fbfront_news(fb, FBFRONT_NEWS_MODES);
}

static void fbfront_show(struct xenfront_device *xf, struct seq_file *m)
{
	struct fbfront *fb = to_fbfront(xf);
	const struct fbfront_events *events = &fb->events;
	const struct fbfront_config *config = &fb->config;

	mutex_lock(&fb->lock);
	seq_printf(m, "memory: %u MiB\n", config->mib);
	seq_printf(m, "preferred: %ux%u\n", config->preferred.width,
		   config->preferred.height);
	seq_printf(m, "offered: %ux%u\n", fb->offered.width,
		   fb->offered.height);
	seq_printf(m, "mode: %ux%u\n", fb->mode.width, fb->mode.height);
	seq_printf(m, "request-update: %d\n", config->update);
	seq_printf(m, "feature-resize: %d\n", config->resize);
	seq_printf(m, "watched: %d\n", READ_ONCE(events->watched));
	seq_printf(m, "updates: %llu merged: %llu resizes: %llu\n",
		   events->updates, events->merged, events->resizes);
	seq_printf(m, "unknown events: %llu\n", events->unknown);
	mutex_unlock(&fb->lock);
}

const struct xenfront_ops fbfront_lifecycle_ops = {
	.watch		= true,
	.offer		= fbfront_offer,
	.publish	= fbfront_publish,
	.connect	= fbfront_connect,
	.update		= fbfront_update,
	.quiesce	= fbfront_quiesce,
	.disconnect	= fbfront_disconnect,
	.closed		= fbfront_closed,
	.show		= fbfront_show,
};
