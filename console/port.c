// SPDX-License-Identifier: GPL-2.0-only
/*
 * One console as users know it, and the table of all.
 *
 * It is made before its backend is there and stays while backends come and go.
 * Users may outlive it: the terminal's port counts them.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/sysrq.h>

#include "xencons.h"

/* How often a ring is looked at of which no event comes. */
#define POLL		(HZ / 4)
#define LONG_POLL	(5 * HZ)	/* nobody waits */
/* So many lines are in the log, at most, about what a console's backend does. */
#define MOST_COMPLAINTS	32

static DEFINE_MUTEX(table_lock);	/* guards the table */
static struct xencons *table[XENCONS_MAX];

static ssize_t name_show(struct device *dev, struct device_attribute *attr,
			 char *buf)
{
	const struct xencons *cons = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%s\n", cons->name);
}
static DEVICE_ATTR_RO(name);

static ssize_t count_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	const struct dev_ext_attribute *count =
		container_of(attr, struct dev_ext_attribute, attr);
	struct xencons *cons = dev_get_drvdata(dev);
	unsigned long flags;
	u64 value;

	spin_lock_irqsave(&cons->lock, flags);
	value = *(u64 *)((void *)cons + (unsigned long)count->var);
	spin_unlock_irqrestore(&cons->lock, flags);
	return sysfs_emit(buf, "%llu\n", value);
}

static struct dev_ext_attribute sent = {
	__ATTR(sent, 0444, count_show, NULL),
	(void *)offsetof(struct xencons, sent)
};

static struct dev_ext_attribute received = {
	__ATTR(received, 0444, count_show, NULL),
	(void *)offsetof(struct xencons, received)
};

static struct dev_ext_attribute lost = {
	__ATTR(lost, 0444, count_show, NULL),
	(void *)offsetof(struct xencons, lost)
};

/* Of the terminal's device: udev makes links by the name. */
static struct attribute *xencons_attrs[] = {
	&dev_attr_name.attr,
	&sent.attr.attr,
	&received.attr.attr,
	&lost.attr.attr,
	NULL
};
ATTRIBUTE_GROUPS(xencons);

/* A log is no place for a backend to write to without end. */
static bool may_complain(struct xencons *cons)
{
	if (cons->complaints == MOST_COMPLAINTS)
		return false;
	cons->complaints++;
	return true;
}

static void tell_of_output(struct xencons *cons, bool stalled, bool flows)
{
	unsigned long flags;
	u64 lost;

	spin_lock_irqsave(&cons->lock, flags);
	lost = cons->lost - cons->lost_told;
	if (flows)
		cons->lost_told = cons->lost;
	stalled = stalled && may_complain(cons);
	flows = flows && lost && may_complain(cons);
	spin_unlock_irqrestore(&cons->lock, flags);

	if (stalled)
		dev_warn(cons->dev,
			 "%s%u: backend takes no output: what is more than %u KiB is lost until it does\n",
			 xencons_tty_driver->name, cons->index,
			 XENCONS_FIFO_SIZE / 1024);
	if (flows)
		dev_warn(cons->dev,
			 "%s%u: backend takes output again, %llu bytes were lost\n",
			 xencons_tty_driver->name, cons->index, lost);
}

static void tell_of_nonsense(struct xencons *cons)
{
	struct xenfront_device *xf;
	unsigned long flags;
	bool complain;

	/* Pairs with the grace period in xencons_remove(). */
	rcu_read_lock();
	xf = READ_ONCE(cons->xf);
	if (xf)
		xenfront_break(xf, "backend wrote nonsense into an index");
	rcu_read_unlock();
	if (xf)
		return;
	spin_lock_irqsave(&cons->lock, flags);
	complain = may_complain(cons);
	spin_unlock_irqrestore(&cons->lock, flags);
	if (complain)
		dev_err(cons->dev,
			"backend wrote nonsense into an index: what was in the ring is lost\n");
}

/* The next one may be taken from now on. */
static void tell_of_sysrq(struct xencons *cons)
{
	unsigned long flags;
	u8 key;

	spin_lock_irqsave(&cons->lock, flags);
	key = cons->sysrq_key;
	cons->sysrq_key = 0;
	spin_unlock_irqrestore(&cons->lock, flags);
	if (key)
		handle_sysrq(key);
}

/* Not once it is removed, though users may still be at work. */
static void look_later(struct xencons *cons)
{
	unsigned long flags;

	spin_lock_irqsave(&cons->lock, flags);
	if (!cons->gone)
		schedule_delayed_work(&cons->work,
				      cons->stalled ? LONG_POLL : POLL);
	spin_unlock_irqrestore(&cons->lock, flags);
}

/**
 * xencons_tell() - tell everybody what has happened
 * @cons: the console, not locked
 *
 * Context: process, softirq or hard irq; not from printk, which may have been
 * called under any lock.
 */
void xencons_tell(struct xencons *cons)
{
	unsigned long news = xchg(&cons->news, 0);

	if (test_bit(XENCONS_NEWS_ROOM, &news))
		tty_port_tty_wakeup(&cons->port);
	if (test_bit(XENCONS_NEWS_NONSENSE, &news))
		tell_of_nonsense(cons);
	if (test_bit(XENCONS_NEWS_STALLED, &news) ||
	    test_bit(XENCONS_NEWS_FLOWS, &news))
		tell_of_output(cons, test_bit(XENCONS_NEWS_STALLED, &news),
			       test_bit(XENCONS_NEWS_FLOWS, &news));
	if (test_bit(XENCONS_NEWS_SYSRQ, &news))
		tell_of_sysrq(cons);
	if (test_bit(XENCONS_NEWS_WAIT, &news))
		look_later(cons);
}

static void tell_later(struct irq_work *work)
{
	xencons_tell(container_of(work, struct xencons, irq_work));
}

/* Its own number, if nobody has it. */
static int take_index(struct xencons *cons, unsigned int wanted)
{
	int i = wanted;

	mutex_lock(&table_lock);
	if (wanted >= XENCONS_MAX || table[wanted])
		for (i = XENCONS_MAX - 1; i > 0 && table[i];)
			i--;
	if (i > 0 || !table[i]) {
		table[i] = cons;
		cons->index = i;
	} else {
		i = -ENOSPC;
	}
	mutex_unlock(&table_lock);
	return i < 0 ? i : 0;
}

/**
 * xencons_free() - nobody uses the console any more
 * @cons: the console
 *
 * Only now another one may have its terminal's number: a terminal that somebody
 * has open stays in the kernel's table.
 *
 * Context: process; sleeps.
 */
void xencons_free(struct xencons *cons)
{
	mutex_lock(&table_lock);
	if (table[cons->index] == cons)
		table[cons->index] = NULL;
	mutex_unlock(&table_lock);
	put_device(cons->dev);
	kfifo_free(&cons->out);
	kfree(cons);
}

/**
 * xencons_get() - the console that has a terminal of that number
 * @index: the number
 *
 * Context: process; sleeps.
 * Return: the console, whose port the caller puts, or NULL.
 */
struct xencons *xencons_get(unsigned int index)
{
	struct xencons *cons = NULL;

	mutex_lock(&table_lock);
	if (index < XENCONS_MAX)
		cons = table[index];
	if (cons && (READ_ONCE(cons->gone) ||
		     !kref_get_unless_zero(&cons->port.kref)))
		cons = NULL;
	mutex_unlock(&table_lock);
	return cons;
}

/**
 * xencons_create() - a console, with its terminal
 * @dev:	the device that it belongs to
 * @xf:		the conversation with its backend, or NULL
 * @wanted:	the number that its terminal is to have, if it is free
 * @name:	of the channel, or ""
 *
 * Context: process; sleeps.
 * Return: the console, for xencons_remove(), or an ERR_PTR().
 */
struct xencons *xencons_create(struct device *dev, struct xenfront_device *xf,
			       unsigned int wanted, const char *name)
{
	struct xencons *cons = kzalloc_obj(*cons, GFP_KERNEL);
	struct device *tty;
	int err;

	if (!cons)
		return ERR_PTR(-ENOMEM);
	err = kfifo_alloc(&cons->out, XENCONS_FIFO_SIZE, GFP_KERNEL);
	if (err) {
		kfree(cons);
		return ERR_PTR(err);
	}
	spin_lock_init(&cons->lock);
	cons->dev = get_device(dev);
	cons->xf = xf;
	cons->moved_at = jiffies;
	strscpy(cons->name, name, sizeof(cons->name));
	INIT_DELAYED_WORK(&cons->work, xencons_output_work);
	/* Lazy: an interrupt would be lost that is asked for in a suspend. */
	cons->irq_work = IRQ_WORK_INIT_LAZY(tell_later);
	tty_port_init(&cons->port);
	cons->port.ops = &xencons_port_ops;

	err = take_index(cons, wanted);
	if (err)
		goto put_port;
	tty = tty_port_register_device_attr(&cons->port, xencons_tty_driver,
					    cons->index, dev, cons,
					    xencons_groups);
	if (IS_ERR(tty)) {
		err = PTR_ERR(tty);
		goto put_port;
	}
	return cons;

put_port:
	tty_port_put(&cons->port);
	return ERR_PTR(err);
}

/**
 * xencons_remove() - undo xencons_create()
 * @cons: the console, detached
 *
 * Who has it open gets errors, and the structure lives until they are gone.
 *
 * Context: process; sleeps.
 */
void xencons_remove(struct xencons *cons)
{
	unsigned long flags;

	spin_lock_irqsave(&cons->lock, flags);
	cons->gone = true;
	cons->open = false;
	WRITE_ONCE(cons->xf, NULL);
	cons->parked = NULL;
	kfifo_reset(&cons->out);
	spin_unlock_irqrestore(&cons->lock, flags);
	tty_unregister_device(xencons_tty_driver, cons->index);
	tty_port_tty_wakeup(&cons->port);
	tty_port_tty_hangup(&cons->port, false);

	irq_work_sync(&cons->irq_work);
	cancel_delayed_work_sync(&cons->work);
	/* Whoever has seen @xf is done with it. */
	synchronize_rcu();
	tty_port_put(&cons->port);
}
