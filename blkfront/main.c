// SPDX-License-Identifier: GPL-2.0-only
/*
 * xen-blkfront: the guest's half of Xen's virtual block devices.
 *
 * blkfront.h has the map of the files.
 */
#include <linux/blkdev.h>
#include <linux/major.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <xen/platform_pci.h>
#include <xen/xen.h>
#include <xenfront.h>

#include "blkfront.h"

/* What is slow to answer: partition tables, drained queues.  Not the steps. */
struct workqueue_struct *blkfront_wq;
/* Steps wait for this one, and memory for steps. */
struct workqueue_struct *blkfront_trim_wq;

static unsigned int max_indirect_segments = 256;
module_param(max_indirect_segments, uint, 0444);
MODULE_PARM_DESC(max_indirect_segments,
		 "Most 4 KiB segments in one request (default 256, at most 4096; the backend's limit applies)");

static unsigned int max_queues;
module_param(max_queues, uint, 0444);
MODULE_PARM_DESC(max_queues,
		 "Most hardware queues per disk (default 0: one per vCPU; the backend's limit applies)");

static int max_ring_page_order = -1;
module_param(max_ring_page_order, int, 0444);
MODULE_PARM_DESC(max_ring_page_order,
		 "Largest ring, as a power of two of pages, 0 to 4 (default -1: large, shared between the queues; the backend's limit applies)");

static bool feature_persistent = true;
module_param(feature_persistent, bool, 0644);
MODULE_PARM_DESC(feature_persistent,
		 "Offer persistent grants: copy data through pages that stay granted (default on)");

static bool trusted = true;
module_param(trusted, bool, 0644);
MODULE_PARM_DESC(trusted,
		 "Is the backend trusted? If not, it sees nothing but the data (default on)");

#define DEFAULT_TIMEOUT	60
static unsigned int request_timeout = DEFAULT_TIMEOUT;
module_param(request_timeout, uint, 0444);
MODULE_PARM_DESC(request_timeout,
		 "Seconds without an answer after which the disk is connected anew (default 60)");

/**
 * blkfront_params_read() - the module's parameters, within bounds
 * @params: filled in
 *
 * Context: any.
 */
void blkfront_params_read(struct blkfront_params *params)
{
	params->max_segments = max_indirect_segments;
	params->max_queues = max_queues ?: nr_cpu_ids;
	params->max_ring_order = max_ring_page_order;
	params->persistent = feature_persistent;
	params->trusted = trusted;
	params->timeout = request_timeout;
}

/*
 * In an HVM guest the disks of the toolstack's configuration exist twice, and
 * Xen's core unplugs the emulated ones before drivers start.  What it leaves
 * plugged is not ours: that would be the same disk under two drivers.
 */
static bool has_emulated_twin(struct xenbus_device *dev,
			      const struct blkfront_vdev *vdev)
{
	char *type;
	bool cdrom;

	if (!xen_hvm_domain())
		return false;

	if (xen_has_pv_and_legacy_disk_devices() && vdev->foreign) {
		dev_info(&dev->dev,
			 "disk %#x is left to its emulated controller, which is not unplugged\n",
			 vdev->number);
		return true;
	}

	/* Emulated CD-ROM drives are never unplugged. */
	type = xenbus_read(XBT_NIL, dev->nodename, "device-type", NULL);
	if (IS_ERR(type))
		return false;
	cdrom = !strcmp(type, "cdrom");
	kfree(type);
	if (cdrom)
		dev_info(&dev->dev,
			 "CD-ROM %#x is left to its emulated drive\n",
			 vdev->number);
	return cdrom;
}

static int read_vdev(struct xenbus_device *dev, struct blkfront_vdev *vdev)
{
	unsigned int number;

	if (xenbus_scanf(XBT_NIL, dev->nodename, "virtual-device", "%u",
			 &number) != 1 &&
	    xenbus_scanf(XBT_NIL, dev->nodename, "virtual-device-ext", "%u",
			 &number) != 1) {
		dev_err(&dev->dev,
			"key \"virtual-device\" is missing or not a number\n");
		return -EINVAL;
	}
	if (blkfront_vdev_parse(number, vdev)) {
		dev_err(&dev->dev,
			"key \"virtual-device\": %u is no disk that we know\n",
			number);
		return -ENODEV;
	}
	return 0;
}

static void trim(struct work_struct *work)
{
	struct blkfront *bf = container_of(to_delayed_work(work),
					   struct blkfront, trim_work);
	unsigned int i;

	/* The rings stay: the lifecycle cancels this before they go. */
	for (i = 0; i < bf->shape.nr_rings; i++)
		xenfront_pool_trim(&bf->rings[i].pool);
	queue_delayed_work(blkfront_trim_wq, &bf->trim_work, 10 * HZ);
}

static int blkfront_probe(struct xenbus_device *dev,
			  const struct xenbus_device_id *id)
{
	struct blkfront *bf;
	int err;

	bf = kzalloc_obj(*bf, GFP_KERNEL);
	if (!bf)
		return -ENOMEM;

	err = read_vdev(dev, &bf->vdev);
	if (err)
		goto err_free;
	if (has_emulated_twin(dev, &bf->vdev)) {
		err = -ENODEV;
		goto err_free;
	}
	err = blkfront_vdev_reserve(&bf->vdev);
	if (err) {
		dev_err(&dev->dev, "disk %#x: %s is taken by another disk\n",
			bf->vdev.number, bf->vdev.name);
		goto err_free;
	}

	blkfront_params_read(&bf->params);
	INIT_WORK(&bf->disk_work, blkfront_disk_update);
	INIT_DELAYED_WORK(&bf->trim_work, trim);
	xenfront_start(&bf->xf, dev, &blkfront_lifecycle_ops);
	return 0;

err_free:
	kfree(bf);
	return err;
}

static void blkfront_remove(struct xenbus_device *dev)
{
	struct xenfront_device *xf = dev_get_drvdata(&dev->dev);
	struct blkfront *bf = to_blkfront(xf);
	struct gendisk *disk;
	bool registered;

	xenfront_stopping(xf);
	registered = blkfront_disk_remove(bf);
	xenfront_stop(xf);
	cancel_work_sync(&bf->disk_work);
	/* The next disk of that name need not wait for users of this one. */
	blkfront_vdev_release(&bf->vdev);

	disk = bf->disk;
	if (!disk) {
		kfree(bf);
		return;
	}
	if (registered) {
		/* Whoever has it open may keep the disk, but not its queues. */
		blkfront_queue_destroy(bf);
		put_disk(disk);	/* ...and with it @bf */
	} else {
		/* Then it is the last put that ends the queues. */
		put_disk(disk);
		blkfront_queue_destroy(bf);
		kfree(bf);
	}
}

static int blkfront_is_ready(struct xenbus_device *dev)
{
	struct xenfront_device *xf = dev_get_drvdata(&dev->dev);

	return !xf || READ_ONCE(to_blkfront(xf)->ready);
}

static const struct xenbus_device_id blkfront_ids[] = {
	{ "vbd" },
	{ "" }
};

static struct xenbus_driver blkfront_driver = {
	.name			= "xen-blkfront",
	.ids			= blkfront_ids,
	.probe			= blkfront_probe,
	.remove			= blkfront_remove,
	.resume			= xenfront_resume,
	.otherend_changed	= xenfront_otherend_changed,
	.is_ready		= blkfront_is_ready,
};

/* A guest must not fail to boot over a number in modprobe.d. */
static void check_params(void)
{
	if (max_ring_page_order > XENFRONT_RING_MAX_ORDER) {
		pr_warn("xen-blkfront: max_ring_page_order=%d is more than %d, using that\n",
			max_ring_page_order, XENFRONT_RING_MAX_ORDER);
		max_ring_page_order = XENFRONT_RING_MAX_ORDER;
	}
	if (!request_timeout || request_timeout > INT_MAX / HZ) {
		pr_warn("xen-blkfront: request_timeout=%u is not from 1 to %d, using %u\n",
			request_timeout, INT_MAX / HZ, DEFAULT_TIMEOUT);
		request_timeout = DEFAULT_TIMEOUT;
	}
}

static int __init blkfront_init(void)
{
	int err;

	err = xenfront_unplugged("xen-blkfront", xen_has_pv_disk_devices());
	if (err)
		return err;
	check_params();

	err = register_blkdev(XENVBD_MAJOR, "xvd");
	if (err) {
		pr_err("xen-blkfront: major %d is taken: is the kernel's driver loaded?\n",
		       XENVBD_MAJOR);
		return err;
	}

	blkfront_wq = alloc_workqueue("xen-blkfront", WQ_UNBOUND, 0);
	if (!blkfront_wq) {
		err = -ENOMEM;
		goto err_unregister_blkdev;
	}
	blkfront_trim_wq = alloc_workqueue("xen-blkfront-trim",
					   WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!blkfront_trim_wq) {
		err = -ENOMEM;
		goto err_destroy_wq;
	}

	err = xenbus_register_frontend(&blkfront_driver);
	if (err)
		goto err_destroy_trim_wq;
	return 0;

err_destroy_trim_wq:
	destroy_workqueue(blkfront_trim_wq);
err_destroy_wq:
	destroy_workqueue(blkfront_wq);
err_unregister_blkdev:
	unregister_blkdev(XENVBD_MAJOR, "xvd");
	return err;
}
module_init(blkfront_init);

static void __exit blkfront_exit(void)
{
	xenbus_unregister_driver(&blkfront_driver);
	destroy_workqueue(blkfront_trim_wq);
	destroy_workqueue(blkfront_wq);
	unregister_blkdev(XENVBD_MAJOR, "xvd");
	blkfront_vdev_exit();
}
module_exit(blkfront_exit);

MODULE_DESCRIPTION("Xen virtual block device front-end");
MODULE_LICENSE("GPL");
MODULE_VERSION(XENFRONT_VERSION);
MODULE_ALIAS_BLOCKDEV_MAJOR(XENVBD_MAJOR);
MODULE_ALIAS("xen:vbd");
MODULE_ALIAS("xenblk");
