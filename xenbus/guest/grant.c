// SPDX-License-Identifier: GPL-2.0-only
/*
 * Grants: who has which entry of the grant table, and what becomes of pages
 * that somebody else still uses.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <xen/grant_table.h>

#include "grant.h"
#include "guest.h"

/* Ends a chain; no entry of a table has that number. */
#define NONE	INVALID_GRANT_REF

/* How often those that wait are looked at. */
#define INTERVAL	HZ

/**
 * struct slot - what we know of an entry that grants nothing
 * @next:	the one after it in the same chain, or NONE.  Entries that are
 *		free, reserved, or wait for the other side to let go are in one
 *		chain each.
 * @pfn:	the page that waits with it; the entry may be of another life
 */
struct slot {
	grant_ref_t next;
	u32 pfn;
};

/* Guards the table's size, all chains but those that were given out, counts. */
static DEFINE_SPINLOCK(lock);
static struct slot *slots;
static grant_ref_t free_head = NONE;
/* As the kernel calls it; tests read it. */
static unsigned int gnttab_free_count;
/* Entries whose pages become free when nobody has them mapped any more. */
static grant_ref_t waiting_head = NONE;
static unsigned int nr_waiting;

static void look_again(struct work_struct *work);
static DECLARE_DELAYED_WORK(waiting_work, look_again);

/* Under the lock. */
static void push_free(grant_ref_t ref)
{
	slots[ref].next = free_head;
	free_head = ref;
	gnttab_free_count++;
}

/*
 * What the toolstack has put into the first ones stays.  What another kernel, or
 * we in an earlier life, had granted and is still in use is not ours to give.
 */
static unsigned int add_entries(unsigned int first)
{
	unsigned int ref, kept = 0;

	for (ref = guest_table_entries(); ref-- > first;) {
		if (ref < GNTTAB_NR_RESERVED_ENTRIES)
			break;
		if (guest_table_revoke(ref))
			push_free(ref);
		else
			kept++;
	}
	return kept;
}

/* Under the lock. */
static int want_free(unsigned int count)
{
	unsigned int first;
	int err;

	while (gnttab_free_count < count) {
		first = guest_table_entries();
		err = guest_table_grow();
		if (err) {
			pr_warn_ratelimited("xen-guest: the grant table is full: %u of %u entries are free, %u wait for their users\n",
					    gnttab_free_count, guest_table_limit(),
					    nr_waiting);
			return -ENOSPC;
		}
		add_entries(first);
	}
	return 0;
}

/**
 * gnttab_alloc_grant_references() - reserve entries
 * @count:		how many
 * @pprivate_head:	the chain of them
 *
 * Context: any.
 * Return: 0, or -ENOSPC with nothing reserved.
 */
int gnttab_alloc_grant_references(u16 count, grant_ref_t *pprivate_head)
{
	unsigned long flags;
	grant_ref_t last;
	unsigned int i;
	int err;

	*pprivate_head = NONE;
	if (!count)
		return 0;

	spin_lock_irqsave(&lock, flags);
	err = want_free(count);
	if (!err) {
		*pprivate_head = free_head;
		for (last = free_head, i = 1; i < count; i++)
			last = slots[last].next;
		free_head = slots[last].next;
		slots[last].next = NONE;
		gnttab_free_count -= count;
	}
	spin_unlock_irqrestore(&lock, flags);
	return err;
}
EXPORT_SYMBOL_GPL(gnttab_alloc_grant_references);

/**
 * gnttab_claim_grant_reference() - take one of those that were reserved
 * @private_head: the chain
 *
 * Context: any; the caller keeps others from the chain.
 * Return: the entry's number, or -ENOSPC.
 */
int gnttab_claim_grant_reference(grant_ref_t *private_head)
{
	grant_ref_t ref = *private_head;

	if (ref == NONE)
		return -ENOSPC;
	*private_head = slots[ref].next;
	return ref;
}
EXPORT_SYMBOL_GPL(gnttab_claim_grant_reference);

/**
 * gnttab_free_grant_reference() - give an entry back
 * @ref: the entry, which grants nothing
 *
 * Context: any.
 */
void gnttab_free_grant_reference(grant_ref_t ref)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	push_free(ref);
	spin_unlock_irqrestore(&lock, flags);
}
EXPORT_SYMBOL_GPL(gnttab_free_grant_reference);

/**
 * gnttab_free_grant_references() - give back what was reserved and not taken
 * @head: the chain
 *
 * Context: any.
 */
void gnttab_free_grant_references(grant_ref_t head)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	while (head != NONE) {
		grant_ref_t ref = head;

		head = slots[ref].next;
		push_free(ref);
	}
	spin_unlock_irqrestore(&lock, flags);
}
EXPORT_SYMBOL_GPL(gnttab_free_grant_references);

/**
 * gnttab_grant_foreign_access_ref() - let a domain have a page
 * @ref:	the entry to use
 * @domid:	the domain
 * @frame:	the page's frame number
 * @readonly:	it may only read
 *
 * Context: any.
 */
void gnttab_grant_foreign_access_ref(grant_ref_t ref, domid_t domid,
				     unsigned long frame, int readonly)
{
	guest_table_grant(ref, domid, frame, readonly);
}
EXPORT_SYMBOL_GPL(gnttab_grant_foreign_access_ref);

/**
 * gnttab_grant_foreign_access() - let a domain have a page
 * @domid:	the domain
 * @frame:	the page's frame number
 * @readonly:	it may only read
 *
 * Context: any.
 * Return: the entry that was used, or -ENOSPC.
 */
int gnttab_grant_foreign_access(domid_t domid, unsigned long frame,
				int readonly)
{
	grant_ref_t chain;
	int err;

	err = gnttab_alloc_grant_references(1, &chain);
	if (err)
		return err;
	guest_table_grant(chain, domid, frame, readonly);
	return chain;
}
EXPORT_SYMBOL_GPL(gnttab_grant_foreign_access);

/**
 * gnttab_end_foreign_access_ref() - take a page back
 * @ref: the entry, which stays the caller's
 *
 * Context: any.
 * Return: 1; or 0 if the domain still has it mapped.
 */
int gnttab_end_foreign_access_ref(grant_ref_t ref)
{
	return guest_table_revoke(ref);
}
EXPORT_SYMBOL_GPL(gnttab_end_foreign_access_ref);

/**
 * gnttab_try_end_foreign_access() - take a page back, and give the entry back
 * @ref: the entry
 *
 * Context: any.
 * Return: 1; or 0 if the domain still has it mapped, and nothing was done.
 */
int gnttab_try_end_foreign_access(grant_ref_t ref)
{
	if (!guest_table_revoke(ref))
		return 0;
	gnttab_free_grant_reference(ref);
	return 1;
}
EXPORT_SYMBOL_GPL(gnttab_try_end_foreign_access);

/* Puts a chain before those that wait. */
static void wait_for(grant_ref_t head, grant_ref_t tail, unsigned int nr)
{
	unsigned long flags;

	spin_lock_irqsave(&lock, flags);
	slots[tail].next = waiting_head;
	waiting_head = head;
	nr_waiting += nr;
	spin_unlock_irqrestore(&lock, flags);
	schedule_delayed_work(&waiting_work, INTERVAL);
}

/**
 * gnttab_end_foreign_access() - take a page back, sooner or later
 * @ref:	the entry
 * @page:	freed when nobody has it mapped any more; NULL: it is not freed,
 *		but not used for anything else either before that
 *
 * Context: any.
 */
void gnttab_end_foreign_access(grant_ref_t ref, struct page *page)
{
	u32 pfn = guest_table_gfn(ref);

	if (gnttab_try_end_foreign_access(ref)) {
		if (page)
			put_page(page);
		return;
	}
	/* A page that its owner frees meanwhile is held by us. */
	if (!page)
		get_page(pfn_to_page(pfn));
	slots[ref].pfn = pfn;
	wait_for(ref, ref, 1);
}
EXPORT_SYMBOL_GPL(gnttab_end_foreign_access);

static void report(unsigned int left)
{
	static unsigned int reported;

	/* At each doubling: a backend must not fill the log. */
	if (left > 2 * reported) {
		reported = left;
		pr_info("xen-guest: %u granted pages are still mapped by others\n", left);
	} else if (!left) {
		reported = 0;
	}
}

static void look_again(struct work_struct *work)
{
	grant_ref_t ref, then, head = NONE, tail = NONE;
	unsigned int left = 0;

	spin_lock_irq(&lock);
	ref = waiting_head;
	waiting_head = NONE;
	nr_waiting = 0;
	spin_unlock_irq(&lock);

	for (; ref != NONE; ref = then) {
		struct page *page = pfn_to_page(slots[ref].pfn);

		then = slots[ref].next;
		if (gnttab_try_end_foreign_access(ref)) {
			put_page(page);
			continue;
		}
		slots[ref].next = head;
		head = ref;
		if (!left++)
			tail = ref;
	}
	if (left)
		wait_for(head, tail, left);
	report(left);
}

/**
 * guest_grant_resume() - the table is another one
 *
 * Entries that somebody has stay his, and grant nothing.
 *
 * Context: one CPU runs, interrupts are off.
 * Return: 0, or a negative errno.
 */
int guest_grant_resume(void)
{
	return guest_table_resume();
}

int __init guest_grant_init(void)
{
	unsigned int kept;
	int err;

	err = guest_table_init();
	if (err)
		return err;
	slots = kvcalloc(guest_table_limit(), sizeof(*slots), GFP_KERNEL);
	if (!slots) {
		guest_table_exit();
		return -ENOMEM;
	}
	kept = add_entries(0);
	if (kept)
		pr_info("xen-guest: %u pages that were granted earlier are still mapped by others\n",
			kept);
	return 0;
}

void guest_grant_exit(void)
{
	cancel_delayed_work_sync(&waiting_work);
	/* They are not ours to free while somebody writes to them. */
	if (nr_waiting)
		pr_warn("xen-guest: %u granted pages are lost: others have them mapped\n",
			nr_waiting);
	kvfree(slots);
	guest_table_exit();
}
