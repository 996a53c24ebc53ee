// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulated disks and NICs go before our own come: they are the same ones.
 *
 * The kernel's own code does that before it looks for PCI devices.  A module
 * comes later, so what a driver has already stays, and the paravirtual devices
 * that would be the same are not offered.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xen/platform_pci.h>

#include "guest.h"

/* Emulated devices are subsystems of QEMU's, or of Xen's own old one's. */
#define SUBVENDOR_QEMU	0x1af4

static char *unplug;
module_param(unplug, charp, 0444);
MODULE_PARM_DESC(unplug, "Emulated devices to unplug: all, ide-disks, aux-ide-disks, nics; or unnecessary, never (default: ide-disks,nics), separated by commas");

/*
 * "unplug", and XEN_UNPLUG_* in the last byte, in a field of the shared info page
 * that only PV guests have another use for: by us or by a kernel before.
 */
#define UNPLUGGED	0x67756c706e7500UL

/* XEN_UNPLUG_*: what was unplugged, or need not be. */
static unsigned int unplugged __ro_after_init;

struct word {
	const char *name;
	unsigned int what;
};

static const struct word words[] __initconst = {
	{ "all", XEN_UNPLUG_ALL },
	{ "ide-disks", XEN_UNPLUG_ALL_IDE_DISKS },
	{ "aux-ide-disks", XEN_UNPLUG_AUX_IDE_DISKS },
	{ "nics", XEN_UNPLUG_ALL_NICS },
	{ "unnecessary", XEN_UNPLUG_UNNECESSARY },
	{ "never", XEN_UNPLUG_NEVER },
};

#define DISKS	(XEN_UNPLUG_ALL_IDE_DISKS | XEN_UNPLUG_AUX_IDE_DISKS)

static unsigned int __init look_up(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(name, words[i].name))
			return words[i].what;
	pr_err("xen-guest: unplug=%s: \"%s\" has no meaning\n", unplug, name);
	return 0;
}

/* Something that makes no sense is left out. */
static unsigned int __init wanted(void)
{
	unsigned int what = 0;
	char *text, *rest, *name;

	if (!unplug)
		return XEN_UNPLUG_ALL_IDE_DISKS | XEN_UNPLUG_ALL_NICS;
	text = kstrdup(unplug, GFP_KERNEL);
	rest = text;
	while ((name = strsep(&rest, ",")))
		what |= look_up(name);
	kfree(text);
	return what;
}

static bool __init host_can(void)
{
	if (inw(XEN_IOPORT_MAGIC) != XEN_IOPORT_MAGIC_VAL) {
		pr_info("xen-guest: the host has no way to unplug emulated devices\n");
		return false;
	}
	if (inb(XEN_IOPORT_PROTOVER) != 1) {
		pr_warn("xen-guest: the host's way to unplug emulated devices is not known\n");
		return false;
	}
	outw(XEN_IOPORT_LINUX_PRODNUM, XEN_IOPORT_PRODNUM);
	outl(XEN_IOPORT_LINUX_DRVVER, XEN_IOPORT_DRVVER);
	/* Who does not want us says so by not being there any more. */
	if (inw(XEN_IOPORT_MAGIC) != XEN_IOPORT_MAGIC_VAL) {
		pr_err("xen-guest: the host does not want this driver\n");
		return false;
	}
	return true;
}

static bool __init is_emulated(const struct pci_dev *pdev)
{
	return pdev->subsystem_vendor == SUBVENDOR_QEMU ||
	       pdev->subsystem_vendor == PCI_VENDOR_ID_XEN;
}

static bool __init is_disks(const struct pci_dev *pdev)
{
	switch (pdev->class >> 8) {
	case PCI_CLASS_STORAGE_SCSI:
	case PCI_CLASS_STORAGE_IDE:
	case PCI_CLASS_STORAGE_SATA:
	case PCI_CLASS_STORAGE_EXPRESS >> 8:
		return is_emulated(pdev);
	default:
		return false;
	}
}

static bool __init is_nic(const struct pci_dev *pdev)
{
	return pdev->class >> 8 == PCI_CLASS_NETWORK_ETHERNET &&
	       is_emulated(pdev);
}

/* False: a driver has some of them, and they stay. */
static bool __init are_free(bool (*match)(const struct pci_dev *pdev),
			    const char *what)
{
	struct pci_dev *pdev = NULL;
	bool free = true;

	for_each_pci_dev(pdev) {
		if (!match(pdev) || !pdev->dev.driver)
			continue;
		pci_warn(pdev,
			 "driver %s has emulated %s, so that there are no paravirtual ones: load xen-guest before it (a softdep in modprobe.d, the initramfs' order of modules)\n",
			 pdev->dev.driver->name, what);
		free = false;
	}
	return free;
}

/*
 * What is gone already, in this domain's life: a controller without its disks may
 * have a driver.
 */
static unsigned int __init gone(void)
{
	unsigned long mark = guest_shared_info()->arch.max_pfn;

	return (mark & ~0xffUL) == UNPLUGGED ? mark & XEN_UNPLUG_ALL : 0;
}

/* The kernel has found NICs that will not be there any more. */
static void __init forget_nics(void)
{
	struct pci_dev *pdev = NULL;

	for_each_pci_dev(pdev)
		if (is_nic(pdev))
			pci_stop_and_remove_bus_device_locked(pdev);
}

static void do_unplug(void)
{
	if (!(unplugged & XEN_UNPLUG_ALL))
		return;
	outw(unplugged & XEN_UNPLUG_ALL, XEN_IOPORT_UNPLUG);
	guest_shared_info()->arch.max_pfn =
		UNPLUGGED | (unplugged & XEN_UNPLUG_ALL);
}

/**
 * guest_unplug_resume() - the devices are there again, in another life
 *
 * Context: any.
 */
void guest_unplug_resume(void)
{
	do_unplug();
}

int __init guest_unplug_init(void)
{
	unsigned int what = wanted();

	if (what & XEN_UNPLUG_NEVER) {
		pr_info("xen-guest: emulated devices stay, and there are no paravirtual ones: unplug=never\n");
		return 0;
	}
	if (what & XEN_UNPLUG_UNNECESSARY) {
		unplugged = XEN_UNPLUG_UNNECESSARY;
		return 0;
	}
	if (!host_can())
		return 0;

	if (what & DISKS & ~gone() && !are_free(is_disks, "disks"))
		what &= ~DISKS;
	if (what & XEN_UNPLUG_ALL_NICS) {
		if (are_free(is_nic, "NICs"))
			forget_nics();
		else
			what &= ~XEN_UNPLUG_ALL_NICS;
	}
	unplugged = what;
	do_unplug();
	return 0;
}

void guest_unplug_exit(void)
{
}

/**
 * xen_has_pv_devices() - may there be paravirtual devices?
 *
 * Context: any.
 * Return: false if the user, or the host, wants emulated ones alone.
 */
bool xen_has_pv_devices(void)
{
	return unplugged;
}
EXPORT_SYMBOL_GPL(xen_has_pv_devices);

/**
 * xen_has_pv_disk_devices() - may there be paravirtual disks?
 *
 * Context: any.
 * Return: false if they would be the same as emulated ones that are there.
 */
bool xen_has_pv_disk_devices(void)
{
	return unplugged & (DISKS | XEN_UNPLUG_UNNECESSARY);
}
EXPORT_SYMBOL_GPL(xen_has_pv_disk_devices);

/**
 * xen_has_pv_nic_devices() - may there be paravirtual NICs?
 *
 * Context: any.
 * Return: false if they would be the same as emulated ones that are there.
 */
bool xen_has_pv_nic_devices(void)
{
	return unplugged & (XEN_UNPLUG_ALL_NICS | XEN_UNPLUG_UNNECESSARY);
}
EXPORT_SYMBOL_GPL(xen_has_pv_nic_devices);

/**
 * xen_has_pv_and_legacy_disk_devices() - are there emulated disks as well?
 *
 * Context: any.
 * Return: true if the user said that unplugging is not necessary.
 */
bool xen_has_pv_and_legacy_disk_devices(void)
{
	return unplugged & XEN_UNPLUG_UNNECESSARY;
}
EXPORT_SYMBOL_GPL(xen_has_pv_and_legacy_disk_devices);
