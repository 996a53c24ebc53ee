// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the hypervisor interrupts us when there are events.
 *
 * Each vCPU has an interrupt vector of its own, so that queues of a device are
 * served side by side.  Xen learned that with 4.5 or so; before, or if a
 * parameter says so, the platform device's interrupt line has to do, and vCPU 0
 * takes all events.
 *
 * The vectors are managed interrupts of the kernel: they belong to one CPU, are
 * shut down when it goes, and nobody can move them.
 */
#include <linux/bottom_half.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/errno.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/hvm/hvm_op.h>
#include <xen/interface/hvm/params.h>

#include "guest.h"

/*
 * "xenfront", in a field of the shared info page that only PV guests have another
 * use for: in this domain's life vectors were announced, maybe by another kernel.
 */
#define VECTORS_ANNOUNCED	0x746e6f72666e6578UL

/* HVM_PARAM_CALLBACK_IRQ: a line of a PCI device. */
#define VIA_TYPE_SHIFT	56
#define VIA_BUS_SHIFT	16
#define VIA_DEVFN_SHIFT	8

static bool vector = true;
module_param(vector, bool, 0444);
MODULE_PARM_DESC(vector, "Take events by an interrupt vector of each vCPU (default: yes); else by the platform device's interrupt line, on one vCPU");

/* 0: none.  Written by init and exit. */
static DEFINE_PER_CPU(unsigned int, upcall_irq);
/* The hypervisor was told of the CPU's vector.  Written on the CPU. */
static DEFINE_PER_CPU(bool, has_vector);
/* The line is ours. */
static bool line;
static enum cpuhp_state online_state, dead_state;

static bool take_events(unsigned int cpu)
{
	struct guest_event_loop loop = { .cpu = cpu, .start = jiffies };
	struct vcpu_info *info = guest_vcpu_info(cpu);
	bool any = false;

	if (!info)
		return false;

	while (READ_ONCE(info->evtchn_upcall_pending)) {
		WRITE_ONCE(info->evtchn_upcall_pending, 0);
		/* What comes after we have looked sets it again. */
		virt_mb();
		guest_events_ops->handle(&loop);
		any = true;
	}
	return any;
}

static irqreturn_t vector_interrupt(int irq, void *data)
{
	take_events(smp_processor_id());
	/* That there is nothing any more is no fault of the vector's. */
	return IRQ_HANDLED;
}

static unsigned int first_cpu(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		if (guest_vcpu_id(cpu) == 0)
			return cpu;
	return 0;
}

static irqreturn_t line_interrupt(int irq, void *data)
{
	return take_events(first_cpu()) ? IRQ_HANDLED : IRQ_NONE;
}

/* via: HVM_PARAM_CALLBACK_IRQ; 0 is none. */
static int name_line(u64 via)
{
	struct xen_hvm_param param = {
		.domid = DOMID_SELF,
		.index = HVM_PARAM_CALLBACK_IRQ,
		.value = via,
	};

	return HYPERVISOR_hvm_op(HVMOP_set_param, &param);
}

/**
 * guest_upcall_announce() - tell the hypervisor that we take events
 *
 * The line is named even where vectors are used, which come first: toolstacks
 * take it as the sign that the guest knows Xen, and does what it is asked.
 *
 * Context: any.
 * Return: 0, or a negative errno.
 */
int guest_upcall_announce(void)
{
	struct pci_dev *pdev = guest_platform_device();

	return name_line((u64)HVM_PARAM_CALLBACK_TYPE_PCI_INTX << VIA_TYPE_SHIFT |
			 (u64)pdev->bus->number << VIA_BUS_SHIFT |
			 (u64)pdev->devfn << VIA_DEVFN_SHIFT |
			 (pdev->pin ? pdev->pin - 1 : 0));
}

/**
 * guest_upcall_renounce() - undo guest_upcall_announce()
 *
 * Context: any.
 */
void guest_upcall_renounce(void)
{
	name_line(0);
}

/**
 * guest_upcall_reaches() - can a CPU get events?
 * @cpu: the CPU
 *
 * Context: any.
 * Return: whether it can.
 */
bool guest_upcall_reaches(unsigned int cpu)
{
	if (line)
		return guest_vcpu_id(cpu) == 0;
	return per_cpu(has_vector, cpu);
}

static int name_vector(u32 vcpu, u8 number)
{
	struct xen_hvm_evtchn_upcall_vector upcall = {
		.vcpu = vcpu,
		.vector = number,
	};

	return HYPERVISOR_hvm_op(HVMOP_set_evtchn_upcall_vector, &upcall);
}

static int vector_announce(unsigned int cpu)
{
	struct irq_cfg *cfg =
		irqd_cfg(irq_get_irq_data(per_cpu(upcall_irq, cpu)));
	int err;

	if (!cfg || !cfg->vector || cfg->vector > U8_MAX)
		return -ENXIO;
	err = name_vector(guest_vcpu_id(cpu), cfg->vector);
	if (!err)
		guest_shared_info()->arch.pfn_to_mfn_frame_list_list =
			VECTORS_ANNOUNCED;
	return err;
}

/*
 * Once the hypervisor was told of a vector there is no way back to the line: it
 * takes no other one than a vector, for as long as the domain lives.
 */
static bool __init were_vectors_announced(void)
{
	return guest_shared_info()->arch.pfn_to_mfn_frame_list_list ==
	       VECTORS_ANNOUNCED;
}

/**
 * guest_upcall_park() - have vectors that nobody serves any more do no harm
 *
 * They are a former kernel's, or a former load's of this module, and the
 * hypervisor uses them as soon as a line is named.  Until each CPU has one of
 * its own, the one of irq work has to do: whose handler looks whether there is
 * any, and finds none.
 *
 * Context: process; the shared info page is there.
 */
void __init guest_upcall_park(void)
{
	u32 vcpu = 0;

	if (!were_vectors_announced())
		return;
	/* Beyond the last there is an error. */
	while (!name_vector(vcpu, IRQ_WORK_VECTOR))
		vcpu++;
}

/* Of what is pending already the hypervisor may never tell. */
static void take_leftovers(unsigned int cpu)
{
	unsigned long flags;

	/* Softirqs that handlers raise: no interrupt ends here to run them. */
	local_bh_disable();
	local_irq_save(flags);
	take_events(cpu);
	local_irq_restore(flags);
	local_bh_enable();
}

static int cpu_online_step(unsigned int cpu)
{
	int err;

	guest_vcpu_identify();
	if (!guest_vcpu_info(cpu)) {
		pr_info_once("xen-guest: CPU %u and others from vCPU %u on get no events\n",
			     cpu, guest_vcpu_id(cpu));
		return 0;
	}
	err = guest_events_ops->cpu_up(cpu);
	if (err) {
		pr_err("xen-guest: CPU %u gets no events: %d\n", cpu, err);
		return 0;
	}
	if (line)
		return 0;
	err = vector_announce(cpu);
	if (err)
		pr_info("xen-guest: CPU %u has no vector for events: %d\n", cpu, err);
	per_cpu(has_vector, cpu) = !err;
	if (!err)
		take_leftovers(cpu);
	return 0;
}

static int cpu_offline_step(unsigned int cpu)
{
	/* Events go elsewhere from now on; the kernel moves those that are. */
	per_cpu(has_vector, cpu) = false;
	return 0;
}

/* What the CPU was told of before its events were moved. */
static int cpu_dead_step(unsigned int cpu)
{
	take_leftovers(cpu);
	return 0;
}

static void vectors_free(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		unsigned int irq = per_cpu(upcall_irq, cpu);

		if (!irq)
			continue;
		free_irq(irq, guest_platform_device());
		irq_dispose_mapping(irq);
		per_cpu(upcall_irq, cpu) = 0;
	}
}

static int vector_alloc(unsigned int cpu, struct irq_affinity_desc *affinity)
{
	struct irq_alloc_info info = {};
	int irq, err;

	/* Without SMP the kernel starts no managed interrupt. */
	affinity->is_managed = IS_ENABLED(CONFIG_SMP);
	cpumask_copy(&affinity->mask, cpumask_of(cpu));
	irq = __irq_domain_alloc_irqs(x86_vector_domain, -1, 1,
				      cpu_to_node(cpu), &info, false, affinity);
	if (irq <= 0)
		return irq ?: -ENOSPC;
	irq_set_handler(irq, handle_edge_irq);
	err = request_irq(irq, vector_interrupt,
			  IRQF_NOBALANCING | IRQF_NO_SUSPEND | IRQF_NO_THREAD,
			  "xen-guest", guest_platform_device());
	if (err) {
		irq_dispose_mapping(irq);
		return err;
	}
	per_cpu(upcall_irq, cpu) = irq;
	return 0;
}

static int __init vectors_alloc(void)
{
	struct irq_affinity_desc *affinity;
	unsigned int cpu;
	int err = 0;

	if (!x86_vector_domain)
		return -ENODEV;
	affinity = kzalloc_obj(*affinity, GFP_KERNEL);
	if (!affinity)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		err = vector_alloc(cpu, affinity);
		if (err)
			break;
	}
	kfree(affinity);
	if (err)
		vectors_free();
	return err;
}

static int line_request(void)
{
	struct pci_dev *pdev = guest_platform_device();
	int err;

	if (!pdev->irq || !pdev->pin) {
		dev_err(&pdev->dev, "has no interrupt line\n");
		return -ENODEV;
	}
	/* Which may be a dead kernel's, and this one on another. */
	if (guest_vcpu_id(first_cpu()) != 0) {
		dev_err(&pdev->dev,
			"interrupts vCPU 0 alone, which does not run\n");
		return -ENODEV;
	}
	err = request_irq(pdev->irq, line_interrupt,
			  IRQF_SHARED | IRQF_NOBALANCING | IRQF_NO_SUSPEND |
			  IRQF_NO_THREAD, "xen-guest", pdev);
	if (err) {
		dev_err(&pdev->dev, "cannot have interrupt %u: %d\n",
			pdev->irq, err);
		return err;
	}
	/* Which the hypervisor raises for that CPU. */
	irq_set_affinity(pdev->irq, cpumask_of(first_cpu()));
	return 0;
}

static bool __init is_vector_announced(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		if (per_cpu(has_vector, cpu))
			return true;
	return false;
}

/**
 * guest_upcall_resume() - tell a hypervisor that knows nothing of the vectors
 *
 * Context: one CPU runs, interrupts are off.
 */
void guest_upcall_resume(void)
{
	unsigned int cpu;
	int err;

	if (line)
		return;
	for_each_online_cpu(cpu) {
		if (!per_cpu(has_vector, cpu))
			continue;
		err = vector_announce(cpu);
		if (err)
			pr_err("xen-guest: CPU %u has lost its vector for events: %d\n",
			       cpu, err);
		else
			take_events(cpu);
	}
}

static void remove_cpu_states(void)
{
	cpuhp_remove_state_nocalls(dead_state);
	cpuhp_remove_state_nocalls(online_state);
}

static int __init add_cpu_states(void)
{
	int ret;

	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "xen/guest:online",
				cpu_online_step, cpu_offline_step);
	if (ret < 0)
		return ret;
	online_state = ret;

	ret = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "xen/guest:dead",
					NULL, cpu_dead_step);
	if (ret < 0) {
		cpuhp_remove_state_nocalls(online_state);
		return ret;
	}
	dead_state = ret;
	return 0;
}

int __init guest_upcall_init(void)
{
	bool must = were_vectors_announced();
	int err;

	if (must && !vector) {
		pr_info("xen-guest: vector=0 comes too late: the vCPUs have had vectors\n");
		vector = true;
	}
	if (vector) {
		err = vectors_alloc();
		if (err)
			pr_warn("xen-guest: cannot have interrupt vectors: %d\n", err);
		line = err;
	} else {
		line = true;
	}

	err = add_cpu_states();
	if (err)
		goto err_free;
	if (!line && !is_vector_announced()) {
		vectors_free();
		line = true;
	}
	if (line) {
		err = must ? -ENODEV : line_request();
		if (err)
			goto err_states;
	}
	pr_info("xen-guest: events come by %s\n",
		line ? "the platform device's interrupt line" :
		       "a vector of each vCPU");
	return 0;

err_states:
	remove_cpu_states();
err_free:
	vectors_free();
	return err;
}

void guest_upcall_exit(void)
{
	struct pci_dev *pdev = guest_platform_device();

	remove_cpu_states();
	if (line)
		free_irq(pdev->irq, pdev);
	vectors_free();
}
