// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console that a guest is born with.
 *
 * The toolstack has made its page and its event channel: a PV guest finds them
 * in the start info, others by HVM parameters.  It is on no bus, so there is
 * nobody to close with and no state: the page is there, whoever reads it.
 */
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/pm.h>
#include <linux/sched/mm.h>
#include <asm/xen/hypervisor.h>
#include <xen/events.h>
#include <xen/hvm.h>
#include <xen/interface/hvm/params.h>
#include <xen/page.h>
#include <xen/xen.h>

#include "xencons.h"

/**
 * struct primary - the primary console; there is one
 * @device:	on the platform bus, for the sake of sysfs and power management;
 *		NULL: the console is not ours
 * @cons:	as users know it; NULL until it is served
 * @page:	constant
 * @evtchn:	another one after a resume
 * @irq:	likewise; 0: there is none
 *
 * Written by the module's init and exit, and by the power management's
 * callbacks, which never run at the same time.
 */
static struct primary {
	struct platform_device *device;
	struct xencons *cons;
	struct xencons_interface *page;
	evtchn_port_t evtchn;
	unsigned int irq;
} primary;

static int find_evtchn(void)
{
	u64 value = 0;

	if (xen_pv_domain())
		value = xen_start_info->console.domU.evtchn;
	else if (hvm_get_parameter(HVM_PARAM_CONSOLE_EVTCHN, &value))
		value = 0;
	primary.evtchn = value;
	return value ? 0 : -ENODEV;
}

static int find_page(void)
{
	u64 gfn = 0;

	if (xen_pv_domain()) {
		primary.page = gfn_to_virt(xen_start_info->console.domU.mfn);
		return 0;
	}
	if (hvm_get_parameter(HVM_PARAM_CONSOLE_PFN, &gfn) || !gfn)
		return -ENODEV;
	primary.page = memremap(gfn << XEN_PAGE_SHIFT, XEN_PAGE_SIZE,
				MEMREMAP_WB);
	return primary.page ? 0 : -ENOMEM;
}

static void forget_page(void)
{
	if (!xen_pv_domain())
		memunmap(primary.page);
}

static int bind_irq(void)
{
	int irq, err;

	/* If we were here before, the channel has an irq already. */
	irq = bind_evtchn_to_irq_lateeoi(primary.evtchn);
	if (irq <= 0)
		return irq ?: -ENOSPC;
	err = request_irq(irq, xencons_interrupt, 0, "hvc_console",
			  primary.cons);
	if (err)
		return err;
	primary.irq = irq;
	return 0;
}

/*
 * Without closing the channel, as unbind_from_irqhandler() would: the toolstack
 * makes it once in a guest's life.
 */
static void release_irq(void)
{
	if (primary.irq)
		free_irq(primary.irq, primary.cons);
	primary.irq = 0;
}

static int start(void)
{
	struct device *dev = &primary.device->dev;
	struct xencons *cons;
	int err;

	err = find_evtchn() ?: find_page();
	if (err) {
		dev_info(dev, "the toolstack has made no primary console (%d)\n",
			 err);
		return err;
	}
	cons = xencons_create(dev, NULL, 0, "");
	if (IS_ERR(cons)) {
		err = PTR_ERR(cons);
		goto forget_page;
	}
	primary.cons = cons;
	err = bind_irq();
	if (err)
		goto remove_console;
	xencons_attach(cons, primary.page, primary.evtchn);
	xencons_printk_init(cons);
	return 0;

remove_console:
	primary.cons = NULL;
	xencons_remove(cons);
forget_page:
	forget_page();
	dev_err(dev, "cannot serve the primary console: %d\n", err);
	return err;
}

static void stop(void)
{
	struct xencons *cons = primary.cons;

	xencons_printk_exit();
	release_irq();
	primary.cons = NULL;
	xencons_detach(cons);
	xencons_remove(cons);
	forget_page();
}

/* Interrupts of devices are off: output waits here until there is a backend. */
static int primary_freeze_noirq(struct device *dev)
{
	if (primary.cons)
		xencons_detach(primary.cons);
	return 0;
}

/*
 * What was bound to the old channel is no more, and there is nothing to close:
 * after a resume no channel has an irq any more.
 */
static int rebind_irq(void)
{
	unsigned int noio;
	int err;

	/* Disks are not there yet. */
	noio = memalloc_noio_save();
	if (primary.irq)
		unbind_from_irqhandler(primary.irq, primary.cons);
	primary.irq = 0;
	err = bind_irq();
	memalloc_noio_restore(noio);
	return err;
}

/*
 * The page is the same.  So is the channel if the suspend was called off, or the
 * guest goes on after a snapshot; another domain has another one, which may have
 * the same number.
 */
static int primary_resume_early(struct device *dev)
{
	int err;

	if (!primary.cons)
		return 0;
	err = find_evtchn();
	if (!err && irq_from_evtchn(primary.evtchn) != primary.irq)
		err = rebind_irq();
	if (err)
		dev_err(dev, "no interrupt after a resume: %d\n", err);
	xencons_attach(primary.cons, primary.page, primary.evtchn);
	return 0;
}

/*
 * The others are of a sleep that Xen has nothing to do with, when time stands
 * still: patience would have no end.
 */
static const struct dev_pm_ops primary_pm_ops = {
	.suspend_noirq	= primary_freeze_noirq,
	.resume_early	= primary_resume_early,
	.freeze_noirq	= primary_freeze_noirq,
	.thaw_early	= primary_resume_early,
	.restore_early	= primary_resume_early,
};

static struct platform_driver primary_driver = {
	.driver	= {
		.name			= "xen-console",
		.pm			= &primary_pm_ops,
		.suppress_bind_attrs	= true,
	},
};

/**
 * xencons_primary_init() - serve the primary console, if it is free
 *
 * Context: module init; after xencons_tty_init().
 * Return: 0, also if there is nothing to serve; or a negative errno.
 */
int xencons_primary_init(void)
{
	int err;

	if (IS_ENABLED(CONFIG_HVC_XEN)) {
		pr_info("xen-console: the kernel has the primary console (CONFIG_HVC_XEN); others become %sN\n",
			xencons_tty_driver->name);
		return 0;
	}
	if (xen_initial_domain())
		return 0;
	err = platform_driver_register(&primary_driver);
	if (err)
		return err;
	primary.device = platform_device_register_simple("xen-console",
							 PLATFORM_DEVID_NONE,
							 NULL, 0);
	if (IS_ERR(primary.device)) {
		err = PTR_ERR(primary.device);
		goto unregister_driver;
	}
	err = start();
	if (!err)
		return 0;
	platform_device_unregister(primary.device);
unregister_driver:
	primary.device = NULL;
	platform_driver_unregister(&primary_driver);
	/* Without it there may be others. */
	return err == -ENODEV ? 0 : err;
}

/**
 * xencons_primary_exit() - undo xencons_primary_init()
 *
 * Context: module exit.
 */
void xencons_primary_exit(void)
{
	if (!primary.device)
		return;
	stop();
	platform_device_unregister(primary.device);
	platform_driver_unregister(&primary_driver);
	primary.device = NULL;
}
