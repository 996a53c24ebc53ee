// SPDX-License-Identifier: GPL-2.0-only
/*
 * xen-console: every console of the guest's that the kernel has not taken.
 *
 * xencons.h has the map of the files.
 */
#include <linux/module.h>

#include "xencons.h"

static int __init xencons_init(void)
{
	int err;

	/*
	 * Whatever was unplugged: no emulated device is the same one, and where
	 * the kernel has none of its own disks and NICs it unplugs nothing.
	 */
	err = xencons_tty_init();
	if (err) {
		pr_err("xen-console: no terminal driver: %d\n", err);
		return err;
	}
	err = xencons_primary_init();
	if (err)
		goto exit_tty;
	err = xencons_frontend_init();
	if (err)
		goto exit_primary;
	return 0;

exit_primary:
	xencons_primary_exit();
exit_tty:
	xencons_tty_exit();
	return err;
}
module_init(xencons_init);

static void __exit xencons_exit(void)
{
	xencons_frontend_exit();
	xencons_primary_exit();
	xencons_tty_exit();
}
module_exit(xencons_exit);

MODULE_DESCRIPTION("Xen console front-end");
MODULE_LICENSE("GPL");
MODULE_VERSION(XENFRONT_VERSION);
MODULE_ALIAS("xen:console");
