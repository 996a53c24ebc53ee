// SPDX-License-Identifier: GPL-2.0-only
/*
 * Consoles on the bus: our half of the lifecycle, and what the bus wants.
 *
 * Keys: docs/misc/console.txt of Xen's.  "ring-ref" and "port" are ours; the
 * toolstack writes "type" and, for a channel, "name" into our folder.
 */
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <xenfront.h>

#include "xencons.h"

static bool takeover;
module_param(takeover, bool, 0444);
MODULE_PARM_DESC(takeover,
		 "Take consoles other than the primary one over from a driver that is built into the kernel (default off)");

/**
 * struct frontend - a console on the bus
 * @xf:		the conversation with the backend
 * @cons:	as users know it
 * @ring:	the page; made and destroyed by the lifecycle
 */
struct frontend {
	struct xenfront_device xf;
	struct xencons *cons;
	struct xenfront_ring ring;
};

static struct frontend *to_frontend(struct xenfront_device *xf)
{
	return container_of(xf, struct frontend, xf);
}

static int xencons_offer(struct xenfront_device *xf)
{
	struct frontend *front = to_frontend(xf);
	int err;

	err = xenfront_ring_create(&front->ring, xf->dev, 0);
	if (err)
		return err;
	err = xenfront_ring_bind(&front->ring, xencons_interrupt,
				 dev_name(&xf->dev->dev), front->cons);
	if (err)
		xenfront_ring_destroy(&front->ring);
	return err;
}

static int xencons_publish(struct xenfront_device *xf,
			   struct xenbus_transaction xbt)
{
	return xenfront_ring_publish(&to_frontend(xf)->ring, xbt,
				     xf->dev->nodename, "ring-ref", "port");
}

static int xencons_connect(struct xenfront_device *xf)
{
	struct frontend *front = to_frontend(xf);

	xencons_attach(front->cons, front->ring.pages, front->ring.evtchn);
	return 0;
}

static int xencons_update(struct xenfront_device *xf)
{
	return 0;
}

static void xencons_quiesce(struct xenfront_device *xf)
{
}

/*
 * QEMU's backend takes the keys that it finds as soon as it starts, whatever
 * our state is: those of a connection that is no more must not be there.
 */
static void retract(struct xenbus_device *dev)
{
	xenbus_rm(XBT_NIL, dev->nodename, "ring-ref");
	xenbus_rm(XBT_NIL, dev->nodename, "port");
}

static int xencons_disconnect(struct xenfront_device *xf, bool force)
{
	struct frontend *front = to_frontend(xf);

	retract(xf->dev);
	xenfront_ring_unbind(&front->ring);
	xencons_detach(front->cons);
	xenfront_ring_destroy(&front->ring);
	return 0;
}

static void xencons_closed(struct xenfront_device *xf)
{
}

static void xencons_show(struct xenfront_device *xf, struct seq_file *m)
{
	struct xencons *cons = to_frontend(xf)->cons;
	unsigned long flags;

	spin_lock_irqsave(&cons->lock, flags);
	seq_printf(m, "terminal: %s%u\n", xencons_tty_driver->name,
		   cons->index);
	seq_printf(m, "name: %s\n", cons->name);
	seq_printf(m, "open: %d\n", cons->open);
	seq_printf(m, "waiting: %u\n", kfifo_len(&cons->out) + cons->nr_kept);
	seq_printf(m, "unread: %u\n", cons->page ? cons->out_prod -
		   READ_ONCE(cons->page->out_cons) : 0);
	seq_printf(m, "stalled: %d\n", cons->stalled);
	spin_unlock_irqrestore(&cons->lock, flags);
}

static const struct xenfront_ops xencons_lifecycle_ops = {
	.offer		= xencons_offer,
	.publish	= xencons_publish,
	.connect	= xencons_connect,
	.update		= xencons_update,
	.quiesce	= xencons_quiesce,
	.disconnect	= xencons_disconnect,
	.closed		= xencons_closed,
	.show		= xencons_show,
};

/* It becomes a part of a path in /dev. */
static bool is_name(const char *name)
{
	const char *c;

	if (strlen(name) >= XENCONS_NAME_SIZE || *name == '.')
		return false;
	for (c = name; *c; c++)
		if (!isalnum(*c) && !strchr("._:+-", *c))
			return false;
	return true;
}

static void read_name(struct xenbus_device *dev, char *name)
{
	unsigned int len;
	char *text = xenbus_read(XBT_NIL, dev->nodename, "name", &len);

	*name = '\0';
	if (IS_ERR(text))
		return;
	if (strlen(text) == len && is_name(text))
		strscpy(name, text, XENCONS_NAME_SIZE);
	else
		dev_warn(&dev->dev,
			 "key \"name\" is no name of a channel (up to %d of A-Z a-z 0-9 . _ : + -): not shown\n",
			 XENCONS_NAME_SIZE - 1);
	kfree(text);
}

static int xencons_probe(struct xenbus_device *dev,
			 const struct xenbus_device_id *id)
{
	char name[XENCONS_NAME_SIZE];
	struct frontend *front;
	unsigned int number;
	int err;

	/* Number 0 is the primary one, which the bus has nothing to do with. */
	err = kstrtouint(kbasename(dev->nodename), 10, &number);
	if (err || !number)
		return -ENODEV;
	front = kzalloc_obj(*front, GFP_KERNEL);
	if (!front)
		return -ENOMEM;
	read_name(dev, name);
	front->cons = xencons_create(&dev->dev, &front->xf, number, name);
	if (IS_ERR(front->cons)) {
		err = PTR_ERR(front->cons);
		dev_err(&dev->dev, "no terminal for console %u: %d\n", number,
			err);
		kfree(front);
		return err;
	}
	xenfront_start(&front->xf, dev, &xencons_lifecycle_ops);
	return 0;
}

static void xencons_front_remove(struct xenbus_device *dev)
{
	struct xenfront_device *xf = dev_get_drvdata(&dev->dev);
	struct frontend *front = to_frontend(xf);

	xenfront_stopping(xf);
	xenfront_stop(xf);
	xencons_remove(front->cons);
	/* A writer may have found nonsense before it was gone. */
	cancel_delayed_work_sync(&front->xf.work);
	kfree(front);
}

/* Another domain's ring is a new one; output is kept (see keep_unread()). */
static int xencons_suspend(struct xenbus_device *dev)
{
	struct xenfront_device *xf = dev_get_drvdata(&dev->dev);

	xencons_input_rescue(to_frontend(xf)->cons);
	return 0;
}

static const struct xenbus_device_id xencons_ids[] = {
	{ "console" },
	{ "" }
};

static struct xenbus_driver xencons_driver = {
	.name			= "xen-console",
	.ids			= xencons_ids,
	.probe			= xencons_probe,
	.remove			= xencons_front_remove,
	.suspend		= xencons_suspend,
	.resume			= xenfront_resume,
	.otherend_changed	= xenfront_otherend_changed,
	.not_essential		= true,
};

static struct xenfront_takeover xencons_takeover = {
	.driver		= &xencons_driver,
	/* No initcall: xen_hvc_init makes the primary one's terminal, too. */
};

/**
 * xencons_frontend_init() - serve the consoles on the bus
 *
 * Context: module init; after xencons_tty_init().
 * Return: 0, or a negative errno.
 */
int xencons_frontend_init(void)
{
	int err = xenbus_register_frontend(&xencons_driver);

	if (err || !takeover)
		return err;
	err = xenfront_takeover_start(&xencons_takeover);
	if (err)
		xenbus_unregister_driver(&xencons_driver);
	return err;
}

/**
 * xencons_frontend_exit() - undo xencons_frontend_init()
 *
 * Context: module exit.
 */
void xencons_frontend_exit(void)
{
	xenfront_takeover_stop(&xencons_takeover);
	xenbus_unregister_driver(&xencons_driver);
}
