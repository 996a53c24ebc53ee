// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of ours that stay granted from one use to the next.
 *
 * Granting and revoking costs more than copying 4 KiB, in the guest and (with
 * persistent grants) even more in the backend.  What it must not cost is
 * memory that nobody uses: a pool grows with what is in flight and shrinks
 * again, and keeps only a small reserve that guarantees progress when the
 * system has no page to spare.
 */
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/page.h>
#include <xenfront.h>

static struct xenfront_page *page_create(struct xenbus_device *dev, gfp_t gfp)
{
	struct xenfront_page *xp;
	int ref;

	xp = kmalloc_obj(*xp, gfp);
	if (!xp)
		return NULL;

	/* Zeroed: the backend must see nothing that was not written to it. */
	xp->page = alloc_page(gfp | __GFP_ZERO);
	if (!xp->page)
		goto err_free;

	ref = gnttab_grant_foreign_access(dev->otherend_id,
					  xen_page_to_gfn(xp->page), 0);
	if (ref < 0)
		goto err_free_page;
	xp->ref = ref;
	xp->next = NULL;
	return xp;

err_free_page:
	__free_page(xp->page);
err_free:
	kfree(xp);
	return NULL;
}

/* A page that is still mapped is parked until the backend lets go. */
static void page_destroy(struct xenfront_page *xp)
{
	gnttab_end_foreign_access(xp->ref, xp->page);
	kfree(xp);
}

static bool page_try_destroy(struct xenfront_page *xp)
{
	if (!gnttab_try_end_foreign_access(xp->ref))
		return false;
	__free_page(xp->page);
	kfree(xp);
	return true;
}

static void chain_push(struct xenfront_chain *chain, struct xenfront_page *xp)
{
	xp->next = chain->head;
	if (!chain->head)
		chain->tail = xp;
	chain->head = xp;
	chain->nr++;
}

/**
 * xenfront_pool_create() - make a pool and its reserve
 * @pool:	filled in; a zeroed structure, or one that was destroyed
 * @dev:	whose backend the pages are granted to
 * @reserve:	pages the pool starts with and never gives back
 * @limit:	pages there may be at most; what the other side keeps mapped
 *		has a limit too
 *
 * Context: process; sleeps.
 * Return: 0, or -ENOMEM with nothing left behind.
 */
int xenfront_pool_create(struct xenfront_pool *pool, struct xenbus_device *dev,
			 unsigned int reserve, unsigned int limit)
{
	struct xenfront_page *xp;

	spin_lock_init(&pool->lock);
	pool->dev = dev;
	pool->reserve = reserve;
	pool->limit = limit;
	while (pool->nr_pages < reserve) {
		xp = page_create(dev, GFP_NOIO);
		if (!xp) {
			xenfront_pool_destroy(pool);
			return -ENOMEM;
		}
		xp->next = pool->free;
		pool->free = xp;
		pool->nr_free++;
		pool->nr_pages++;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(xenfront_pool_create);

/**
 * xenfront_pool_destroy() - give every page back
 * @pool: the pool; may be half made, or destroyed already.  Every page must
 *	  have been put back.
 *
 * Context: process.
 */
void xenfront_pool_destroy(struct xenfront_pool *pool)
{
	struct xenfront_page *xp;

	if (!pool->dev)
		return;

	WARN_ON_ONCE(pool->nr_free != pool->nr_pages);
	while ((xp = pool->free)) {
		pool->free = xp->next;
		page_destroy(xp);
	}
	memset(pool, 0, sizeof(*pool));
}
EXPORT_SYMBOL_GPL(xenfront_pool_destroy);

/*
 * Cut the first @nr free pages off as a chain.  Returns how many of those that
 * are missing may be made; they are counted already.
 */
static unsigned int take_free(struct xenfront_pool *pool, unsigned int nr,
			      struct xenfront_chain *chain, bool more)
{
	unsigned int i, make = 0;
	struct xenfront_page *xp;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	chain->nr = min(nr, pool->nr_free);
	chain->head = chain->nr ? pool->free : NULL;
	if (chain->nr) {
		for (xp = pool->free, i = 1; i < chain->nr; i++)
			xp = xp->next;
		chain->tail = xp;
		pool->free = xp->next;
		xp->next = NULL;
		pool->nr_free -= chain->nr;
		pool->low = min(pool->low, pool->nr_free);
	}
	if (more && chain->nr < nr) {
		make = min(nr - chain->nr, pool->limit - pool->nr_pages);
		pool->nr_pages += make;
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	return make;
}

static void count_down(struct xenfront_pool *pool, unsigned int nr)
{
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	pool->nr_pages -= nr;
	spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * xenfront_pool_get() - take pages
 * @pool:	the pool
 * @nr:		how many are wanted
 * @chain:	what was to be had: @nr pages, or fewer when memory is short or
 *		the limit is reached
 *
 * Fresh pages are zeroed; those of an earlier use hold what it left there,
 * which the backend has seen.
 *
 * Context: any; does not sleep.
 */
void xenfront_pool_get(struct xenfront_pool *pool, unsigned int nr,
		       struct xenfront_chain *chain)
{
	struct xenfront_page *xp;
	unsigned int make;

	for (make = take_free(pool, nr, chain, true); make; make--) {
		xp = page_create(pool->dev, GFP_NOWAIT | __GFP_NOWARN);
		if (!xp)
			break;
		chain_push(chain, xp);
	}
	if (make)
		count_down(pool, make);
}
EXPORT_SYMBOL_GPL(xenfront_pool_get);

/**
 * xenfront_pool_put() - put pages back, to be used again first
 * @pool:	the pool they came from
 * @chain:	the pages; empty afterwards
 *
 * Context: any.
 */
void xenfront_pool_put(struct xenfront_pool *pool,
		       struct xenfront_chain *chain)
{
	unsigned long flags;

	if (!chain->nr)
		return;

	spin_lock_irqsave(&pool->lock, flags);
	chain->tail->next = pool->free;
	pool->free = chain->head;
	pool->nr_free += chain->nr;
	spin_unlock_irqrestore(&pool->lock, flags);
	chain->head = NULL;
	chain->nr = 0;
}
EXPORT_SYMBOL_GPL(xenfront_pool_put);

/**
 * xenfront_pool_trim() - give back what nobody needed since the last trim
 * @pool: the pool
 *
 * Pages that the backend maps persistently stay until it unmaps them, which
 * Linux' does after a minute without use.
 *
 * Context: process.
 */
void xenfront_pool_trim(struct xenfront_pool *pool)
{
	struct xenfront_chain surplus, kept = {};
	struct xenfront_page *xp, *next;
	unsigned int nr, freed = 0;
	unsigned long flags;

	if (!pool->dev)
		return;

	spin_lock_irqsave(&pool->lock, flags);
	nr = min(pool->low, pool->nr_pages - pool->reserve);
	spin_unlock_irqrestore(&pool->lock, flags);

	take_free(pool, nr, &surplus, false);
	for (xp = surplus.head; xp; xp = next) {
		next = xp->next;
		if (page_try_destroy(xp))
			freed++;
		else
			chain_push(&kept, xp);
	}
	xenfront_pool_put(pool, &kept);

	spin_lock_irqsave(&pool->lock, flags);
	pool->nr_pages -= freed;
	pool->low = pool->nr_free;
	spin_unlock_irqrestore(&pool->lock, flags);
}
EXPORT_SYMBOL_GPL(xenfront_pool_trim);
