// SPDX-License-Identifier: GPL-2.0-only
/*
 * xen-fbfront: the guest's half of Xen's virtual framebuffer.
 *
 * fbfront.h has the map of the files.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/platform_pci.h>
#include <xenfront.h>

#include "fbfront.h"

/* What waits for users, and for whom they wait: not the lifecycle's steps. */
struct workqueue_struct *fbfront_wq;

enum { VIDEO_MIB, VIDEO_WIDTH, VIDEO_HEIGHT, VIDEO_NR };
static unsigned int video[VIDEO_NR];
module_param_array(video, uint, NULL, 0444);
MODULE_PARM_DESC(video,
		 "Most memory of a screen in MiB, width and height in pixels (default 0,0,0: what the backend says, or else 8 MiB and 1024x768)");

static bool takeover = true;
module_param(takeover, bool, 0444);
MODULE_PARM_DESC(takeover,
		 "Take screens over from a driver that is built into the kernel (default on)");

/**
 * fbfront_params_read() - the module's parameters, within bounds
 * @params: filled in
 *
 * Context: any.
 */
void fbfront_params_read(struct fbfront_params *params)
{
	params->mib = video[VIDEO_MIB];
	params->width = video[VIDEO_WIDTH];
	params->height = video[VIDEO_HEIGHT];
}

/**
 * fbfront_news() - there is something to tell users, or to draw
 * @fb:		the screen
 * @what:	FBFRONT_NEWS_*
 *
 * Context: any.
 */
void fbfront_news(struct fbfront *fb, unsigned int what)
{
	set_bit(what, &fb->news);
	queue_work(fbfront_wq, &fb->work);
}

static int fbfront_probe(struct xenbus_device *dev,
			 const struct xenbus_device_id *id)
{
	struct fbfront *fb = kzalloc_obj(*fb, GFP_KERNEL);
	int err;

	if (!fb)
		return -ENOMEM;
	fb->xf.dev = dev;
	mutex_init(&fb->lock);
	spin_lock_init(&fb->events.lock);
	INIT_WORK(&fb->work, fbfront_kms_work);
	err = fbfront_kms_create(fb);
	if (err) {
		dev_err(&dev->dev, "cannot make a DRM device: %d\n", err);
		kfree(fb);
		return err;
	}
	xenfront_start(&fb->xf, dev, &fbfront_lifecycle_ops);
	return 0;
}

static void fbfront_remove(struct xenbus_device *dev)
{
	struct xenfront_device *xf = dev_get_drvdata(&dev->dev);
	struct fbfront *fb = to_fbfront(xf);

	xenfront_stopping(xf);
	WRITE_ONCE(fb->removing, true);
	cancel_work_sync(&fb->work);
	fbfront_kms_unplug(fb);
	xenfront_stop(xf);
	/* Until now the lifecycle and the handler could queue it. */
	cancel_work_sync(&fb->work);
	fbfront_screen_destroy(&fb->screen);
	kfree(fb);
}

static const struct xenbus_device_id fbfront_ids[] = {
	{ "vfb" },
	{ "" }
};

static struct xenbus_driver fbfront_driver = {
	.name			= "xen-fbfront",
	.ids			= fbfront_ids,
	.probe			= fbfront_probe,
	.remove			= fbfront_remove,
	.resume			= xenfront_resume,
	.otherend_changed	= xenfront_otherend_changed,
	.not_essential		= true,
};

static struct xenfront_takeover fbfront_takeover = {
	.driver		= &fbfront_driver,
	.initcall	= "xenfb_init",
};

static bool is_side(unsigned int pixels)
{
	return pixels >= FBFRONT_MIN_SIDE && pixels <= FBFRONT_MAX_SIDE;
}

/* A guest must not be without a screen over a number in modprobe.d. */
static void check_params(void)
{
	unsigned int *width = &video[VIDEO_WIDTH];
	unsigned int *height = &video[VIDEO_HEIGHT];

	if (!*width && !*height)
		return;
	if (is_side(*width) && is_side(*height))
		return;
	pr_warn("xen-fbfront: video=%u,%u,%u: sides are from %d to %d pixels, not using these\n",
		video[VIDEO_MIB], *width, *height, FBFRONT_MIN_SIDE,
		FBFRONT_MAX_SIDE);
	*width = 0;
	*height = 0;
}

static int __init fbfront_init(void)
{
	int err;

	err = xenfront_unplugged("xen-fbfront", xen_has_pv_devices());
	if (err)
		return err;
	check_params();

	fbfront_wq = alloc_workqueue("xen-fbfront", WQ_UNBOUND, 0);
	if (!fbfront_wq)
		return -ENOMEM;
	err = xenbus_register_frontend(&fbfront_driver);
	if (err)
		goto err_wq;
	if (takeover) {
		err = xenfront_takeover_start(&fbfront_takeover);
		if (err)
			goto err_driver;
	}
	return 0;

err_driver:
	xenbus_unregister_driver(&fbfront_driver);
err_wq:
	destroy_workqueue(fbfront_wq);
	return err;
}
module_init(fbfront_init);

static void __exit fbfront_exit(void)
{
	xenfront_takeover_stop(&fbfront_takeover);
	xenbus_unregister_driver(&fbfront_driver);
	destroy_workqueue(fbfront_wq);
}
module_exit(fbfront_exit);

MODULE_DESCRIPTION("Xen virtual framebuffer front-end");
MODULE_LICENSE("GPL");
MODULE_VERSION(XENFRONT_VERSION);
MODULE_ALIAS("xen:vfb");
#ifdef XENFRONT_ALIAS
MODULE_ALIAS(XENFRONT_ALIAS);
#endif
