/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_XEN_XEN_H
#define _COMPAT_XEN_XEN_H

#include_next <xen/xen.h>

/*
 * A kernel without Xen knows for sure that it runs on none.  Where xen-guest is
 * loaded it does, and whatever asks here needs xen-guest's symbols.
 */
#ifndef CONFIG_XEN
#undef xen_domain_type
#define xen_domain_type	XEN_HVM_DOMAIN
#endif

#endif /* _COMPAT_XEN_XEN_H */
