// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pending events as every Xen tells of them: a bit for each port in the shared
 * info page, and for each vCPU one word that says where to look.
 */
#include <linux/bitops.h>
#include <linux/smp.h>
#include <asm/barrier.h>
#include <asm/sync_bitops.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/event_channel.h>

#include "guest.h"

static unsigned long *pending(void)
{
	return (unsigned long *)guest_shared_info()->evtchn_pending;
}

static unsigned long *masked(void)
{
	return (unsigned long *)guest_shared_info()->evtchn_mask;
}

static int twolevel_cpu_up(unsigned int cpu)
{
	return 0;
}

static int twolevel_setup(evtchn_port_t port)
{
	return 0;
}

static void twolevel_clear(evtchn_port_t port)
{
	sync_clear_bit(port, pending());
}

static void twolevel_set(evtchn_port_t port)
{
	sync_set_bit(port, pending());
}

static void twolevel_mask(evtchn_port_t port)
{
	sync_set_bit(port, masked());
}

/*
 * The hypervisor marks the vCPU if the port is pending and still masked, so it
 * has to be, when the hypervisor is asked.
 */
static void twolevel_unmask(evtchn_port_t port, unsigned int cpu)
{
	struct evtchn_unmask unmask = { .port = port };

	if (cpu == smp_processor_id()) {
		sync_clear_bit(port, masked());
		if (!sync_test_bit(port, pending()))
			return;
		sync_set_bit(port, masked());
	}
	HYPERVISOR_event_channel_op(EVTCHNOP_unmask, &unmask);
}

static void twolevel_handle(struct guest_event_loop *loop)
{
	struct vcpu_info *info = guest_vcpu_info(loop->cpu);
	unsigned long words, bits;
	unsigned int word, bit;

	/* A word has the ports of all CPUs. */
	loop->own = true;
	words = xchg(&info->evtchn_pending_sel, 0);
	for_each_set_bit(word, &words, BITS_PER_LONG) {
		bits = READ_ONCE(pending()[word]) & ~READ_ONCE(masked()[word]);
		for_each_set_bit(bit, &bits, BITS_PER_LONG)
			guest_events_handle(word * BITS_PER_LONG + bit, loop);
	}
}

/* Nobody hears of a port before it is bound. */
static int twolevel_start(void)
{
	struct vcpu_info *info = guest_shared_info()->vcpu_info;
	unsigned int word, i;

	for (word = 0; word < BITS_PER_LONG; word++)
		WRITE_ONCE(masked()[word], ~0UL);
	/*
	 * What came before anybody listened has left its mark, and while that
	 * is there the hypervisor tells the vCPU of nothing more.
	 */
	virt_mb();
	for (i = 0; i < MAX_VIRT_CPUS; i++)
		WRITE_ONCE(info[i].evtchn_pending_sel, 0);
	return 0;
}

static void twolevel_stop(void)
{
	twolevel_start();
}

const struct guest_events_ops guest_twolevel_ops = {
	.name = "2-level",
	.max = EVTCHN_2L_NR_CHANNELS,
	.start = twolevel_start,
	.resume = twolevel_start,
	.stop = twolevel_stop,
	.cpu_up = twolevel_cpu_up,
	.setup = twolevel_setup,
	.clear = twolevel_clear,
	.set = twolevel_set,
	.mask = twolevel_mask,
	.unmask = twolevel_unmask,
	.handle = twolevel_handle,
};
