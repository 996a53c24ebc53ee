// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page that Xen shares with every domain, and which part of it is whose.
 *
 * The vCPUs' parts are used where they are.  There are 32 of them; a CPU beyond
 * gets no events, which go to the others.
 */
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/memory.h>

#include "guest.h"

/* Mapped from init to exit. */
static struct shared_info *shared;
/* Written on the CPU itself, before it gets events. */
static DEFINE_PER_CPU(u32, vcpu_id) = U32_MAX;

/**
 * guest_shared_info() - the page
 *
 * Context: any.
 * Return: where it is mapped; the hypervisor writes to it at any time.
 */
struct shared_info *guest_shared_info(void)
{
	return shared;
}

/**
 * guest_vcpu_identify() - learn who we are for the hypervisor
 *
 * Context: the caller is bound to the CPU.
 */
void guest_vcpu_identify(void)
{
	this_cpu_write(vcpu_id, guest_read_vcpu_id());
}

/**
 * guest_vcpu_id() - what the hypervisor calls a CPU
 * @cpu: the CPU
 *
 * Context: any.
 * Return: the vCPU's number, U32_MAX before the CPU was online.
 */
u32 guest_vcpu_id(unsigned int cpu)
{
	return per_cpu(vcpu_id, cpu);
}

/**
 * guest_vcpu_info() - a CPU's part of the page
 * @cpu: the CPU
 *
 * Context: any.
 * Return: that, or NULL if it has none.
 */
struct vcpu_info *guest_vcpu_info(unsigned int cpu)
{
	u32 id = guest_vcpu_id(cpu);

	return id < MAX_VIRT_CPUS ? &shared->vcpu_info[id] : NULL;
}

static int place(void)
{
	return guest_window_place(XENMAPSPACE_shared_info, 0,
				  GUEST_WINDOW_SHARED_INFO);
}

/**
 * guest_shared_info_resume() - have the page again, in another life
 *
 * Context: any; nobody uses it.
 * Return: 0, or a negative errno.
 */
int guest_shared_info_resume(void)
{
	int err;

	/*
	 * The hypervisor looks at the mode that we are in when it is told where
	 * events go, and lays the page out accordingly.  It is no longer the
	 * firmware's.
	 */
	err = guest_upcall_announce();
	if (err)
		return err;
	return place();
}

int __init guest_shared_info_init(void)
{
	int err;

	shared = guest_window_map(GUEST_WINDOW_SHARED_INFO, 1);
	if (!shared)
		return -ENOMEM;
	/* What a kernel or a load before has left there is read first. */
	err = place();
	if (!err) {
		guest_upcall_park();
		err = guest_shared_info_resume();
	}
	if (err) {
		pr_err("xen-guest: cannot have the shared info page: %d\n", err);
		guest_upcall_renounce();
		memunmap(shared);
		return err;
	}
	return 0;
}

void guest_shared_info_exit(void)
{
	guest_upcall_renounce();
	memunmap(shared);
	guest_window_remove(GUEST_WINDOW_SHARED_INFO);
}
