/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xenfs: /proc/xen.
 *
 *	super.c		the filesystem, and the module
 *	privcmd.c	hypercalls for programs, within limits
 */
#ifndef _XENFS_H
#define _XENFS_H

#include <linux/fs.h>

extern const struct file_operations xenfs_privcmd_fops;

int xenfs_privcmd_init(void);
void xenfs_privcmd_exit(void);

#endif /* _XENFS_H */
