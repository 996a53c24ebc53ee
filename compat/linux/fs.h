/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_LINUX_FS_H
#define _COMPAT_LINUX_FS_H

#include_next <linux/fs.h>

/*
 * What is in a filesystem that lives in memory needed a function of its own to
 * be let go of.  Now every filesystem's does that.  Kbuild looks which it is.
 */
#ifndef COMPAT_HAS_KILL_LITTER_SUPER
#define kill_litter_super	kill_anon_super
#endif

#endif /* _COMPAT_LINUX_FS_H */
