/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The grant table, for those who give its entries out.
 */
#ifndef _XEN_GUEST_GRANT_H
#define _XEN_GUEST_GRANT_H

#include <linux/types.h>
#include <xen/interface/grant_table.h>

int guest_table_init(void);
void guest_table_exit(void);
int guest_table_resume(void);
int guest_table_grow(void);
unsigned int guest_table_entries(void);
unsigned int guest_table_limit(void);
void guest_table_grant(grant_ref_t ref, domid_t domain, unsigned long gfn,
		       bool readonly);
bool guest_table_revoke(grant_ref_t ref);
unsigned long guest_table_gfn(grant_ref_t ref);

#endif /* _XEN_GUEST_GRANT_H */
