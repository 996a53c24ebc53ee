// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pending events as Xen tells of them since 4.4: a word for each port, and for
 * each vCPU queues of ports that are linked by these words.  The vCPU looks at
 * nothing that is another one's.
 *
 * What begins that way cannot end: the hypervisor writes to these pages as long
 * as the domain lives.  So they are never freed, and the next one who loads
 * this module finds them, by a number in the shared info page that only PV
 * guests have another use for.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <asm/cmpxchg.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/event_channel.h>

#include "guest.h"

#define PENDING		BIT(EVTCHN_FIFO_PENDING)
#define MASKED		BIT(EVTCHN_FIFO_MASKED)
#define LINKED		BIT(EVTCHN_FIFO_LINKED)
#define BUSY		BIT(EVTCHN_FIFO_BUSY)

#define PER_PAGE	(PAGE_SIZE / sizeof(event_word_t))
#define MAX_PAGES	(EVTCHN_FIFO_NR_CHANNELS / PER_PAGE)

/* "xenfront FIFO 1": changed whenever the structure is. */
#define MAGIC		0x31304f4649466678ULL

/**
 * struct lent - the pages that the hypervisor has from us
 * @magic:	MAGIC, or this is something else
 * @pfn:	where the structure itself is
 * @nr_words:	how many pages of words there are
 * @words:	their frame numbers
 * @control:	the frame numbers of the vCPUs' control blocks; 0: none yet
 *
 * In a page of its own, and never freed.  Written under the lock of those who
 * bind ports, or before a CPU gets events.
 */
struct lent {
	u64 magic;
	u64 pfn;
	u64 nr_words;
	u64 words[MAX_PAGES];
	u64 control[MAX_VIRT_CPUS];
};

static struct lent *lent;

static void *at(u64 pfn)
{
	return pfn_to_kaddr(pfn);
}

static event_word_t *word_of(evtchn_port_t port)
{
	event_word_t *words = at(READ_ONCE(lent->words[port / PER_PAGE]));

	return words + port % PER_PAGE;
}

static bool is_there(evtchn_port_t port)
{
	return port / PER_PAGE < READ_ONCE(lent->nr_words);
}

/* Another processor may be the hypervisor's, even if we have but one. */
static event_word_t change(event_word_t *word, event_word_t clear,
			   event_word_t set)
{
	event_word_t old, now = READ_ONCE(*word);

	do {
		old = now;
		now = sync_cmpxchg(word, old, (old & ~clear) | set);
	} while (now != old);
	return old;
}

static void fifo_clear(evtchn_port_t port)
{
	change(word_of(port), PENDING, 0);
}

static void fifo_set(evtchn_port_t port)
{
	change(word_of(port), 0, PENDING);
}

static void fifo_mask(evtchn_port_t port)
{
	if (is_there(port))
		change(word_of(port), 0, MASKED);
}

/*
 * The hypervisor has to link it if it is pending; and must not be disturbed
 * while it is busy linking others to it.
 */
static void fifo_unmask(evtchn_port_t port, unsigned int cpu)
{
	struct evtchn_unmask unmask = { .port = port };
	event_word_t *word = word_of(port);
	event_word_t old = READ_ONCE(*word);

	if (!(old & (PENDING | BUSY)) &&
	    sync_cmpxchg(word, old, old & ~MASKED) == old)
		return;
	HYPERVISOR_event_channel_op(EVTCHNOP_unmask, &unmask);
}

/* Take the first port off a queue; returns the one after it, or 0. */
static u32 take(u32 port, struct guest_event_loop *loop)
{
	event_word_t old;

	if (!is_there(port)) {
		pr_err_ratelimited("xen-guest: the hypervisor tells of port %u, which there is not\n",
				   port);
		return 0;
	}
	old = change(word_of(port), LINKED | EVTCHN_FIFO_LINK_MASK, 0);
	if ((old & (PENDING | MASKED)) == PENDING)
		guest_events_handle(port, loop);
	return old & EVTCHN_FIFO_LINK_MASK;
}

static void handle_vcpu(unsigned int vcpu, struct guest_event_loop *loop)
{
	struct evtchn_fifo_control_block *control;
	u32 heads[EVTCHN_FIFO_MAX_QUEUES] = {};
	unsigned long ready;
	unsigned int queue;

	control = at(lent->control[vcpu]);
	ready = xchg(&control->ready, 0);
	while (ready) {
		/* The first one is the most urgent. */
		queue = __ffs(ready);
		if (queue >= EVTCHN_FIFO_MAX_QUEUES)
			return;
		if (!heads[queue]) {
			/* That it is ready comes after its head. */
			virt_rmb();
			heads[queue] = READ_ONCE(control->head[queue]);
		}
		heads[queue] = take(heads[queue], loop);
		if (!heads[queue])
			__clear_bit(queue, &ready);
		ready |= xchg(&control->ready, 0);
	}
}

static void fifo_handle(struct guest_event_loop *loop)
{
	u32 vcpu = guest_vcpu_id(loop->cpu);

	if (vcpu < MAX_VIRT_CPUS && lent->control[vcpu])
		handle_vcpu(vcpu, loop);
}

/* Reserved: a kernel that does not know of it (kexec) has it otherwise. */
static u64 new_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!page)
		return 0;
	SetPageReserved(page);
	return page_to_pfn(page);
}

static void free_page_at(u64 pfn)
{
	struct page *page = pfn_to_page(pfn);

	ClearPageReserved(page);
	__free_page(page);
}

static bool is_ours(u64 pfn)
{
	return pfn && pfn_valid(pfn) && PageReserved(pfn_to_page(pfn));
}

static int lend_control(unsigned int vcpu, u64 pfn)
{
	struct evtchn_init_control init = {
		.control_gfn = pfn,
		.vcpu = vcpu,
	};

	return HYPERVISOR_event_channel_op(EVTCHNOP_init_control, &init);
}

static int lend_words(u64 pfn)
{
	struct evtchn_expand_array expand = { .array_gfn = pfn };
	event_word_t *words = at(pfn);
	unsigned int i;

	for (i = 0; i < PER_PAGE; i++)
		words[i] = MASKED;
	return HYPERVISOR_event_channel_op(EVTCHNOP_expand_array, &expand);
}

static int add_control(unsigned int vcpu)
{
	u64 pfn = new_page();
	int err;

	if (!pfn)
		return -ENOMEM;
	err = lend_control(vcpu, pfn);
	if (err)
		free_page_at(pfn);
	else
		lent->control[vcpu] = pfn;
	return err;
}

static int fifo_cpu_up(unsigned int cpu)
{
	u32 vcpu = guest_vcpu_id(cpu);

	return lent->control[vcpu] ? 0 : add_control(vcpu);
}

static int fifo_setup(evtchn_port_t port)
{
	u64 pfn;
	int err;

	while (!is_there(port)) {
		pfn = new_page();
		if (!pfn)
			return -ENOMEM;
		err = lend_words(pfn);
		if (err) {
			free_page_at(pfn);
			return err;
		}
		lent->words[lent->nr_words] = pfn;
		/* Whoever sees that it is there finds it. */
		smp_store_release(&lent->nr_words, lent->nr_words + 1);
	}
	return 0;
}

static void fifo_stop(void)
{
	evtchn_port_t port;

	for (port = 0; port < lent->nr_words * PER_PAGE; port++)
		fifo_mask(port);
}

/* Who has been here before? */
static struct lent *find_lent(void)
{
	u64 pfn = guest_shared_info()->arch.pfn_to_mfn_frame_list_list;
	struct lent *found;
	unsigned int i;

	if (!is_ours(pfn))
		return NULL;
	found = at(pfn);
	if (found->magic != MAGIC || found->pfn != pfn ||
	    found->nr_words > MAX_PAGES || !found->control[0])
		return NULL;
	for (i = 0; i < found->nr_words; i++)
		if (!is_ours(found->words[i]))
			return NULL;
	for (i = 0; i < MAX_VIRT_CPUS; i++)
		if (found->control[i] && !is_ours(found->control[i]))
			return NULL;
	return found;
}

/* Queues are empty but for what has come since nobody looked. */
static void adopt(struct lent *found)
{
	struct guest_event_loop loop = {};
	unsigned int vcpu;

	lent = found;
	fifo_stop();
	for (vcpu = 0; vcpu < MAX_VIRT_CPUS; vcpu++)
		if (lent->control[vcpu])
			handle_vcpu(vcpu, &loop);
}

static void remember(void)
{
	guest_shared_info()->arch.pfn_to_mfn_frame_list_list = lent->pfn;
}

static int fifo_start(void)
{
	struct lent *found = find_lent();
	u64 pfn;
	int err;

	BUILD_BUG_ON(sizeof(struct lent) > PAGE_SIZE);

	if (found) {
		adopt(found);
		return 0;
	}
	pfn = new_page();
	if (!pfn)
		return -ENOMEM;
	lent = at(pfn);
	lent->magic = MAGIC;
	lent->pfn = pfn;
	/* The first one decides whether there is such a thing. */
	err = add_control(0);
	if (err) {
		free_page_at(pfn);
		lent = NULL;
		return err;
	}
	remember();
	return 0;
}

static int fifo_resume(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < MAX_VIRT_CPUS; i++) {
		if (!lent->control[i])
			continue;
		memset(at(lent->control[i]), 0, PAGE_SIZE);
		err = lend_control(i, lent->control[i]);
	}
	for (i = 0; !err && i < lent->nr_words; i++)
		err = lend_words(lent->words[i]);
	remember();
	return err;
}

/**
 * guest_fifo_is_lent() - did an earlier one of us begin with it?
 *
 * Context: any; the shared info page is there.
 * Return: true if there is no way back.
 */
bool guest_fifo_is_lent(void)
{
	return find_lent();
}

const struct guest_events_ops guest_fifo_ops = {
	.name = "FIFO",
	.max = EVTCHN_FIFO_NR_CHANNELS,
	.start = fifo_start,
	.resume = fifo_resume,
	.stop = fifo_stop,
	.cpu_up = fifo_cpu_up,
	.setup = fifo_setup,
	.clear = fifo_clear,
	.set = fifo_set,
	.mask = fifo_mask,
	.unmask = fifo_unmask,
	.handle = fifo_handle,
};
