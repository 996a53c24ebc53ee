// SPDX-License-Identifier: GPL-2.0-only
/*
 * xenfront: the library that the Xen front-ends share.
 */
#include <linux/module.h>
#include <xen/xen.h>

#include "internal.h"

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
