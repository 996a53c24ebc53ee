/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BLKFRONT_VDEV_H
#define _BLKFRONT_VDEV_H

#include <linux/blkdev.h>
#include <linux/types.h>

/**
 * struct blkfront_vdev - what a virtual device number means
 * @number:	as the toolstack wrote it, and the ring protocol's handle
 * @minor:	first minor of major 202
 * @minors:	how many: the disk and its partitions, or 1 for a partition
 *		that is given as a disk
 * @foreign:	the number is an hdX or sdX one, not one of xvdX
 * @name:	xvda, xvda1, xvdq ...
 */
struct blkfront_vdev {
	unsigned int number;
	unsigned int minor;
	unsigned int minors;
	bool foreign;
	char name[DISK_NAME_LEN];
};

int blkfront_vdev_parse(unsigned int number, struct blkfront_vdev *vdev);
int blkfront_vdev_reserve(const struct blkfront_vdev *vdev);
void blkfront_vdev_release(const struct blkfront_vdev *vdev);
void blkfront_vdev_exit(void);

#endif /* _BLKFRONT_VDEV_H */
