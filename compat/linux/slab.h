/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_LINUX_SLAB_H
#define _COMPAT_LINUX_SLAB_H

#include_next <linux/slab.h>

/* Since 7.0 objects are allocated by their type. */
#ifndef kmalloc_obj
#define kmalloc_obj(obj, gfp)	((typeof(obj) *)kmalloc(sizeof(obj), gfp))
#define kzalloc_obj(obj, gfp)	((typeof(obj) *)kzalloc(sizeof(obj), gfp))
#endif

#endif /* _COMPAT_LINUX_SLAB_H */
