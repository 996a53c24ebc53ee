// SPDX-License-Identifier: GPL-2.0-only
/*
 * privcmd: hypercalls for programs.
 *
 * A guest has no business with other domains, and a hypercall can change the
 * kernel's own memory whatever lockdown says (XSA-482).  So a file is restricted
 * as the kernel's own privcmd restricts it in a guest: to the domain that this
 * one serves, and an HVM guest serves none.  Who loads the module can lift that.
 *
 * Other domains' memory cannot be mapped even then: the kernel has no frames to
 * give for it that are not the guest's own memory.
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/xen.h>
#include <xen/privcmd.h>

#include "xenfs.h"

/* No domain has this number, so that nothing is allowed ... */
#define NOBODY		DOMID_IDLE
/* ... and this is the one that everything is allowed for. */
#define ANYBODY		DOMID_INVALID

static bool unrestricted;
module_param(unrestricted, bool, 0);
MODULE_PARM_DESC(unrestricted,
		 "privcmd passes on every hypercall, unless the kernel is locked down (default: 0)");

/**
 * struct privcmd - somebody has the file open
 * @domain: whom hypercalls may be about; once it is not ANYBODY it stays
 */
struct privcmd {
	atomic_t domain;
};

static int privcmd_open(struct inode *inode, struct file *file)
{
	struct privcmd *p;

	p = kzalloc_obj(*p, GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	atomic_set(&p->domain, unrestricted ? ANYBODY : NOBODY);
	file->private_data = p;
	return 0;
}

static int privcmd_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static long hypercall(void __user *arg)
{
	struct privcmd_hypercall call;

	if (copy_from_user(&call, arg, sizeof(call)))
		return -EFAULT;
	/* The number is 32 bits wide, and what is cut off would be lost. */
	if (call.op > U32_MAX)
		return -EINVAL;
	return xen_guest_hypercall_user(call.op, call.arg[0], call.arg[1],
					call.arg[2], call.arg[3], call.arg[4]);
}

/* What was restricted can be told so again, and not otherwise. */
static long restrict_to(struct privcmd *p, void __user *arg)
{
	domid_t domain;
	int was;

	if (copy_from_user(&domain, arg, sizeof(domain)))
		return -EFAULT;
	was = atomic_cmpxchg(&p->domain, ANYBODY, domain);
	return was == ANYBODY || was == domain ? 0 : -EINVAL;
}

static long privcmd_ioctl(struct file *file, unsigned int cmd,
			  unsigned long data)
{
	struct privcmd *p = file->private_data;
	void __user *arg = (void __user *)data;
	bool may = atomic_read(&p->domain) == ANYBODY;

	switch (cmd) {
	case IOCTL_PRIVCMD_RESTRICT:
		return restrict_to(p, arg);
	case IOCTL_PRIVCMD_HYPERCALL:
		return may ? hypercall(arg) : -EPERM;
	case IOCTL_PRIVCMD_MMAP:
	case IOCTL_PRIVCMD_MMAPBATCH:
	case IOCTL_PRIVCMD_MMAPBATCH_V2:
	case IOCTL_PRIVCMD_MMAP_RESOURCE:
	case IOCTL_PRIVCMD_DM_OP:
		return may ? -EOPNOTSUPP : -EPERM;
	default:
		return -ENOTTY;
	}
}

const struct file_operations xenfs_privcmd_fops = {
	.owner		= THIS_MODULE,
	.open		= privcmd_open,
	.release	= privcmd_release,
	.unlocked_ioctl	= privcmd_ioctl,
};

static struct miscdevice privcmd_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "xen/privcmd",
	.fops	= &xenfs_privcmd_fops,
};

/**
 * xenfs_privcmd_init() - offer privcmd as a device, too
 *
 * Context: module init.
 * Return: 0, or a negative errno.
 */
int xenfs_privcmd_init(void)
{
	if (unrestricted && security_locked_down(LOCKDOWN_XEN_USER_ACTIONS)) {
		pr_warn("xenfs: the kernel is locked down: \"unrestricted\" is ignored\n");
		unrestricted = false;
	}
	return misc_register(&privcmd_misc);
}

/**
 * xenfs_privcmd_exit() - undo xenfs_privcmd_init()
 *
 * Context: module exit; nobody has it open.
 */
void xenfs_privcmd_exit(void)
{
	misc_deregister(&privcmd_misc);
}
