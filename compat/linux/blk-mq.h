/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_LINUX_BLK_MQ_H
#define _COMPAT_LINUX_BLK_MQ_H

#include <linux/blkdev.h>
#include_next <linux/blk-mq.h>
#include <linux/version.h>

/* Since 6.14 requests are always merged unless a driver says otherwise. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
static inline int compat_alloc_tag_set(struct blk_mq_tag_set *set)
{
	set->flags |= BLK_MQ_F_SHOULD_MERGE;
	return blk_mq_alloc_tag_set(set);
}

#define blk_mq_alloc_tag_set(set)	compat_alloc_tag_set(set)
#endif

/* Since 6.9 a disk is made with its limits. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
static inline struct gendisk *
compat_alloc_disk(struct gendisk *disk, const struct queue_limits *lim)
{
	if (!IS_ERR(disk))
		compat_apply_limits(disk->queue, lim);
	return disk;
}

#undef blk_mq_alloc_disk
#define blk_mq_alloc_disk(set, lim, queuedata)				\
({									\
	static struct lock_class_key __key;				\
									\
	compat_alloc_disk(__blk_mq_alloc_disk(set, queuedata, &__key),	\
			  lim);						\
})
#endif

#endif /* _COMPAT_LINUX_BLK_MQ_H */
