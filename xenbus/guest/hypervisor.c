// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is below us: is it Xen, which one, and how is it called?
 *
 * There is no hypercall page.  It would have to be executable memory that the
 * hypervisor writes to, and indirect calls into it are what XSA-466 is about.
 * The processor's own instruction needs neither.
 */
#include <linux/cpufeature.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/printk.h>
#include <linux/uaccess.h>
#include <asm/cpuid/api.h>
#include <asm/processor.h>
#include <asm/smap.h>
#include <asm/xen/cpuid.h>
#include <asm/xen/hypercall.h>
#include <xen/features.h>
#include <xen/interface/hvm/hvm_op.h>
#include <xen/interface/hvm/params.h>
#include <xen/interface/version.h>

#include "guest.h"

/* Where hypervisors announce themselves; Xen does not need to be the first. */
#define LEAVES_END	0x40010000
#define LEAVES_STEP	0x100

u8 xen_features[XENFEAT_NR_SUBMAPS * 32] __read_mostly;
EXPORT_SYMBOL_GPL(xen_features);

static bool use_vmmcall __ro_after_init;
static u32 leaves __ro_after_init;

static inline long call(unsigned int op, unsigned long a1, unsigned long a2,
			unsigned long a3, unsigned long a4, unsigned long a5)
{
	register unsigned long r10 asm("r10") = a4;
	register unsigned long r8 asm("r8") = a5;
	unsigned long ret = op;

	if (use_vmmcall)
		asm volatile("vmmcall"
			     : "+a" (ret), "+D" (a1), "+S" (a2), "+d" (a3),
			       "+r" (r10), "+r" (r8)
			     : : "memory");
	else
		asm volatile("vmcall"
			     : "+a" (ret), "+D" (a1), "+S" (a2), "+d" (a3),
			       "+r" (r10), "+r" (r8)
			     : : "memory");
	return ret;
}

/**
 * xen_guest_hypercall() - ask the hypervisor for something
 * @op:	__HYPERVISOR_*
 * @a1:	the first argument; what it means depends on @op
 * @a2:	the second
 * @a3:	the third
 * @a4:	the fourth
 * @a5:	the fifth
 *
 * Pointers among the arguments are the kernel's.  What is behind HYPERVISOR_*
 * on a kernel without Xen.
 *
 * Context: any.
 * Return: what the hypervisor says; errors are negative.
 */
long xen_guest_hypercall(unsigned int op, unsigned long a1, unsigned long a2,
			 unsigned long a3, unsigned long a4, unsigned long a5)
{
	return call(op, a1, a2, a3, a4, a5);
}
EXPORT_SYMBOL_GPL(xen_guest_hypercall);

/**
 * xen_guest_hypercall_user() - let a process ask the hypervisor for something
 * @op:	__HYPERVISOR_*
 * @a1:	the first argument; what it means depends on @op
 * @a2:	the second
 * @a3:	the third
 * @a4:	the fourth
 * @a5:	the fifth
 *
 * Pointers among the arguments are the process's, which the hypervisor reads
 * with the kernel's rights; for xenfs' privcmd alone.
 *
 * Context: process; the process's memory is accessible.
 * Return: what the hypervisor says; errors are negative.
 */
long xen_guest_hypercall_user(unsigned int op, unsigned long a1,
			      unsigned long a2, unsigned long a3,
			      unsigned long a4, unsigned long a5)
{
	long ret;

	stac();
	ret = call(op, a1, a2, a3, a4, a5);
	clac();
	return ret;
}
EXPORT_SYMBOL_GPL(xen_guest_hypercall_user);

static u32 __init find_leaves(void)
{
	u32 base, eax, ebx, ecx, edx;

	if (!boot_cpu_has(X86_FEATURE_HYPERVISOR))
		return 0;

	for (base = XEN_CPUID_FIRST_LEAF; base < LEAVES_END;
	     base += LEAVES_STEP) {
		cpuid(base, &eax, &ebx, &ecx, &edx);
		if (ebx == XEN_CPUID_SIGNATURE_EBX &&
		    ecx == XEN_CPUID_SIGNATURE_ECX &&
		    edx == XEN_CPUID_SIGNATURE_EDX && eax >= base + 2)
			return base;
	}
	return 0;
}

static int __init read_features(void)
{
	struct xen_feature_info info;
	unsigned int i, bit;
	int err;

	for (i = 0; i < XENFEAT_NR_SUBMAPS; i++) {
		info.submap_idx = i;
		err = HYPERVISOR_xen_version(XENVER_get_features, &info);
		if (err < 0)
			return err;
		for (bit = 0; bit < 32; bit++)
			xen_features[i * 32 + bit] = info.submap >> bit & 1;
	}
	return 0;
}

/**
 * guest_read_vcpu_id() - what the hypervisor calls the CPU we run on
 *
 * Context: the caller is bound to the CPU.
 * Return: the number of the vCPU.
 */
u32 guest_read_vcpu_id(void)
{
	u32 eax, ebx, ecx, edx;

	cpuid(leaves, &eax, &ebx, &ecx, &edx);
	if (eax >= leaves + 4) {
		cpuid_count(leaves + 4, 0, &eax, &ebx, &ecx, &edx);
		if (eax & XEN_HVM_CPUID_VCPU_ID_PRESENT)
			return ebx;
	}
	/* Before Xen 4.6 had that, an HVM guest's APICs had even numbers. */
	return cpuid_ebx(1) >> 24 >> 1;
}

/**
 * guest_hvm_param() - read what the toolstack prepared for us
 * @index:	HVM_PARAM_*
 * @name:	how it is called in the log
 * @value:	where it goes
 *
 * Context: any.
 * Return: 0, or -ENODEV after a line in the log if there is no such thing.
 */
int guest_hvm_param(unsigned int index, const char *name, u64 *value)
{
	struct xen_hvm_param param = { .domid = DOMID_SELF, .index = index };
	int err = HYPERVISOR_hvm_op(HVMOP_get_param, &param);

	if (err < 0) {
		pr_err("xen-guest: HVM parameter %s cannot be read: %d\n", name, err);
		return -ENODEV;
	}
	if (!param.value) {
		pr_err("xen-guest: HVM parameter %s is zero: the toolstack has not set it\n",
		       name);
		return -ENODEV;
	}
	*value = param.value;
	return 0;
}

int __init guest_hypervisor_init(void)
{
	int version, err;

	leaves = find_leaves();
	if (!leaves) {
		pr_info("xen-guest: not a guest of Xen\n");
		return -ENODEV;
	}
	/* What the other vendors' processors have is Intel's. */
	use_vmmcall = boot_cpu_data.x86_vendor == X86_VENDOR_AMD ||
		      boot_cpu_data.x86_vendor == X86_VENDOR_HYGON;

	version = HYPERVISOR_xen_version(XENVER_version, NULL);
	err = read_features();
	if (version <= 0 || err < 0) {
		pr_err("xen-guest: the hypervisor announces itself as Xen, but does not answer: %d\n",
		       err ?: version);
		return -ENODEV;
	}
	pr_info("xen-guest: Xen %d.%d\n", version >> 16, version & 0xffff);
	return 0;
}

void guest_hypervisor_exit(void)
{
}
