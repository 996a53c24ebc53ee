// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making a request's data visible to the backend, and hiding it again.
 *
 * Either the data is copied through pages of ours that stay granted, packed
 * from the first byte of the first page whatever its layout in memory; or the
 * block layer's own pages are granted for the time of the request.
 *
 * A request may carry less than all of its data: when memory or grants are
 * short, or when a backend takes less than the one before did.  The rest goes
 * in the next turn, so shortage costs time and nothing else.
 */
#include <linux/bio.h>
#include <linux/blk-mq.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xenfront.h>

#include "blkfront.h"

static unsigned int indirect_pages(unsigned int nr_segs)
{
	if (nr_segs <= BLKIF_MAX_SEGMENTS_PER_REQUEST)
		return 0;
	return DIV_ROUND_UP(nr_segs, BLKFRONT_SEGS_PER_PAGE);
}

static struct xenfront_page *first_data_page(const struct blkfront_slot *slot)
{
	struct xenfront_page *xp = slot->chain.head;
	unsigned int i;

	for (i = 0; i < slot->nr_indirect; i++)
		xp = xp->next;
	return xp;
}

/* Where segment descriptions are written: into the slot, or page by page. */
struct seg_cursor {
	struct blkif_request_segment *seg;
	struct xenfront_page *page;
	unsigned int left;
};

static void seg_start(struct seg_cursor *cur, struct blkfront_slot *slot)
{
	if (slot->nr_indirect) {
		cur->page = slot->chain.head;
		cur->seg = page_address(cur->page->page);
		cur->left = BLKFRONT_SEGS_PER_PAGE;
	} else {
		cur->seg = slot->segs;
		cur->left = BLKIF_MAX_SEGMENTS_PER_REQUEST;
	}
}

/* The caller has seen to it that there are pages for as many as it writes. */
static void seg_write(struct seg_cursor *cur, grant_ref_t ref,
		      unsigned int offset, unsigned int len)
{
	if (!cur->left) {
		cur->page = cur->page->next;
		cur->seg = page_address(cur->page->page);
		cur->left = BLKFRONT_SEGS_PER_PAGE;
	}
	*cur->seg++ = (struct blkif_request_segment) {
		.gref = ref,
		.first_sect = offset >> SECTOR_SHIFT,
		.last_sect = ((offset + len) >> SECTOR_SHIFT) - 1,
	};
	cur->left--;
}

/* ------------------------------------------------------------------------
 * copied data
 */

/* Where in our pages the next byte goes to, or comes from. */
struct copy_cursor {
	struct xenfront_page *page;
	unsigned int offset;
	unsigned int left;
};

static void copy_segment(struct copy_cursor *cur, const struct bio_vec *bv,
			 bool out)
{
	unsigned int done = 0, len;
	void *ours, *theirs;

	theirs = kmap_local_page(bv->bv_page) + bv->bv_offset;
	while (done < bv->bv_len && cur->left) {
		len = min3(bv->bv_len - done, cur->left,
			   (unsigned int)XEN_PAGE_SIZE - cur->offset);
		ours = page_address(cur->page->page) + cur->offset;
		if (out)
			memcpy(theirs + done, ours, len);
		else
			memcpy(ours, theirs + done, len);

		done += len;
		cur->left -= len;
		cur->offset += len;
		if (cur->offset == XEN_PAGE_SIZE) {
			cur->page = cur->page->next;
			cur->offset = 0;
		}
	}
	kunmap_local(theirs);
	if (out)
		flush_dcache_page(bv->bv_page);
}

static void copy(struct request *rq, bool out)
{
	struct blkfront_slot *slot = blkfront_slot(rq);
	struct copy_cursor cur = {
		.page = first_data_page(slot),
		.left = slot->bytes,
	};
	struct req_iterator iter;
	struct bio_vec bv;

	rq_for_each_segment(bv, rq, iter) {
		if (!cur.left)
			break;
		copy_segment(&cur, &bv, out);
	}
}

/* What of a request goes in one turn. */
static unsigned int max_segments(const struct blkfront *bf, struct request *rq)
{
	/* There is no indirect barrier. */
	if (blkfront_slot(rq)->op == BLKIF_OP_WRITE_BARRIER)
		return min_t(unsigned int, bf->config.max_segments,
			     BLKIF_MAX_SEGMENTS_PER_REQUEST);
	return bf->config.max_segments;
}

static blk_status_t map_copied(struct blkfront *bf, struct request *rq)
{
	struct blkfront_slot *slot = blkfront_slot(rq);
	unsigned int bytes = blk_rq_bytes(rq), nr, i;
	struct xenfront_page *xp;
	struct seg_cursor cur;

	nr = min_t(unsigned int, DIV_ROUND_UP(bytes, XEN_PAGE_SIZE),
		   max_segments(bf, rq));
	xenfront_pool_get(&slot->ring->pool, nr + indirect_pages(nr),
			  &slot->chain);
	if (slot->chain.nr < nr + indirect_pages(nr)) {
		/*
		 * Others will put pages back: better to wait than to go in
		 * small pieces.  If there are no others, as much as there are
		 * pages for.
		 */
		if (xenfront_pool_in_use(&slot->ring->pool) > slot->chain.nr)
			nr = 0;
		nr = min(nr, slot->chain.nr);
		while (nr + indirect_pages(nr) > slot->chain.nr)
			nr--;
	}
	if (!nr) {
		xenfront_pool_put(&slot->ring->pool, &slot->chain);
		return BLK_STS_RESOURCE;
	}

	slot->copied = true;
	slot->nr_segs = nr;
	slot->nr_indirect = indirect_pages(nr);
	slot->bytes = min_t(unsigned int, bytes, nr * XEN_PAGE_SIZE);

	seg_start(&cur, slot);
	xp = first_data_page(slot);
	for (i = 0, bytes = slot->bytes; i < nr; i++, xp = xp->next) {
		unsigned int len = min_t(unsigned int, bytes, XEN_PAGE_SIZE);

		seg_write(&cur, xp->ref, 0, len);
		bytes -= len;
	}
	if (rq_data_dir(rq) == WRITE)
		copy(rq, false);
	return BLK_STS_OK;
}

/**
 * blkfront_data_copy_out() - hand read data to those who asked for it
 * @rq: a read that was answered well
 *
 * Context: any.
 */
void blkfront_data_copy_out(struct request *rq)
{
	if (blkfront_slot(rq)->copied)
		copy(rq, true);
}

/* ------------------------------------------------------------------------
 * granted data
 */

/* Goes through a request's data in pieces that do not cross a Xen page. */
struct piece_cursor {
	struct req_iterator iter;
	struct page *page;
	unsigned int offset;	/* within the Xen page */
	unsigned long gfn;
	unsigned int len;
};

static void piece_start(struct piece_cursor *pc, struct request *rq)
{
	pc->iter.bio = rq->bio;
	pc->iter.iter = rq->bio->bi_iter;
}

static bool piece_next(struct piece_cursor *pc)
{
	struct bio_vec bv;
	unsigned int at;

	while (!pc->iter.iter.bi_size) {
		pc->iter.bio = pc->iter.bio->bi_next;
		if (!pc->iter.bio)
			return false;
		pc->iter.iter = pc->iter.bio->bi_iter;
	}
	bv = bio_iter_iovec(pc->iter.bio, pc->iter.iter);
	at = bv.bv_offset % XEN_PAGE_SIZE;
	pc->page = bv.bv_page;
	pc->offset = at;
	pc->gfn = xen_page_to_gfn(bv.bv_page) + bv.bv_offset / XEN_PAGE_SIZE;
	pc->len = min_t(unsigned int, bv.bv_len, XEN_PAGE_SIZE - at);
	bio_advance_iter_single(pc->iter.bio, &pc->iter.iter, pc->len);
	return true;
}

/*
 * How many segments, up to @max, and how many bytes they hold in whole
 * logical blocks.  False if a page must not be granted: a slab page cannot be
 * kept back if the backend fails to unmap it.
 */
static bool measure(struct blkfront *bf, struct request *rq, unsigned int max,
		    unsigned int *nr, unsigned int *bytes)
{
	struct piece_cursor pc;
	unsigned int total = 0, n = 0;

	piece_start(&pc, rq);
	while (n < max && piece_next(&pc)) {
		if (!sendpage_ok(pc.page))
			return false;
		total += pc.len;
		n++;
	}
	*nr = n;
	*bytes = total == blk_rq_bytes(rq) ? total :
		 round_down(total, bf->config.logical);
	return true;
}

/* Room for the grants' numbers: ours alone, the backend can write to its. */
static unsigned int alloc_refs(struct blkfront_slot *slot, unsigned int nr)
{
	if (nr > BLKIF_MAX_SEGMENTS_PER_REQUEST)
		xenfront_pool_get(&slot->ring->pool, indirect_pages(nr),
				  &slot->chain);
	if (slot->chain.nr && slot->chain.nr == indirect_pages(nr))
		slot->refs = kmalloc_array(nr, sizeof(*slot->refs),
					   GFP_NOWAIT | __GFP_NOWARN);
	if (slot->refs) {
		slot->nr_indirect = slot->chain.nr;
		return nr;
	}
	xenfront_pool_put(&slot->ring->pool, &slot->chain);
	return min_t(unsigned int, nr, BLKIF_MAX_SEGMENTS_PER_REQUEST);
}

static blk_status_t map_granted(struct blkfront *bf, struct request *rq,
				unsigned int nr, unsigned int bytes)
{
	struct blkfront_slot *slot = blkfront_slot(rq);
	bool readonly = rq_data_dir(rq) == WRITE;
	unsigned int wanted = nr, left, i;
	struct piece_cursor pc;
	struct seg_cursor cur;
	grant_ref_t head, ref;

	nr = alloc_refs(slot, nr);
	while (nr && gnttab_alloc_grant_references(nr, &head) < 0)
		nr /= 2;
	if (nr < wanted)
		measure(bf, rq, nr, &nr, &bytes);
	if (!nr || !bytes)
		goto err_free_refs;

	slot->bytes = bytes;
	seg_start(&cur, slot);
	piece_start(&pc, rq);
	for (i = 0, left = bytes; left; i++) {
		piece_next(&pc);
		ref = gnttab_claim_grant_reference(&head);
		gnttab_grant_foreign_access_ref(ref, bf->xf.dev->otherend_id,
						pc.gfn, readonly);
		if (slot->refs)
			slot->refs[i] = ref;
		pc.len = min(pc.len, left);
		seg_write(&cur, ref, pc.offset, pc.len);
		left -= pc.len;
	}
	slot->nr_segs = i;
	/* Rounding down to whole blocks may have left some over. */
	if (i < nr)
		gnttab_free_grant_references(head);
	return BLK_STS_OK;

err_free_refs:
	if (nr)
		gnttab_free_grant_references(head);
	kfree(slot->refs);
	slot->refs = NULL;
	slot->nr_indirect = 0;
	xenfront_pool_put(&slot->ring->pool, &slot->chain);
	return BLK_STS_RESOURCE;
}

static grant_ref_t *ref_of(struct blkfront_slot *slot, unsigned int i)
{
	return slot->refs ? &slot->refs[i] : &slot->segs[i].gref;
}

/* Park one page for as long as the backend keeps it mapped. */
static void park(struct request *rq, unsigned int i, grant_ref_t ref)
{
	struct piece_cursor pc;

	piece_start(&pc, rq);
	do {
		if (!piece_next(&pc)) {
			gnttab_end_foreign_access(ref, NULL);
			return;
		}
	} while (i--);
	get_page(pc.page);
	gnttab_end_foreign_access(ref, pc.page);
}

static unsigned int revoke(struct request *rq, bool force)
{
	struct blkfront_slot *slot = blkfront_slot(rq);
	unsigned int i, held = 0;
	grant_ref_t *ref;

	for (i = 0; i < slot->nr_segs; i++) {
		ref = ref_of(slot, i);
		if (*ref == INVALID_GRANT_REF)
			continue;
		if (!gnttab_try_end_foreign_access(*ref)) {
			held++;
			if (!force)
				continue;
			park(rq, i, *ref);
		}
		*ref = INVALID_GRANT_REF;
	}
	return held;
}

/**
 * blkfront_data_map() - show the backend a request's data, or some of it
 * @bf:	the disk
 * @rq:	a read or write; its slot says what is shown afterwards
 *
 * Context: any; does not sleep.
 * Return: BLK_STS_OK, or BLK_STS_RESOURCE when there is not enough memory or
 *	   grants for even a little of it.
 */
blk_status_t blkfront_data_map(struct blkfront *bf, struct request *rq)
{
	unsigned int nr, bytes;

	if (bf->config.bounce ||
	    !measure(bf, rq, max_segments(bf, rq), &nr, &bytes) || !bytes)
		return map_copied(bf, rq);
	return map_granted(bf, rq, nr, bytes);
}

/**
 * blkfront_data_unmap() - hide a request's data again
 * @rq:		the request
 * @force:	pages that the backend still maps are parked until it lets go
 *
 * The request's data must be the same as when it was mapped.
 *
 * Context: any; does not sleep.
 * Return: how many pages the backend still maps; unless @force is set, they
 *	   and the slot are as they were and can be tried again.
 */
unsigned int blkfront_data_unmap(struct request *rq, bool force)
{
	struct blkfront_slot *slot = blkfront_slot(rq);
	unsigned int held = 0;

	if (!slot->copied && slot->nr_segs) {
		held = revoke(rq, force);
		if (held && !force)
			return held;
	}
	kfree(slot->refs);
	slot->refs = NULL;
	slot->nr_segs = 0;
	slot->nr_indirect = 0;
	slot->copied = false;
	xenfront_pool_put(&slot->ring->pool, &slot->chain);
	return held;
}
