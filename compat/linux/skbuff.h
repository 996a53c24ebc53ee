/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_LINUX_SKBUFF_H
#define _COMPAT_LINUX_SKBUFF_H

#include <linux/version.h>
#include_next <linux/skbuff.h>

/* Since 6.5 a fragment is described by one call. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
static inline void skb_frag_fill_page_desc(skb_frag_t *frag, struct page *page,
					   unsigned int offset,
					   unsigned int size)
{
	__skb_frag_set_page(frag, page);
	skb_frag_off_set(frag, offset);
	skb_frag_size_set(frag, size);
}
#endif

#endif /* _COMPAT_LINUX_SKBUFF_H */
