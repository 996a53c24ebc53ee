// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gendisk: what users see of a virtual block device.
 */
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/cdrom.h>
#include <linux/hdreg.h>
#include <linux/major.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <xenfront.h>

#include "blkfront.h"

/* Xen's disks have no geometry; this is the one everybody makes up. */
DEFINE_BLKDEV_GETGEO(blkfront_getgeo)
{
	sector_t cylinders = get_capacity(disk);

	geo->heads = 255;
	geo->sectors = 63;
	sector_div(cylinders, geo->heads * geo->sectors);
	geo->cylinders = min_t(sector_t, cylinders, USHRT_MAX);
	return 0;
}

static int blkfront_ioctl(struct block_device *bdev, blk_mode_t mode,
			  unsigned int cmd, unsigned long arg)
{
	struct blkfront *bf = bdev->bd_disk->private_data;

	/* What programs ask to find out whether it is a CD. */
	if (!(READ_ONCE(bf->config.info) & VDISK_CDROM))
		return -ENOTTY;

	switch (cmd) {
	case CDROM_GET_CAPABILITY:
		return 0;
	case CDROMMULTISESSION:
		/* One session, which starts at sector 0. */
		return clear_user((void __user *)arg,
				  sizeof(struct cdrom_multisession)) ?
			-EFAULT : 0;
	default:
		return -ENOTTY;
	}
}

static int blkfront_set_read_only(struct block_device *bdev, bool ro)
{
	struct blkfront *bf = bdev->bd_disk->private_data;

	/* Only the backend's administrator can make it writable. */
	if (!ro && READ_ONCE(bf->config.info) & VDISK_READONLY)
		return -EACCES;
	return 0;
}

static unsigned int blkfront_check_events(struct gendisk *disk,
					  unsigned int clearing)
{
	struct blkfront *bf = disk->private_data;

	return test_and_clear_bit(0, &bf->media_changed) ?
		DISK_EVENT_MEDIA_CHANGE : 0;
}

/* The last one who had it open is gone. */
static void blkfront_free_disk(struct gendisk *disk)
{
	kfree(disk->private_data);
}

static const struct block_device_operations disk_ops = {
	.owner		= THIS_MODULE,
	.getgeo		= blkfront_getgeo,
	.ioctl		= blkfront_ioctl,
	.compat_ioctl	= blkdev_compat_ptr_ioctl,
	.set_read_only	= blkfront_set_read_only,
	.check_events	= blkfront_check_events,
	.free_disk	= blkfront_free_disk,
};

static void set_limits(struct blkfront *bf, struct queue_limits *lim)
{
	const struct blkfront_config *config = &bf->config;

	lim->logical_block_size = config->logical;
	lim->physical_block_size = config->physical;
	lim->max_hw_sectors = config->max_segments *
			      (XEN_PAGE_SIZE / SECTOR_SIZE);
	/*
	 * Contiguous pages may come as one segment: data.c cuts them up.
	 * Should that give more pieces than the backend takes, the rest goes
	 * in a second turn.
	 */
	lim->max_segments = config->max_segments;
	lim->max_segment_size = config->max_segments * XEN_PAGE_SIZE;
	lim->seg_boundary_mask = BLK_SEG_BOUNDARY_MASK;
	/* The protocol counts in sectors within a page. */
	lim->dma_alignment = SECTOR_SIZE - 1;

	lim->max_hw_discard_sectors = 0;
	lim->max_secure_erase_sectors = 0;
	lim->discard_granularity = 0;
	lim->discard_alignment = 0;
	if (blkfront_has_discard(bf)) {
		/* A request's length in bytes has 32 bits. */
		lim->max_hw_discard_sectors =
			round_down(UINT_MAX, config->logical) >> SECTOR_SHIFT;
		lim->discard_granularity = config->discard_granularity;
		lim->discard_alignment = config->discard_alignment;
	}
	if (blkfront_has_secure_erase(bf))
		lim->max_secure_erase_sectors = lim->max_hw_discard_sectors;

	lim->features &= ~(BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA);
	if (blkfront_has_cache(bf))
		lim->features |= BLK_FEAT_WRITE_CACHE;
	if (blkfront_has_barrier(bf) && !blkfront_has_flush(bf))
		lim->features |= BLK_FEAT_FUA;
}

static bool removable(const struct blkfront *bf)
{
	return bf->config.info & (VDISK_CDROM | VDISK_REMOVABLE);
}

/**
 * blkfront_disk_create() - make the gendisk; it is not registered yet
 * @bf: the disk, with its queues
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno with nothing left behind.
 */
int blkfront_disk_create(struct blkfront *bf)
{
	struct queue_limits lim = {};
	struct gendisk *disk;

	set_limits(bf, &lim);
	disk = blk_mq_alloc_disk(&bf->tags, &lim, bf);
	if (IS_ERR(disk))
		return PTR_ERR(disk);

	disk->major = XENVBD_MAJOR;
	disk->first_minor = bf->vdev.minor;
	disk->minors = bf->vdev.minors;
	disk->fops = &disk_ops;
	disk->private_data = bf;
	strscpy(disk->disk_name, bf->vdev.name, sizeof(disk->disk_name));
	if (removable(bf)) {
		disk->flags |= GENHD_FL_REMOVABLE;
		disk->events = DISK_EVENT_MEDIA_CHANGE;
	}
	/* A partition given as a disk has none of its own. */
	if (bf->vdev.minors == 1)
		disk->flags |= GENHD_FL_NO_PART;
	set_capacity(disk, bf->config.sectors);
	set_disk_ro(disk, bf->config.info & VDISK_READONLY);
	bf->disk = disk;
	return 0;
}

static void add_disk_now(struct blkfront *bf)
{
	struct device *parent = &bf->xf.dev->dev;
	int err;

	err = device_add_disk(parent, bf->disk, blkfront_disk_attr_groups);
	if (err) {
		dev_err(parent, "cannot add disk %s: %d\n", bf->vdev.name,
			err);
		/* The block layer knows no second attempt. */
		bf->refused = true;
	} else {
		WRITE_ONCE(bf->added, true);
		dev_info(parent,
			 "%s: %llu sectors, %u rings of %u slots, %u segments, %s%s%s%s\n",
			 bf->vdev.name, bf->config.sectors, bf->shape.nr_rings,
			 blkfront_ring_depth(bf->shape.ring_order),
			 bf->config.max_segments,
			 bf->config.persistent ? "persistent grants" :
			 bf->config.bounce ? "bounced" : "zero-copy",
			 blkfront_has_cache(bf) ? ", flush" : "",
			 blkfront_has_discard(bf) ? ", discard" : "",
			 bf->config.info & VDISK_READONLY ? ", read-only" : "");
	}
	WRITE_ONCE(bf->ready, true);
}

static void update_limits(struct blkfront *bf)
{
	struct queue_limits lim;

	lim = queue_limits_start_update(bf->disk->queue);
	set_limits(bf, &lim);
	/* What users chose to have smaller stays smaller. */
	if (queue_limits_commit_update_frozen(bf->disk->queue, &lim))
		dev_warn(&bf->xf.dev->dev, "%s: new limits were refused\n",
			 bf->vdev.name);
}

static void update_size(struct blkfront *bf)
{
	u64 sectors = READ_ONCE(bf->config.sectors);
	bool ro = READ_ONCE(bf->config.info) & VDISK_READONLY;
	u64 old = get_capacity(bf->disk);

	if (get_disk_ro(bf->disk) != ro)
		set_disk_ro(bf->disk, ro);
	if (old == sectors)
		return;

	dev_info(&bf->xf.dev->dev, "%s: %llu sectors became %llu\n",
		 bf->vdev.name, old, sectors);
	if (removable(bf))
		set_bit(0, &bf->media_changed);
	/* Sends the RESIZE uevent, and logs like other disks do. */
	set_capacity_and_notify(bf->disk, sectors);
}

/**
 * blkfront_disk_update() - bring the gendisk in line with the negotiation
 * @work: &blkfront.disk_work
 *
 * Apart from the lifecycle, because all of this may wait for I/O: reading the
 * partition table, draining the queue for new limits.
 *
 * Context: process; sleeps.
 */
void blkfront_disk_update(struct work_struct *work)
{
	struct blkfront *bf = container_of(work, struct blkfront, disk_work);

	if (READ_ONCE(bf->dead) || READ_ONCE(bf->removing))
		return;
	if (!bf->added) {
		if (!bf->refused)
			add_disk_now(bf);
		return;
	}
	update_limits(bf);
	update_size(bf);
}

/**
 * blkfront_disk_remove() - unregister the gendisk
 * @bf: the disk; I/O either works or fails at once
 *
 * Context: process; sleeps; writes back what is dirty.
 * Return: whether it was registered.
 */
bool blkfront_disk_remove(struct blkfront *bf)
{
	bool registered;

	/* Steps go on and may queue it again: it finds nothing to do then. */
	WRITE_ONCE(bf->removing, true);
	cancel_work_sync(&bf->disk_work);
	registered = bf->added;
	if (registered)
		del_gendisk(bf->disk);
	WRITE_ONCE(bf->unregistered, true);
	WRITE_ONCE(bf->added, false);
	return registered;
}
