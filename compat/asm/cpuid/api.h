/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_ASM_CPUID_API_H
#define _COMPAT_ASM_CPUID_API_H

/* Since 6.16; before, what there is was a part of another header. */
#if __has_include_next(<asm/cpuid/api.h>)
#include_next <asm/cpuid/api.h>
#else
#include <asm/processor.h>
#endif

#endif /* _COMPAT_ASM_CPUID_API_H */
