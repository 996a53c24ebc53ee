// SPDX-License-Identifier: GPL-2.0-only
/*
 * xen-guest: what a kernel with Xen has built in, for one without.
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>

#include "guest.h"

struct part {
	int (*init)(void);
	void (*exit)(void);
};

/* Each needs those before it.  Only the module's init calls theirs. */
static const struct part parts[] __refconst = {
	{ guest_hypervisor_init, guest_hypervisor_exit },
	{ guest_platform_init, guest_platform_exit },
	{ guest_shared_info_init, guest_shared_info_exit },
	{ guest_events_init, guest_events_exit },
	{ guest_kexec_init, guest_kexec_exit },
	{ guest_grant_init, guest_grant_exit },
	{ guest_store_init, guest_store_exit },
	/* Last of what can fail: there is no way back to emulated disks. */
	{ guest_unplug_init, guest_unplug_exit },
	{ guest_bus_init, guest_bus_exit },
	{ guest_hypervisor_sysfs_init, guest_hypervisor_sysfs_exit },
	{ guest_suspend_init, guest_suspend_exit },
	{ guest_shutdown_init, guest_shutdown_exit },
	/* After all that can fail: who has it open would have gone code. */
	{ guest_chardev_init, guest_chardev_exit },
	{ guest_panic_init, guest_panic_exit },
};

static void exit_parts(unsigned int nr)
{
	while (nr--)
		parts[nr].exit();
}

static int __init xen_guest_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		err = parts[i].init();
		if (err) {
			exit_parts(i);
			return err;
		}
	}
	return 0;
}
module_init(xen_guest_init);

static void __exit xen_guest_exit(void)
{
	exit_parts(ARRAY_SIZE(parts));
}
module_exit(xen_guest_exit);

MODULE_DESCRIPTION("Xen's event channels, grants, xenstore and bus for kernels without Xen");
MODULE_LICENSE("GPL");
MODULE_VERSION(XENFRONT_VERSION);
/* Nothing else asks for the primary console. */
MODULE_SOFTDEP("post: xen-console");
