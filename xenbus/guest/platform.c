// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Xen platform device: a PCI device whose memory is not there.
 *
 * What it has is a range of addresses that nothing else uses, and there the
 * pages that Xen shares with us are made to appear: the window.
 */
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/memory.h>

#include "guest.h"

#define IO_BAR		0
#define WINDOW_BAR	1

/*
 * Referenced from probe to the module's exit: who removes it by hand must not
 * have us look for the window in what is no more.
 */
static struct pci_dev *platform;

static int platform_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int err;

	if (platform)
		return -EBUSY;
	err = pci_enable_device(pdev);
	if (err)
		return err;
	err = pci_request_selected_regions(pdev, BIT(IO_BAR) | BIT(WINDOW_BAR),
					   "xen-guest");
	if (err)
		goto err_disable;
	if (pci_resource_len(pdev, WINDOW_BAR) <=
	    (GUEST_WINDOW_GRANTS << PAGE_SHIFT)) {
		dev_err(&pdev->dev, "has no memory to show Xen's pages in\n");
		err = -ENODEV;
		goto err_release;
	}
	platform = pci_dev_get(pdev);
	return 0;

err_release:
	pci_release_selected_regions(pdev, BIT(IO_BAR) | BIT(WINDOW_BAR));
err_disable:
	pci_disable_device(pdev);
	return err;
}

static void platform_remove(struct pci_dev *pdev)
{
	pci_release_selected_regions(pdev, BIT(IO_BAR) | BIT(WINDOW_BAR));
	pci_disable_device(pdev);
}

/* The last one of ours: what is on the bus came after it. */
static void platform_shutdown(struct pci_dev *pdev)
{
	guest_kexec_leave();
}

static const struct pci_device_id platform_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_XEN, PCI_DEVICE_ID_XEN_PLATFORM) },
	{}
};
MODULE_DEVICE_TABLE(pci, platform_ids);

static struct pci_driver platform_driver = {
	.name = "xen-guest",
	.id_table = platform_ids,
	.probe = platform_probe,
	.remove = platform_remove,
	.shutdown = platform_shutdown,
	.driver = {
		/* init looks at what has come of it. */
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
		/* Everything hangs on it. */
		.suppress_bind_attrs = true,
	},
};

/**
 * guest_platform_device() - the device itself, for its interrupt
 *
 * Context: any.
 * Return: the device, between guest_platform_init() and guest_platform_exit().
 */
struct pci_dev *guest_platform_device(void)
{
	return platform;
}

/**
 * guest_window_pages() - how large the window is
 *
 * Context: any.
 * Return: its number of pages.
 */
unsigned int guest_window_pages(void)
{
	return pci_resource_len(platform, WINDOW_BAR) >> PAGE_SHIFT;
}

static unsigned long window_gfn(unsigned int page)
{
	return (pci_resource_start(platform, WINDOW_BAR) >> PAGE_SHIFT) + page;
}

/**
 * guest_window_map() - make a part of the window addressable
 * @page:	its first page
 * @nr:		how many
 *
 * What is there before guest_window_place() was called is not to be looked at.
 *
 * Context: process; sleeps.
 * Return: its address, for memunmap(); or NULL.
 */
void *guest_window_map(unsigned int page, unsigned int nr)
{
	return memremap(pci_resource_start(platform, WINDOW_BAR) +
			((resource_size_t)page << PAGE_SHIFT),
			(size_t)nr << PAGE_SHIFT, MEMREMAP_WB);
}

/**
 * guest_window_place() - have one of Xen's pages appear
 * @space:	what kind of page, XENMAPSPACE_*
 * @index:	which one
 * @page:	where in the window
 *
 * Context: any.
 * Return: 0, or a negative errno.
 */
int guest_window_place(unsigned int space, unsigned long index,
		       unsigned int page)
{
	struct xen_add_to_physmap place = {
		.domid = DOMID_SELF,
		.space = space,
		.idx = index,
		.gpfn = window_gfn(page),
	};

	return HYPERVISOR_memory_op(XENMEM_add_to_physmap, &place);
}

/**
 * guest_window_remove() - have one of Xen's pages disappear again
 * @page: where in the window it is
 *
 * Context: any; nobody looks at it any more.
 */
void guest_window_remove(unsigned int page)
{
	struct xen_remove_from_physmap remove = {
		.domid = DOMID_SELF,
		.gpfn = window_gfn(page),
	};

	HYPERVISOR_memory_op(XENMEM_remove_from_physmap, &remove);
}

int __init guest_platform_init(void)
{
	int err = pci_register_driver(&platform_driver);

	if (err)
		return err;
	if (!platform) {
		pr_err("xen-guest: there is no Xen platform device (xen_platform_pci=1 in the domain's configuration gives one), or another driver has it\n");
		pci_unregister_driver(&platform_driver);
		return -ENODEV;
	}
	return 0;
}

void guest_platform_exit(void)
{
	pci_unregister_driver(&platform_driver);
	pci_dev_put(platform);
	platform = NULL;
}
