/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_ASM_CPUID_API_H
#define _COMPAT_ASM_CPUID_API_H

/* It was a part of another header once. */
#ifdef COMPAT_HAS_CPUID_API
#include_next <asm/cpuid/api.h>
#else
#include <asm/processor.h>
#endif

#endif /* _COMPAT_ASM_CPUID_API_H */
