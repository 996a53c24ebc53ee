// SPDX-License-Identifier: GPL-2.0-only
/*
 * xenfs: the filesystem that programs for Xen look for in /proc/xen.
 */
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/magic.h>
#include <linux/module.h>
#include <linux/stat.h>
#include <xen/xenbus.h>

#include "xenfs.h"

/* Programs take "control_d" in it for dom0.  In a guest there is nothing. */
static ssize_t capabilities_read(struct file *file, char __user *buf,
				 size_t len, loff_t *pos)
{
	return 0;
}

static const struct file_operations capabilities_fops = {
	.owner	= THIS_MODULE,
	.read	= capabilities_read,
	.llseek	= default_llseek,
};

static int fill_super(struct super_block *sb, struct fs_context *fc)
{
	/* The index is the inode's number; 1 is the root's. */
	static const struct tree_descr files[] = {
		[2] = { "xenbus", &xen_xenbus_fops, 0600 },
		{ "capabilities", &capabilities_fops, 0444 },
		{ "privcmd", &xenfs_privcmd_fops, 0600 },
		{ "" }
	};

	return simple_fill_super(sb, XENFS_SUPER_MAGIC, files);
}

static int get_tree(struct fs_context *fc)
{
	return get_tree_single(fc, fill_super);
}

static const struct fs_context_operations context_ops = {
	.get_tree = get_tree,
};

static int init_fs_context(struct fs_context *fc)
{
	fc->ops = &context_ops;
	return 0;
}

static struct file_system_type xenfs_type = {
	.owner			= THIS_MODULE,
	.name			= "xenfs",
	.init_fs_context	= init_fs_context,
	.kill_sb		= kill_litter_super,
};

static int __init xenfs_init(void)
{
	int err;

	err = xenfs_privcmd_init();
	if (err)
		return err;
	err = register_filesystem(&xenfs_type);
	if (err)
		xenfs_privcmd_exit();
	return err;
}
module_init(xenfs_init);

static void __exit xenfs_exit(void)
{
	unregister_filesystem(&xenfs_type);
	xenfs_privcmd_exit();
}
module_exit(xenfs_exit);

MODULE_ALIAS_FS("xenfs");
MODULE_DESCRIPTION("/proc/xen, for kernels without Xen support");
MODULE_LICENSE("GPL");
MODULE_VERSION(XENFRONT_VERSION);
