// SPDX-License-Identifier: GPL-2.0-only
/*
 * xenfront: the library that the Xen front-ends share.
 */
#include <linux/module.h>
#include <xen/xen.h>

#include "internal.h"

/**
 * xenfront_unplugged() - may a driver serve devices that have emulated twins?
 * @driver:	its name, for the log
 * @unplugged:	what the kernel says: xen_has_pv_devices(), or that of a kind
 *
 * In an HVM guest the kernel has the emulated devices unplugged before ours are
 * used.  It does not if it was told not to, nor, without being told, if it was
 * built without the front-end of that kind.
 *
 * Context: module init.
 * Return: 0 or -ENODEV, which the log then explains.
 */
int xenfront_unplugged(const char *driver, bool unplugged)
{
	if (unplugged)
		return 0;
	pr_info("%s: serves nothing, for the emulated devices were not unplugged (the kernel's xen_emul_unplug=, xen-guest's unplug=)\n",
		driver);
	return -ENODEV;
}
EXPORT_SYMBOL_GPL(xenfront_unplugged);

static int __init xenfront_init(void)
{
	int err;

	if (!xen_domain())
		return -ENODEV;

	err = xenfront_device_init();
	if (err)
		return err;
	xenfront_debugfs_init();
	return 0;
}
module_init(xenfront_init);

static void __exit xenfront_exit(void)
{
	xenfront_debugfs_exit();
	xenfront_device_exit();
}
module_exit(xenfront_exit);

MODULE_DESCRIPTION("Library of the xenfront Xen front-end drivers");
MODULE_LICENSE("GPL");
MODULE_VERSION(XENFRONT_VERSION);
