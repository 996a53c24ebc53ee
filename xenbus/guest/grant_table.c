// SPDX-License-Identifier: GPL-2.0-only
/*
 * The grant table itself: frames that the hypervisor gives us, and in them one
 * entry for each grant, of which both sides have a part.
 *
 * Version 1 of the table, whose entries hold 32-bit frame numbers: enough for
 * 16 TiB, and every Xen has it.
 */
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/grant_table.h>
#include <xen/interface/memory.h>

#include "grant.h"
#include "guest.h"

#define PER_FRAME	(PAGE_SIZE / sizeof(struct grant_entry_v1))

/* All frames that there may ever be, of which the first ones are there. */
static struct grant_entry_v1 *table;
/* As the kernel calls it; tests read it. */
static unsigned int nr_grant_frames;
static unsigned int max_frames;

/**
 * guest_table_entries() - how many grants there can be now
 *
 * Context: any; changed by guest_table_grow() alone.
 * Return: the number of entries.
 */
unsigned int guest_table_entries(void)
{
	return nr_grant_frames * PER_FRAME;
}

/**
 * guest_table_limit() - how many grants there can ever be
 *
 * Context: any.
 * Return: the number of entries.
 */
unsigned int guest_table_limit(void)
{
	return max_frames * PER_FRAME;
}

static int place(unsigned int frame)
{
	return guest_window_place(XENMAPSPACE_grant_table, frame,
				  GUEST_WINDOW_GRANTS + frame);
}

/**
 * guest_table_grow() - have one frame more
 *
 * Context: any; one at a time.
 * Return: 0; or -ENOSPC if that is all, or what the hypervisor says.
 */
int guest_table_grow(void)
{
	int err;

	if (nr_grant_frames == max_frames)
		return -ENOSPC;
	err = place(nr_grant_frames);
	if (!err)
		nr_grant_frames++;
	return err;
}

/**
 * guest_table_grant() - let a domain have a page
 * @ref:	an entry that nobody uses
 * @domain:	the domain
 * @gfn:	the page's frame number
 * @readonly:	it may only read
 *
 * Context: any.
 */
void guest_table_grant(grant_ref_t ref, domid_t domain, unsigned long gfn,
		       bool readonly)
{
	struct grant_entry_v1 *entry = &table[ref];

	WARN_ON_ONCE(gfn > U32_MAX);
	entry->frame = gfn;
	entry->domid = domain;
	/* The flags make the rest of the entry valid. */
	virt_wmb();
	WRITE_ONCE(entry->flags, GTF_permit_access |
		   (readonly ? GTF_readonly : 0));
}

/**
 * guest_table_revoke() - let nobody have a page any more
 * @ref: the entry
 *
 * Context: any.
 * Return: false if somebody still has it mapped, so that nothing was done.
 */
bool guest_table_revoke(grant_ref_t ref)
{
	u16 *flags = &table[ref].flags;
	u16 seen = READ_ONCE(*flags);
	unsigned int tries;

	/* The hypervisor changes them too, but not for ever. */
	for (tries = 0; tries < U8_MAX; tries++) {
		u16 now;

		if (seen & (GTF_reading | GTF_writing))
			return false;
		now = sync_cmpxchg(flags, seen, 0);
		if (now == seen)
			return true;
		seen = now;
	}
	return false;
}

/**
 * guest_table_gfn() - which page an entry is about
 * @ref: the entry
 *
 * Context: any.
 * Return: the frame's number.
 */
unsigned long guest_table_gfn(grant_ref_t ref)
{
	return READ_ONCE(table[ref].frame);
}

static int query(unsigned int *now, unsigned int *max)
{
	struct gnttab_query_size size = { .dom = DOMID_SELF };
	int err = HYPERVISOR_grant_table_op(GNTTABOP_query_size, &size, 1);

	if (err)
		return err;
	if (size.status != GNTST_okay || !size.max_nr_frames) {
		pr_err("xen-guest: the hypervisor gives us no grant table: %d\n",
		       size.status);
		return -ENODEV;
	}
	*now = size.nr_frames;
	*max = size.max_nr_frames;
	return 0;
}

/* A kernel before us in this guest may have left another. */
static int set_version(void)
{
	struct gnttab_set_version version = { .version = 1 };

	return HYPERVISOR_grant_table_op(GNTTABOP_set_version, &version, 1);
}

/**
 * guest_table_resume() - have as many frames again, in another life
 *
 * Context: any; nobody uses the table.
 * Return: 0, or a negative errno.
 */
int guest_table_resume(void)
{
	unsigned int i;
	int err;

	err = set_version();
	for (i = 0; !err && i < nr_grant_frames; i++)
		err = place(i);
	return err;
}

static void remove_frames(void)
{
	unsigned int i;

	for (i = 0; i < nr_grant_frames; i++)
		guest_window_remove(GUEST_WINDOW_GRANTS + i);
	nr_grant_frames = 0;
}

/**
 * guest_table_init() - have the frames that are there
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno.
 */
int __init guest_table_init(void)
{
	unsigned int now, max;
	int err;

	err = set_version();
	if (err) {
		pr_err("xen-guest: the grant table cannot be of version 1: %d\n", err);
		return err;
	}
	err = query(&now, &max);
	if (err)
		return err;
	max_frames = min(max, guest_window_pages() - GUEST_WINDOW_GRANTS);
	now = clamp(now, 1U, max_frames);

	table = guest_window_map(GUEST_WINDOW_GRANTS, max_frames);
	if (!table)
		return -ENOMEM;
	while (!err && nr_grant_frames < now)
		err = guest_table_grow();
	if (err) {
		pr_err("xen-guest: cannot have frame %u of the grant table: %d\n",
		       nr_grant_frames, err);
		guest_table_exit();
	}
	return err;
}

void guest_table_exit(void)
{
	memunmap(table);
	remove_frames();
}
