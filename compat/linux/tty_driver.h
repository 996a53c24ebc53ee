/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_LINUX_TTY_DRIVER_H
#define _COMPAT_LINUX_TTY_DRIVER_H

#include_next <linux/tty_driver.h>
#include <linux/version.h>

/* Since 6.7 bytes are u8, and are counted with size_t. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
#define DEFINE_TTY_WRITE(name)						\
	int name(struct tty_struct *tty, const unsigned char *buf, int count)
#else
#define DEFINE_TTY_WRITE(name)						\
	ssize_t name(struct tty_struct *tty, const u8 *buf, size_t count)
#endif

#endif /* _COMPAT_LINUX_TTY_DRIVER_H */
