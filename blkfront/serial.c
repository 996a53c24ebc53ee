// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk's serial number, where the backend tells one.
 *
 * XenServer and XCP-ng describe their disks as a SCSI disk would: the backend
 * key sm-data/scsi/0x12/0x80 is the answer to INQUIRY (0x12) for the vital
 * product data page 0x80, the unit's serial number, in base64.  It is shown
 * where virtio_blk has its own: /sys/block/xvda/serial.
 */
#include <linux/base64.h>
#include <linux/blkdev.h>
#include <linux/ctype.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <xenfront.h>

#include "blkfront.h"

#define KEY		"sm-data/scsi/0x12/0x80"
#define VPD_HEADER	4	/* device type, page code, length (two bytes) */
#define VPD_SERIAL	0x80

/* Copies what is printable of a VPD page; false if it is no such page. */
static bool copy_serial(const u8 *page, int len, char *serial, size_t size)
{
	size_t i, n, out = 0;
	char *start;

	if (len < VPD_HEADER || page[1] != VPD_SERIAL)
		return false;
	n = min_t(size_t, page[2] << 8 | page[3], len - VPD_HEADER);
	for (i = 0; i < n && out < size - 1; i++)
		if (isascii(page[VPD_HEADER + i]) &&
		    isprint(page[VPD_HEADER + i]))
			serial[out++] = page[VPD_HEADER + i];
	serial[out] = '\0';
	/* Padded on either side, as SCSI disks like to. */
	start = skip_spaces(strim(serial));
	memmove(serial, start, strlen(start) + 1);
	return true;
}

/**
 * blkfront_serial_read() - ask the backend for a serial number
 * @dev:	the device, whose backend is Connected
 * @serial:	for the text; empty if there is none
 * @size:	of @serial
 *
 * Context: process; sleeps.
 */
void blkfront_serial_read(struct xenbus_device *dev, char *serial, size_t size)
{
	unsigned int len;
	char *text;
	u8 *page;
	int n;

	serial[0] = '\0';
	text = xenbus_read(XBT_NIL, dev->otherend, KEY, &len);
	if (IS_ERR(text))
		return;

	/* Decoding makes it shorter. */
	page = kmalloc(len + 1, GFP_KERNEL);
	if (page) {
		n = base64_decode(text, len, page, true, BASE64_STD);
		if (n < 0 || !copy_serial(page, n, serial, size))
			xenfront_store_blame(dev, KEY,
					     " is not a serial number's page\n");
		kfree(page);
	}
	kfree(text);
}

static ssize_t serial_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	struct blkfront *bf = dev_to_disk(dev)->private_data;

	return sysfs_emit(buf, "%s\n", bf->serial);
}
static DEVICE_ATTR_RO(serial);

static struct attribute *disk_attrs[] = {
	&dev_attr_serial.attr,
	NULL
};

static umode_t disk_attr_visible(struct kobject *kobj, struct attribute *attr,
				 int n)
{
	struct blkfront *bf = dev_to_disk(kobj_to_dev(kobj))->private_data;

	return bf->serial[0] ? attr->mode : 0;
}

static const struct attribute_group disk_attr_group = {
	.attrs		= disk_attrs,
	.is_visible	= disk_attr_visible,
};

const struct attribute_group *blkfront_disk_attr_groups[] = {
	&disk_attr_group,
	NULL
};
