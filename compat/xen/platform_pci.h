/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_XEN_PLATFORM_PCI_H
#define _COMPAT_XEN_PLATFORM_PCI_H

/* Have the functions declared, which xen-guest exports; not made constants. */
#if !defined(CONFIG_XEN) && !defined(CONFIG_XEN_PVHVM)
#define CONFIG_XEN_PVHVM 1
#include_next <xen/platform_pci.h>
#undef CONFIG_XEN_PVHVM
#else
#include_next <xen/platform_pci.h>
#endif

#endif /* _COMPAT_XEN_PLATFORM_PCI_H */
