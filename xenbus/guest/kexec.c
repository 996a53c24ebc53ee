// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another kernel comes after us in the same domain (kexec), and must not find the
 * hypervisor or a backend writing to what is its memory by then.
 *
 * Devices are shut down as for any reboot, and backends let go of them (bus.c).
 * What is left is shut down with the platform device: no event comes after that.
 * Xen's own pages are in that device's memory, which is not RAM, and stay there.
 */
#include <linux/compiler.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/string.h>

#include "guest.h"

/* Devices are about to be shut down for another kernel. */
static bool comes;

/* That it is not an ordinary reboot the kernel says in no other way. */
static int reboots(struct notifier_block *nb, unsigned long action, void *cmd)
{
	if (action == SYS_RESTART && cmd && !strcmp(cmd, "kexec reboot"))
		WRITE_ONCE(comes, true);
	return NOTIFY_DONE;
}

static struct notifier_block reboot = {
	.notifier_call = reboots,
};

/**
 * guest_kexec_leave() - leave nothing behind, if another kernel comes
 *
 * The console is still written to, which is of no use to anybody after another
 * kind of reboot: so that goes on until the end.
 *
 * Context: process; all devices on the bus are shut down.
 */
void guest_kexec_leave(void)
{
	if (!READ_ONCE(comes))
		return;
	guest_events_stop();
	guest_upcall_renounce();
}

int __init guest_kexec_init(void)
{
	return register_reboot_notifier(&reboot);
}

void guest_kexec_exit(void)
{
	unregister_reboot_notifier(&reboot);
}
