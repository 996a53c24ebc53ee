// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest is saved, and goes on elsewhere; or here, if nothing came of it.
 *
 * Freezing processes and devices is the kernel's: hibernate_quiet_exec() does
 * it and calls us in between.  It believes that the machine stays the same, so
 * what tells the bus to connect devices anew, or not, is
 * guest_suspend_was_cancelled().
 *
 * In the moment itself one CPU runs, with interrupts off.  In the next one the
 * hypervisor is another, which knows nothing of us: no page is in the window,
 * no channel is bound, nothing is granted.
 */
#include <linux/errno.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/stop_machine.h>
#include <linux/suspend.h>
#include <linux/syscore_ops.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/sched.h>

#include "guest.h"

/* Set by guest_suspend(), cleared with everything stopped. */
static bool cancelled = true;
/* Who suspends because the toolstack wants it; NULL: nobody does. */
static struct task_struct *wanted_by;

/**
 * guest_suspend_was_cancelled() - is the machine the one that was suspended?
 *
 * Context: any; means something while devices are thawed.
 * Return: true if it is.
 */
bool guest_suspend_was_cancelled(void)
{
	return cancelled;
}

/* In this order: where Xen's pages are, what is in them, who is told. */
static void resume_machine(void)
{
	int err;

	err = guest_shared_info_resume();
	if (err)
		pr_err("xen-guest: cannot have the shared info page: %d\n", err);
	err = guest_grant_resume();
	if (err)
		pr_err("xen-guest: cannot have the grant table: %d\n", err);
	guest_events_resume();
	guest_upcall_resume();
	guest_unplug_resume();
}

static int suspend_machine(void *data)
{
	struct sched_shutdown shutdown = { .reason = SHUTDOWN_suspend };
	int err;

	err = syscore_suspend();
	if (err) {
		pr_err("xen-guest: cannot suspend: the kernel's core says %d\n", err);
		return err;
	}
	/* 0: we are somebody else now; 1: we are not; or an error. */
	err = HYPERVISOR_sched_op(SCHEDOP_shutdown, &shutdown);
	cancelled = err;
	if (!cancelled)
		resume_machine();
	syscore_resume();
	return err < 0 ? err : 0;
}

static int suspend_quietly(void *data)
{
	int err;

	guest_store_suspend();
	err = stop_machine(suspend_machine, NULL, cpumask_of(0));
	guest_store_resume(cancelled);
	return err;
}

/**
 * guest_suspend() - have the toolstack save or move us
 *
 * Context: process, with nothing held; sleeps.
 * Return: 0 when we go on, here or elsewhere; or a negative errno, and nothing
 *	   has happened.
 */
int guest_suspend(void)
{
	int err;

	WRITE_ONCE(wanted_by, current);
	err = hibernate_quiet_exec(suspend_quietly, NULL);
	WRITE_ONCE(wanted_by, NULL);
	if (err)
		pr_err("xen-guest: cannot suspend: %d\n", err);
	/* Whoever thaws devices next has not left this machine. */
	cancelled = true;
	return err;
}

/*
 * An image on disk would be of a guest that the hypervisor knows nothing of:
 * what it writes to by then is what the kernel has that loaded the image.
 */
static int refuse_hibernation(struct notifier_block *nb, unsigned long event,
			      void *unused)
{
	/* Called by who suspends. */
	if (READ_ONCE(wanted_by) == current ||
	    (event != PM_HIBERNATION_PREPARE && event != PM_RESTORE_PREPARE))
		return NOTIFY_DONE;
	pr_err("xen-guest: there is no hibernation to a disk; have the toolstack save the guest\n");
	return notifier_from_errno(-EOPNOTSUPP);
}

static struct notifier_block hibernation = {
	.notifier_call = refuse_hibernation,
};

int __init guest_suspend_init(void)
{
	return register_pm_notifier(&hibernation);
}

void guest_suspend_exit(void)
{
	unregister_pm_notifier(&hibernation);
}
