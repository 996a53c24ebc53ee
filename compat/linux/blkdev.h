/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_LINUX_BLKDEV_H
#define _COMPAT_LINUX_BLKDEV_H

#include_next <linux/blkdev.h>
#include <linux/version.h>

/* Since 6.5 a block device is opened with a type of its own. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
typedef fmode_t blk_mode_t;
#endif

/* Since 6.18 geometry is asked of the disk, before of the block device. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define DEFINE_BLKDEV_GETGEO(name)					\
	static int name##_disk(struct gendisk *disk,			\
			       struct hd_geometry *geo);		\
	static int name(struct block_device *bdev,			\
			struct hd_geometry *geo)			\
	{								\
		return name##_disk(bdev->bd_disk, geo);			\
	}								\
	static int name##_disk(struct gendisk *disk,			\
			       struct hd_geometry *geo)
#else
#define DEFINE_BLKDEV_GETGEO(name)					\
	static int name(struct gendisk *disk, struct hd_geometry *geo)
#endif

/*
 * Since 6.11 all of a queue's properties are in its limits, which are set when
 * it is made and changed as a whole.  Before, there was a function for each.
 * The structure here has the members that our drivers use, and is translated.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
#define BLK_FEAT_WRITE_CACHE	BIT(0)
#define BLK_FEAT_FUA		BIT(1)

struct compat_queue_limits {
	unsigned int features;
	unsigned int logical_block_size;
	unsigned int physical_block_size;
	unsigned int max_hw_sectors;
	unsigned short max_segments;
	unsigned int max_segment_size;
	unsigned long seg_boundary_mask;
	unsigned int dma_alignment;
	unsigned int max_hw_discard_sectors;
	unsigned int max_secure_erase_sectors;
	unsigned int discard_granularity;
	unsigned int discard_alignment;
};

static inline void compat_apply_limits(struct request_queue *q,
				       const struct compat_queue_limits *lim)
{
	blk_queue_logical_block_size(q, lim->logical_block_size);
	blk_queue_physical_block_size(q, lim->physical_block_size);
	blk_queue_max_hw_sectors(q, lim->max_hw_sectors);
	blk_queue_max_segments(q, lim->max_segments);
	blk_queue_max_segment_size(q, lim->max_segment_size);
	blk_queue_segment_boundary(q, lim->seg_boundary_mask);
	blk_queue_dma_alignment(q, lim->dma_alignment);
	blk_queue_max_discard_sectors(q, lim->max_hw_discard_sectors);
	blk_queue_max_secure_erase_sectors(q, lim->max_secure_erase_sectors);
	q->limits.discard_granularity = lim->discard_granularity;
	q->limits.discard_alignment = lim->discard_alignment;
	blk_queue_write_cache(q, lim->features & BLK_FEAT_WRITE_CACHE,
			      lim->features & BLK_FEAT_FUA);
	/* Later kernels say BLK_FEAT_ROTATIONAL where it is so. */
	blk_queue_flag_set(QUEUE_FLAG_NONROT, q);
}

/* The caller sets all members, so there is nothing to read back. */
static inline struct compat_queue_limits
queue_limits_start_update(struct request_queue *q)
{
	return (struct compat_queue_limits){};
}

void blk_mq_freeze_queue(struct request_queue *q);
void blk_mq_unfreeze_queue(struct request_queue *q);

static inline int
queue_limits_commit_update_frozen(struct request_queue *q,
				  const struct compat_queue_limits *lim)
{
	blk_mq_freeze_queue(q);
	compat_apply_limits(q, lim);
	blk_mq_unfreeze_queue(q);
	return 0;
}

#define queue_limits compat_queue_limits
#endif

#endif /* _COMPAT_LINUX_BLKDEV_H */
