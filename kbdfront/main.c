// SPDX-License-Identifier: GPL-2.0-only
/*
 * xen-kbdfront: the guest's half of Xen's virtual input devices.
 *
 * kbdfront.h has the map of the files.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/platform_pci.h>
#include <xenfront.h>

#include "kbdfront.h"

static unsigned int ptr_size[] = { 800, 600 };
module_param_array(ptr_size, uint, NULL, 0444);
MODULE_PARM_DESC(ptr_size,
		 "Width and height in pixels of a screen whose size the backend does not say (default 800,600)");

static bool takeover = true;
module_param(takeover, bool, 0444);
MODULE_PARM_DESC(takeover,
		 "Take input devices over from a driver that is built into the kernel (default on)");

/**
 * kbdfront_default_area() - the screen's size if the backend does not say it
 * @area: filled in
 *
 * Context: any.
 */
void kbdfront_default_area(struct kbdfront_area *area)
{
	area->width = ptr_size[0];
	area->height = ptr_size[1];
}

static int kbdfront_probe(struct xenbus_device *dev,
			  const struct xenbus_device_id *id)
{
	struct kbdfront *kf = kzalloc_obj(*kf, GFP_KERNEL);

	if (!kf)
		return -ENOMEM;
	snprintf(kf->phys, sizeof(kf->phys), "xenbus/%s", dev->nodename);
	xenfront_start(&kf->xf, dev, &kbdfront_lifecycle_ops);
	return 0;
}

static void kbdfront_remove(struct xenbus_device *dev)
{
	struct xenfront_device *xf = dev_get_drvdata(&dev->dev);
	struct kbdfront *kf = to_kbdfront(xf);

	xenfront_stopping(xf);
	xenfront_stop(xf);
	kbdfront_devices_destroy(kf);
	kfree(kf);
}

static const struct xenbus_device_id kbdfront_ids[] = {
	{ "vkbd" },
	{ "" }
};

static struct xenbus_driver kbdfront_driver = {
	.name			= "xen-kbdfront",
	.ids			= kbdfront_ids,
	.probe			= kbdfront_probe,
	.remove			= kbdfront_remove,
	.resume			= xenfront_resume,
	.otherend_changed	= xenfront_otherend_changed,
	.not_essential		= true,
};

static struct xenfront_takeover kbdfront_takeover = {
	.driver		= &kbdfront_driver,
	.initcall	= "xenkbd_init",
};

/* A guest must not be without a pointer over a number in modprobe.d. */
static void check_params(void)
{
	if (ptr_size[0] - 1 < KBDFRONT_MAX_SIDE &&
	    ptr_size[1] - 1 < KBDFRONT_MAX_SIDE)
		return;
	pr_warn("xen-kbdfront: ptr_size=%u,%u: sides are from 1 to %d pixels, using 800,600\n",
		ptr_size[0], ptr_size[1], KBDFRONT_MAX_SIDE);
	ptr_size[0] = 800;
	ptr_size[1] = 600;
}

static int __init kbdfront_init(void)
{
	int err;

	err = xenfront_unplugged("xen-kbdfront", xen_has_pv_devices());
	if (err)
		return err;
	check_params();
	err = xenbus_register_frontend(&kbdfront_driver);
	if (err || !takeover)
		return err;
	err = xenfront_takeover_start(&kbdfront_takeover);
	if (err)
		xenbus_unregister_driver(&kbdfront_driver);
	return err;
}
module_init(kbdfront_init);

static void __exit kbdfront_exit(void)
{
	xenfront_takeover_stop(&kbdfront_takeover);
	xenbus_unregister_driver(&kbdfront_driver);
}
module_exit(kbdfront_exit);

MODULE_DESCRIPTION("Xen virtual keyboard, pointer and touch screen front-end");
MODULE_LICENSE("GPL");
MODULE_VERSION(XENFRONT_VERSION);
MODULE_ALIAS("xen:vkbd");
#ifdef XENFRONT_ALIAS
MODULE_ALIAS(XENFRONT_ALIAS);
#endif
