// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was negotiated: the backend's keys within our bounds.
 *
 * Keys and their meaning: xen/interface/io/blkif.h, and Xen's public
 * io/blkif.h for those that Linux' copy does not describe.
 */
#include <linux/cpumask.h>
#include <linux/log2.h>
#include <linux/string.h>
#include <xenfront.h>

#include "blkfront.h"

/* A disk's rings share this many slots unless a parameter says otherwise. */
#define SLOTS_FOR_ALL	1024

/* The largest disk that Linux can address, in sectors. */
#define MAX_SECTORS	(LLONG_MAX >> SECTOR_SHIFT)

static unsigned int auto_order(unsigned int nr_rings)
{
	unsigned int order = XENFRONT_RING_MAX_ORDER;

	while (order && blkfront_ring_depth(order) * nr_rings > SLOTS_FOR_ALL)
		order--;
	return order;
}

/**
 * blkfront_shape_read() - how many rings of which size
 * @dev:	the device, whose backend is in InitWait
 * @params:	the limits set by the user
 * @shape:	filled in
 *
 * Without a parameter, rings get smaller as they get more: queue depth beyond
 * what a backend works on at a time only costs memory.
 *
 * Context: process; sleeps.
 */
void blkfront_shape_read(struct xenbus_device *dev,
			 const struct blkfront_params *params,
			 struct blkfront_shape *shape)
{
	unsigned int queues, order, wanted;

	queues = xenfront_store_default(dev, "multi-queue-max-queues", 1,
					UINT_MAX, 1);
	shape->multi_queue = queues > 1;
	shape->nr_rings = min3(queues, params->max_queues, num_online_cpus());

	order = xenfront_store_default(dev, "max-ring-page-order", 0,
				       UINT_MAX, 0);
	shape->multi_page = order > 0;
	wanted = params->max_ring_order < 0 ? auto_order(shape->nr_rings) :
					      params->max_ring_order;
	shape->ring_order = min(order, wanted);
}

static int read_geometry(struct xenbus_device *dev,
			 struct blkfront_config *config)
{
	u64 sectors, size, info;
	int err;

	err = xenfront_store_get(dev, "sectors", 0, MAX_SECTORS, &sectors);
	if (err)
		return err;
	err = xenfront_store_get(dev, "info", 0, UINT_MAX, &info);
	if (err)
		return err;
	err = xenfront_store_get(dev, "sector-size", SECTOR_SIZE, PAGE_SIZE,
				 &size);
	if (err)
		return err;
	if (!is_power_of_2(size)) {
		xenfront_store_blame(dev, "sector-size",
				     ": %llu is not a power of two\n", size);
		return -EINVAL;
	}
	config->sectors = sectors;
	config->info = info;
	config->logical = size;

	size = xenfront_store_default(dev, "physical-sector-size",
				      config->logical, SZ_1G, config->logical);
	if (!is_power_of_2(size)) {
		xenfront_store_blame(dev, "physical-sector-size",
				     ": %llu is not a power of two, using %u\n",
				     size, config->logical);
		size = config->logical;
	}
	config->physical = size;
	return 0;
}

static void read_discard(struct xenbus_device *dev,
			 struct blkfront_config *config)
{
	u64 granularity, alignment;

	config->discard = xenfront_store_feature(dev, "feature-discard");
	if (!config->discard)
		return;

	config->secure_erase = xenfront_store_feature(dev, "discard-secure");
	granularity = xenfront_store_default(dev, "discard-granularity", 0,
					     SZ_1G, 0) ?: config->physical;
	if (!is_power_of_2(granularity) || granularity < config->logical) {
		xenfront_store_blame(dev, "discard-granularity",
				     ": %llu is not a power of two from %u on, using %u\n",
				     granularity, config->logical,
				     config->physical);
		granularity = config->physical;
	}
	alignment = xenfront_store_default(dev, "discard-alignment", 0, SZ_1G,
					   0);
	if (alignment >= granularity || alignment % config->logical) {
		xenfront_store_blame(dev, "discard-alignment",
				     ": %llu is no offset of sectors in %llu bytes, using 0\n",
				     alignment, granularity);
		alignment = 0;
	}
	config->discard_granularity = granularity;
	config->discard_alignment = alignment;
}

/* Without the key the backend takes what fits into a ring's slot. */
static unsigned int read_max_segments(struct xenbus_device *dev,
				      const struct blkfront_params *params)
{
	unsigned int indirect;

	indirect = xenfront_store_default(dev, "feature-max-indirect-segments",
					  0, UINT_MAX, 0);
	indirect = min3(indirect, params->max_segments,
			(unsigned int)(BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST *
				       BLKFRONT_SEGS_PER_PAGE));
	return max_t(unsigned int, indirect, BLKIF_MAX_SEGMENTS_PER_REQUEST);
}

/**
 * blkfront_config_read() - what the connected backend announces
 * @dev:	the device, whose backend is Connected
 * @params:	the limits set by the user
 * @config:	filled in; not to be used after an error
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno after a line that names the key.
 */
int blkfront_config_read(struct xenbus_device *dev,
			 const struct blkfront_params *params,
			 struct blkfront_config *config)
{
	int err;

	memset(config, 0, sizeof(*config));
	err = read_geometry(dev, config);
	if (err)
		return err;

	config->flush = xenfront_store_feature(dev, "feature-flush-cache");
	config->barrier = xenfront_store_feature(dev, "feature-barrier");
	read_discard(dev, config);
	config->max_segments = read_max_segments(dev, params);

	/*
	 * The protocol has no way to tell a grant that the backend may keep
	 * from one that it must give back, so with persistent grants all data
	 * goes through pages of ours.  So it does if the backend is not to
	 * see what else is in the block layer's pages (XSA-403).
	 */
	config->persistent = params->persistent &&
		xenfront_store_feature(dev, "feature-persistent");
	config->bounce = config->persistent || !params->trusted ||
		!xenbus_read_unsigned(dev->nodename, "trusted", 1);
	return 0;
}
