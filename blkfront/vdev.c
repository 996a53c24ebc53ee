// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual device numbers: which name and which minors a disk gets.
 *
 * xen-vbd-interface(7) in Xen's documentation defines the numbers:
 *
 *	1 << 28 | disk << 8 | partition		xvd, up to 1 << 20 disks
 *	202 << 8 | disk << 4 | partition	xvda ... xvdp
 *	8 << 8 | disk << 4 | partition		sda ... sdp
 *	3 << 8 | disk << 6 | partition		hda, hdb
 *	22 << 8 | (disk - 2) << 6 | partition	hdc, hdd
 *
 * hdX and sdX are legacy names for the same disks: they appear as xvdX.
 */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/kdev_t.h>
#include <linux/major.h>
#include <linux/math.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "vdev.h"

#define EXTENDED		BIT(28)
#define EXTENDED_MINORS		256
#define CLASSIC_MINORS		16
#define CLASSIC_DISKS		16
#define IDE_MINORS		64

/* Linux' own names for the IDE majors, two disks each, in hdX order. */
static const u8 ide_majors[] = {
	IDE0_MAJOR, IDE1_MAJOR, IDE2_MAJOR, IDE3_MAJOR, IDE4_MAJOR,
	IDE5_MAJOR, IDE6_MAJOR, IDE7_MAJOR, IDE8_MAJOR, IDE9_MAJOR,
};

/* The SCSI majors, sixteen disks each, in sdX order. */
static const u8 scsi_majors[] = {
	SCSI_DISK0_MAJOR, SCSI_DISK1_MAJOR, SCSI_DISK2_MAJOR,
	SCSI_DISK3_MAJOR, SCSI_DISK4_MAJOR, SCSI_DISK5_MAJOR,
	SCSI_DISK6_MAJOR, SCSI_DISK7_MAJOR, SCSI_DISK8_MAJOR,
	SCSI_DISK9_MAJOR, SCSI_DISK10_MAJOR, SCSI_DISK11_MAJOR,
	SCSI_DISK12_MAJOR, SCSI_DISK13_MAJOR, SCSI_DISK14_MAJOR,
	SCSI_DISK15_MAJOR,
};

/* Which minors are taken, so that hda and xvda of one guest do not collide. */
static DEFINE_SPINLOCK(minors_lock);
static unsigned long *minors_used;	/* guarded by minors_lock */
static unsigned int minors_size;	/* in bits; guarded by minors_lock */

static int find(const u8 *majors, unsigned int nr, unsigned int major)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (majors[i] == major)
			return i;
	return -1;
}

/* a ... z, aa ... zz, aaa ...: the way sd and xvd count. */
static void write_name(char *name, unsigned int disk, unsigned int partition)
{
	char letters[8], *p = letters + sizeof(letters) - 1;

	*p = '\0';
	do {
		*--p = 'a' + disk % 26;
		disk /= 26;
	} while (disk-- > 0);

	if (partition)
		snprintf(name, DISK_NAME_LEN, "xvd%s%u", p, partition);
	else
		snprintf(name, DISK_NAME_LEN, "xvd%s", p);
}

/**
 * blkfront_vdev_parse() - understand a virtual device number
 * @number:	from the device's xenstore directory
 * @vdev:	filled in
 *
 * Return: 0, or -ENODEV for a number of no known kind.
 */
int blkfront_vdev_parse(unsigned int number, struct blkfront_vdev *vdev)
{
	unsigned int major = number >> 8, minor = number & 0xff;
	unsigned int disk, partition, minors;
	int ide = find(ide_majors, ARRAY_SIZE(ide_majors), major);
	int scsi = find(scsi_majors, ARRAY_SIZE(scsi_majors), major);
	bool extended = number & EXTENDED;

	vdev->number = number;
	vdev->foreign = !extended && major != XENVBD_MAJOR;
	if (extended) {
		disk = (number & ~EXTENDED) >> 8;
		partition = number & 0xff;
	} else if (major == XENVBD_MAJOR) {
		disk = minor / CLASSIC_MINORS;
		partition = minor % CLASSIC_MINORS;
	} else if (ide >= 0) {
		disk = ide * 2 + minor / IDE_MINORS;
		partition = minor % IDE_MINORS;
	} else if (scsi >= 0) {
		disk = scsi * 16 + minor / CLASSIC_MINORS;
		partition = minor % CLASSIC_MINORS;
	} else {
		return -ENODEV;
	}

	/*
	 * Minors follow the name, whatever kind of number it came from: the
	 * first sixteen disks have sixteen each, as they always had, and
	 * those behind them 256.
	 */
	minors = extended || disk >= CLASSIC_DISKS ? EXTENDED_MINORS :
						     CLASSIC_MINORS;
	if (partition >= minors || disk >= (1U << MINORBITS) / minors)
		return -ENODEV;
	vdev->minor = disk * minors + partition;
	vdev->minors = partition ? 1 : minors;
	write_name(vdev->name, disk, partition);
	return 0;
}

static int grow(unsigned int size)
{
	unsigned long *fresh, *old;

	size = roundup(size, 256);
	fresh = bitmap_zalloc(size, GFP_KERNEL);
	if (!fresh)
		return -ENOMEM;

	spin_lock(&minors_lock);
	old = fresh;
	if (size > minors_size) {
		old = minors_used;
		if (old)
			bitmap_copy(fresh, old, minors_size);
		minors_used = fresh;
		minors_size = size;
	}
	spin_unlock(&minors_lock);
	bitmap_free(old);
	return 0;
}

/**
 * blkfront_vdev_reserve() - take a device's minors
 * @vdev: the device
 *
 * Context: process; sleeps.
 * Return: 0, -EBUSY if another disk has one of them, or -ENOMEM.
 */
int blkfront_vdev_reserve(const struct blkfront_vdev *vdev)
{
	unsigned int end = vdev->minor + vdev->minors;
	int err;

	err = grow(end);
	if (err)
		return err;

	spin_lock(&minors_lock);
	if (find_next_bit(minors_used, end, vdev->minor) < end)
		err = -EBUSY;
	else
		bitmap_set(minors_used, vdev->minor, vdev->minors);
	spin_unlock(&minors_lock);
	return err;
}

/**
 * blkfront_vdev_release() - give a device's minors back
 * @vdev: the device
 *
 * Context: process.
 */
void blkfront_vdev_release(const struct blkfront_vdev *vdev)
{
	spin_lock(&minors_lock);
	bitmap_clear(minors_used, vdev->minor, vdev->minors);
	spin_unlock(&minors_lock);
}

/**
 * blkfront_vdev_exit() - forget all minors, when the module goes
 *
 * Context: process; every device has been released.
 */
void blkfront_vdev_exit(void)
{
	bitmap_free(minors_used);
}
