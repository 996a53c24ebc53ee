// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices of the bus in sysfs: the files that a kernel with a bus of its own
 * has, and in them what it says.
 */
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/stddef.h>
#include <linux/sysfs.h>
#include <xen/xenbus.h>

#include "guest.h"

static ssize_t nodename_show(struct device *device,
			     struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_xenbus_device(device)->nodename);
}
static DEVICE_ATTR_RO(nodename);

static ssize_t devtype_show(struct device *device,
			    struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", to_xenbus_device(device)->devicetype);
}
static DEVICE_ATTR_RO(devtype);

static ssize_t modalias_show(struct device *device,
			     struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "xen:%s\n",
			  to_xenbus_device(device)->devicetype);
}
static DEVICE_ATTR_RO(modalias);

static ssize_t state_show(struct device *device, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  xenbus_strstate(to_xenbus_device(device)->state));
}
static DEVICE_ATTR_RO(state);

static struct attribute *device_attrs[] = {
	&dev_attr_nodename.attr,
	&dev_attr_devtype.attr,
	&dev_attr_modalias.attr,
	&dev_attr_state.attr,
	NULL
};

static const struct attribute_group device_group = {
	.attrs = device_attrs,
};

/**
 * struct counter - what events.c counts
 * @attr:	its file
 * @offset:	where it is in a device
 */
struct counter {
	struct device_attribute attr;
	size_t offset;
};

static ssize_t counter_show(struct device *device,
			    struct device_attribute *attr, char *buf)
{
	struct counter *counter = container_of(attr, struct counter, attr);
	void *value = (void *)to_xenbus_device(device) + counter->offset;

	return sysfs_emit(buf, "%d\n", atomic_read((atomic_t *)value));
}

static struct counter event_channels = {
	__ATTR(event_channels, 0444, counter_show, NULL),
	offsetof(struct xenbus_device, event_channels),
};

static struct counter events = {
	__ATTR(events, 0444, counter_show, NULL),
	offsetof(struct xenbus_device, events),
};

static struct counter spurious_events = {
	__ATTR(spurious_events, 0444, counter_show, NULL),
	offsetof(struct xenbus_device, spurious_events),
};

static struct counter jiffies_eoi_delayed = {
	__ATTR(jiffies_eoi_delayed, 0444, counter_show, NULL),
	offsetof(struct xenbus_device, jiffies_eoi_delayed),
};

static ssize_t spurious_threshold_show(struct device *device,
				       struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n",
			  to_xenbus_device(device)->spurious_threshold);
}

static ssize_t spurious_threshold_store(struct device *device,
					struct device_attribute *attr,
					const char *buf, size_t count)
{
	unsigned int value;
	int err;

	err = kstrtouint(buf, 0, &value);
	if (err)
		return err;
	to_xenbus_device(device)->spurious_threshold = value;
	return count;
}
static DEVICE_ATTR_RW(spurious_threshold);

static struct attribute *event_attrs[] = {
	&event_channels.attr.attr,
	&events.attr.attr,
	&spurious_events.attr.attr,
	&jiffies_eoi_delayed.attr.attr,
	&dev_attr_spurious_threshold.attr,
	NULL
};

static const struct attribute_group event_group = {
	.name = "xenbus",
	.attrs = event_attrs,
};

const struct attribute_group *guest_device_groups[] = {
	&device_group,
	&event_group,
	NULL
};
