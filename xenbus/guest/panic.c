// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel that panics tells the toolstack, which then does what the domain's
 * configuration says (on_crash=).
 *
 * When panic notifiers run the kernel has not finished yet: messages are dumped,
 * consoles flushed, a crash kernel may be started.  After all that it waits,
 * and while it waits it calls panic_blink, which is meant for keyboards' lights.
 */
#include <linux/delay.h>
#include <linux/kexec.h>
#include <linux/nmi.h>
#include <linux/notifier.h>
#include <linux/panic.h>
#include <linux/panic_notifier.h>
#include <linux/time64.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/sched.h>

#include "guest.h"

/* Returns for how many milliseconds; if nobody stops us, that is. */
static long tell_toolstack(int state)
{
	struct sched_shutdown shutdown = { .reason = SHUTDOWN_crash };
	int waited;

	/* What the user wants to have for reading (panic=). */
	for (waited = 0; waited < panic_timeout; waited++) {
		touch_nmi_watchdog();
		mdelay(MSEC_PER_SEC);
	}
	HYPERVISOR_sched_op(SCHEDOP_shutdown, &shutdown);
	return (long)waited * MSEC_PER_SEC;
}

static int panics(struct notifier_block *nb, unsigned long event, void *text)
{
	/* A crash kernel does what is to be done. */
	if (kexec_crash_loaded())
		return NOTIFY_DONE;
	panic_blink = tell_toolstack;
	/* To reboot at once, without waiting, would be a reboot to the toolstack. */
	if (panic_timeout < 0)
		panic_timeout = 0;
	return NOTIFY_DONE;
}

static struct notifier_block panic_notifier = {
	.notifier_call = panics,
};

int __init guest_panic_init(void)
{
	return atomic_notifier_chain_register(&panic_notifier_list,
					      &panic_notifier);
}

void guest_panic_exit(void)
{
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_notifier);
}
