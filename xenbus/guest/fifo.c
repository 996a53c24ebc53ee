// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pending events as Xen tells of them since 4.4: a word for each port, and for
 * each vCPU queues of ports that are linked by these words.  The vCPU looks at
 * nothing that is another one's.
 *
 * The hypervisor writes to these pages until all channels are closed (reset.c),
 * whatever becomes of who lent them.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/pfn.h>
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

/**
 * struct lent - the pages that the hypervisor has from us
 * @nr_words:	how many pages of words there are
 * @words:	those pages
 * @control:	the vCPUs' control blocks, a page each; NULL: none yet
 *
 * Written under the lock of those who bind ports, or before a CPU gets events.
 */
static struct lent {
	unsigned int nr_words;
	event_word_t *words[MAX_PAGES];
	struct evtchn_fifo_control_block *control[MAX_VIRT_CPUS];
} lent;

/* It has them, and ports are FIFO's.  Written by start and stop. */
static bool is_lent;

static event_word_t *word_of(evtchn_port_t port)
{
	return READ_ONCE(lent.words[port / PER_PAGE]) + port % PER_PAGE;
}

static bool is_there(evtchn_port_t port)
{
	return port / PER_PAGE < READ_ONCE(lent.nr_words);
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

	/* A late EOI after the end: the port is none of FIFO's any more. */
	if (!READ_ONCE(is_lent))
		return;
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
	struct evtchn_fifo_control_block *control = lent.control[vcpu];
	u32 heads[EVTCHN_FIFO_MAX_QUEUES] = {};
	unsigned long ready;
	unsigned int queue;

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

	if (vcpu < MAX_VIRT_CPUS && lent.control[vcpu])
		handle_vcpu(vcpu, loop);
}

static int lend_control(unsigned int vcpu)
{
	struct evtchn_init_control init = {
		.control_gfn = PFN_DOWN(__pa(lent.control[vcpu])),
		.vcpu = vcpu,
	};

	return HYPERVISOR_event_channel_op(EVTCHNOP_init_control, &init);
}

static int lend_words(unsigned int nr)
{
	struct evtchn_expand_array expand = {
		.array_gfn = PFN_DOWN(__pa(lent.words[nr])),
	};
	unsigned int i;

	for (i = 0; i < PER_PAGE; i++)
		lent.words[nr][i] = MASKED;
	return HYPERVISOR_event_channel_op(EVTCHNOP_expand_array, &expand);
}

static int add_control(unsigned int vcpu)
{
	void *page = (void *)get_zeroed_page(GFP_KERNEL);
	int err;

	if (!page)
		return -ENOMEM;
	lent.control[vcpu] = page;
	err = lend_control(vcpu);
	if (err) {
		lent.control[vcpu] = NULL;
		free_page((unsigned long)page);
	}
	return err;
}

static int add_words(void)
{
	unsigned int nr = lent.nr_words;
	void *page = (void *)get_zeroed_page(GFP_KERNEL);
	int err;

	if (!page)
		return -ENOMEM;
	lent.words[nr] = page;
	err = lend_words(nr);
	if (err) {
		lent.words[nr] = NULL;
		free_page((unsigned long)page);
		return err;
	}
	/* Whoever sees that it is there finds it. */
	smp_store_release(&lent.nr_words, nr + 1);
	return 0;
}

static int fifo_cpu_up(unsigned int cpu)
{
	u32 vcpu = guest_vcpu_id(cpu);

	return lent.control[vcpu] ? 0 : add_control(vcpu);
}

static int fifo_setup(evtchn_port_t port)
{
	int err = 0;

	while (!err && !is_there(port))
		err = add_words();
	return err;
}

/* The first one decides whether there is such a thing. */
static int fifo_start(void)
{
	int err = add_control(0);

	is_lent = !err;
	return err;
}

static int fifo_resume(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < MAX_VIRT_CPUS; i++) {
		if (!lent.control[i])
			continue;
		memset(lent.control[i], 0, PAGE_SIZE);
		err = lend_control(i);
	}
	for (i = 0; !err && i < lent.nr_words; i++)
		err = lend_words(i);
	return err;
}

static void fifo_stop(void)
{
	evtchn_port_t port;

	for (port = 0; port < lent.nr_words * PER_PAGE; port++)
		fifo_mask(port);
	WRITE_ONCE(is_lent, false);
	guest_channels_reset();
	/* Before Xen 4.5 it had them as long as the domain lived. */
	WRITE_ONCE(is_lent, guest_fifo_is_in_use());
	if (is_lent)
		pr_warn("xen-guest: the hypervisor goes on writing to the pages of the event queues\n");
}

/* What was not given back is lost rather than somebody else's. */
static void fifo_free(void)
{
	unsigned int i;

	if (!is_lent) {
		for (i = 0; i < MAX_VIRT_CPUS; i++)
			free_page((unsigned long)lent.control[i]);
		for (i = 0; i < lent.nr_words; i++)
			free_page((unsigned long)lent.words[i]);
	}
	memset(&lent, 0, sizeof(lent));
}

/**
 * guest_fifo_is_in_use() - does the hypervisor tell of events that way now?
 *
 * Then it says that this is no page to expand it with, or that it is as large as
 * can be; otherwise, that there is nothing to expand.
 *
 * Context: any.
 * Return: true if it does; if we have not begun with it, somebody else has.
 */
bool guest_fifo_is_in_use(void)
{
	struct evtchn_expand_array nowhere = { .array_gfn = U64_MAX };
	int err = HYPERVISOR_event_channel_op(EVTCHNOP_expand_array, &nowhere);

	return err == -EINVAL || err == -ENOSPC;
}

const struct guest_events_ops guest_fifo_ops = {
	.name = "FIFO",
	.max = EVTCHN_FIFO_NR_CHANNELS,
	.start = fifo_start,
	.resume = fifo_resume,
	.stop = fifo_stop,
	.free = fifo_free,
	.cpu_up = fifo_cpu_up,
	.setup = fifo_setup,
	.clear = fifo_clear,
	.set = fifo_set,
	.mask = fifo_mask,
	.unmask = fifo_unmask,
	.handle = fifo_handle,
};
