// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device from probe to remove, and who has its steps taken: lifecycle.c says
 * what a step does.
 */
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <xen/xenbus.h>
#include <xenfront.h>

#include "internal.h"

static struct workqueue_struct *xenfront_wq;

/**
 * xenfront_look_again() - have a step taken
 * @xf:		the device
 * @delay:	in jiffies; 0 also ends the delay of a step that waits
 *
 * Context: any.
 */
void xenfront_look_again(struct xenfront_device *xf, unsigned long delay)
{
	/*
	 * A step that decides to wait must not put off the one that was asked
	 * for while it ran: what it is to see may have come too late for it.
	 */
	if (delay)
		queue_delayed_work(xenfront_wq, &xf->work, delay);
	else
		mod_delayed_work(xenfront_wq, &xf->work, 0);
}

static void xenfront_work(struct work_struct *work)
{
	struct xenfront_device *xf =
		container_of(to_delayed_work(work), struct xenfront_device,
			     work);
	/* The device may be the one that memory is written to. */
	unsigned int noio = memalloc_noio_save();

	mutex_lock(&xf->lock);
	xenfront_step(xf);
	mutex_unlock(&xf->lock);
	memalloc_noio_restore(noio);
}

/**
 * xenfront_kick() - look at the device again
 * @xf: a started device
 *
 * Context: any.
 */
void xenfront_kick(struct xenfront_device *xf)
{
	xenfront_look_again(xf, 0);
}
EXPORT_SYMBOL_GPL(xenfront_kick);

/* One that waits is as good as many: a step looks at what is true then. */
static bool none_waits(struct xenbus_watch *watch, const char *path,
		       const char *token)
{
	return !watch->nr_pending;
}

static void key_changed(struct xenbus_watch *watch, const char *path,
			const char *token)
{
	xenfront_kick(container_of(watch, struct xenfront_device, watch));
}

/* Without it all that is missed is what users could learn sooner. */
static void watch_keys(struct xenfront_device *xf)
{
	int err;

	if (!xf->ops->watch)
		return;
	xf->watch.will_handle = none_waits;
	xf->watch.callback = key_changed;
	/* A resume must not wait for a disk that resumes after it. */
	xf->watch.node = kstrdup(xf->dev->otherend, GFP_NOIO | __GFP_HIGH);
	err = xf->watch.node ? register_xenbus_watch(&xf->watch) : -ENOMEM;
	if (err) {
		dev_warn(&xf->dev->dev, "cannot watch %s: %d\n",
			 xf->dev->otherend, err);
		kfree(xf->watch.node);
		xf->watch.node = NULL;
	}
}

/*
 * Waits for xenwatch, unless it is us.  So no step does this: xenwatch may be
 * waiting for the step's lock.
 */
static void unwatch_keys(struct xenfront_device *xf)
{
	if (!xf->watch.node)
		return;
	unregister_xenbus_watch(&xf->watch);
	kfree(xf->watch.node);
	xf->watch.node = NULL;
}

/**
 * xenfront_start() - begin the conversation; the last thing a probe does
 * @xf:		zeroed, inside the driver's structure
 * @dev:	the device; its drvdata becomes @xf
 * @ops:	the driver's half; called from now on
 *
 * Context: process; sleeps.
 */
void xenfront_start(struct xenfront_device *xf, struct xenbus_device *dev,
		    const struct xenfront_ops *ops)
{
	xf->dev = dev;
	xf->ops = ops;
	mutex_init(&xf->lock);
	init_completion(&xf->gone);
	INIT_DELAYED_WORK(&xf->work, xenfront_work);
	xenfront_set_phase(xf, XENFRONT_WAITING);
	dev_set_drvdata(&dev->dev, xf);
	xenfront_debugfs_add(xf);

	/* A backend in Closed moves on only when it sees us start. */
	xenfront_announce_start(xf);
	watch_keys(xf);
	xenfront_look_again(xf, 0);
}
EXPORT_SYMBOL_GPL(xenfront_start);

/**
 * xenfront_stopping() - a removal begins: end patience with the backend
 * @xf: the device
 *
 * What still works goes on working, so that the driver can write back what
 * users left behind.  A backend that is gone already, or that falls silent
 * from now on, gets only a few seconds; then everything that waits for it
 * fails (&xenfront_ops.closed), so that the removal ends.
 *
 * Context: process; sleeps.
 */
void xenfront_stopping(struct xenfront_device *xf)
{
	enum xenbus_state backend;

	set_bit(XENFRONT_F_STOPPING, &xf->flags);

	mutex_lock(&xf->lock);
	backend = xenfront_backend_state(xf);
	if (xf->phase != XENFRONT_CONNECTED || !xenfront_usable(xf) ||
	    (backend != XenbusStateConnected && backend != XenbusStateClosing))
		xenfront_close_for_good(xf);
	else
		xenfront_look_again(xf, 0);	/* and again, until we stop */
	mutex_unlock(&xf->lock);
}
EXPORT_SYMBOL_GPL(xenfront_stopping);

/**
 * xenfront_stop() - end the conversation
 * @xf: a device that nobody uses any more; xenfront_stopping() was called
 *
 * Closes with the backend, but does not wait for it for ever: pages that it
 * will not let go of are parked.  Afterwards no op is called again.
 *
 * Context: process; sleeps, some seconds if the backend does not answer.
 */
void xenfront_stop(struct xenfront_device *xf)
{
	mutex_lock(&xf->lock);
	xenfront_close_for_good(xf);
	mutex_unlock(&xf->lock);

	/* Closing and Closed each have their patience. */
	wait_for_completion_timeout(&xf->gone, 2 * XENFRONT_STOP_PATIENCE + HZ);
	mutex_lock(&xf->lock);
	if (xf->phase != XENFRONT_GONE) {
		xf->ops->quiesce(xf);
		xf->ops->disconnect(xf, true);
		xf->ops->closed(xf);
		xenfront_set_phase(xf, XENFRONT_GONE);
	}
	mutex_unlock(&xf->lock);
	unwatch_keys(xf);
	/* Only now: until the handlers were gone they could queue it. */
	cancel_delayed_work_sync(&xf->work);
	xenfront_debugfs_remove(xf);
	dev_set_drvdata(&xf->dev->dev, NULL);
}
EXPORT_SYMBOL_GPL(xenfront_stop);

/**
 * xenfront_otherend_changed() - &xenbus_driver.otherend_changed
 * @dev:	the device
 * @state:	not used: a step reads the state that is true when it runs
 *
 * Context: xenwatch, which all devices share: only queues.
 */
void xenfront_otherend_changed(struct xenbus_device *dev,
			       enum xenbus_state state)
{
	struct xenfront_device *xf = dev_get_drvdata(&dev->dev);

	if (xf)
		xenfront_look_again(xf, 0);
}
EXPORT_SYMBOL_GPL(xenfront_otherend_changed);

/**
 * xenfront_resume() - &xenbus_driver.resume
 * @dev: the device
 *
 * The step itself runs once processes (and with them our freezable workqueue)
 * are thawed, when the path to the new backend is known.
 *
 * Context: process.
 * Return: 0.
 */
int xenfront_resume(struct xenbus_device *dev)
{
	struct xenfront_device *xf = dev_get_drvdata(&dev->dev);

	if (xf) {
		/* The backend's folder is another one. */
		unwatch_keys(xf);
		watch_keys(xf);
		/* At once: the step that sees to it comes later. */
		set_bit(XENFRONT_F_VOID, &xf->flags);
		set_bit(XENFRONT_F_BROKEN, &xf->flags);
		set_bit(XENFRONT_F_RESUMED, &xf->flags);
		xenfront_look_again(xf, 0);
	}
	return 0;
}
EXPORT_SYMBOL_GPL(xenfront_resume);

int xenfront_device_init(void)
{
	/*
	 * UNBOUND: devices connect side by side.  MEM_RECLAIM: a disk that
	 * comes back must not wait for memory that it is to free.  FREEZABLE:
	 * no step may run while a resume replaces the backend's path.
	 */
	xenfront_wq = alloc_workqueue("xenfront", WQ_UNBOUND | WQ_MEM_RECLAIM |
				      WQ_FREEZABLE, 0);
	return xenfront_wq ? 0 : -ENOMEM;
}

void xenfront_device_exit(void)
{
	destroy_workqueue(xenfront_wq);
}
