/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_ASM_XEN_HYPERCALL_H
#define _COMPAT_ASM_XEN_HYPERCALL_H

#ifdef CONFIG_XEN
#include_next <asm/xen/hypercall.h>
#else

#include <linux/types.h>
#include <xen/interface/xen.h>
#include <xen/interface/sched.h>

/*
 * The kernel's own wrappers go through something that only a kernel with Xen
 * has.  Ours are calls of the module that stands in for it.
 */
long xen_guest_hypercall(unsigned int op, unsigned long a1, unsigned long a2,
			 unsigned long a3, unsigned long a4, unsigned long a5);
/* The same with pointers into a process's memory. */
long xen_guest_hypercall_user(unsigned int op, unsigned long a1,
			      unsigned long a2, unsigned long a3,
			      unsigned long a4, unsigned long a5);

static inline int HYPERVISOR_memory_op(unsigned int cmd, void *arg)
{
	return xen_guest_hypercall(__HYPERVISOR_memory_op, cmd,
				   (unsigned long)arg, 0, 0, 0);
}

static inline int HYPERVISOR_xen_version(int cmd, void *arg)
{
	return xen_guest_hypercall(__HYPERVISOR_xen_version, cmd,
				   (unsigned long)arg, 0, 0, 0);
}

static inline int HYPERVISOR_grant_table_op(unsigned int cmd, void *uop,
					    unsigned int count)
{
	return xen_guest_hypercall(__HYPERVISOR_grant_table_op, cmd,
				   (unsigned long)uop, count, 0, 0);
}

static inline int HYPERVISOR_event_channel_op(int cmd, void *arg)
{
	return xen_guest_hypercall(__HYPERVISOR_event_channel_op, cmd,
				   (unsigned long)arg, 0, 0, 0);
}

static inline int HYPERVISOR_vcpu_op(int cmd, int vcpuid, void *extra_args)
{
	return xen_guest_hypercall(__HYPERVISOR_vcpu_op, cmd, vcpuid,
				   (unsigned long)extra_args, 0, 0);
}

static inline int HYPERVISOR_sched_op(int cmd, void *arg)
{
	return xen_guest_hypercall(__HYPERVISOR_sched_op, cmd,
				   (unsigned long)arg, 0, 0, 0);
}

static inline unsigned long HYPERVISOR_hvm_op(int op, void *arg)
{
	return xen_guest_hypercall(__HYPERVISOR_hvm_op, op,
				   (unsigned long)arg, 0, 0, 0);
}

#endif /* !CONFIG_XEN */
#endif /* _COMPAT_ASM_XEN_HYPERCALL_H */
