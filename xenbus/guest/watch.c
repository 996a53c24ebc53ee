// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watches: who wants to know of changes below a path.
 *
 * Events are handled one after the other by a thread of their own, xenwatch:
 * who handles them asks xenstore questions, and the reader of the answers must
 * not wait for that.  How many wait is bounded.  A watch that has too many gets
 * one that names the path it watches, as if that had changed: what is below it
 * is to be looked at.
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <xen/xenbus.h>

#include "guest.h"

/* Events of one watch that may wait. */
#define PENDING_MAX	256
/* A number in hexadecimal and its NUL. */
#define TOKEN_SIZE	9

struct watched;

/**
 * struct event - something has changed
 * @list:	in &watches.events, or empty; by &watches.lock
 * @watched:	who wants to know
 * @path:	what has changed
 */
struct event {
	struct list_head list;
	struct watched *watched;
	const char *path;
};

/**
 * struct watched - our half of a watch; from its registration to its end
 * @list:	in &watches.all
 * @watch:	the other half, whoever's it is
 * @summary:	stands for the events that could not be kept
 * @token:	what xenstored knows the watch by
 */
struct watched {
	struct list_head list;
	struct xenbus_watch *watch;
	struct event summary;
	char token[TOKEN_SIZE];
};

/**
 * struct watches - all of them
 * @changing:	held while xenstored is told of a watch, and while @all changes
 * @thread:	calls back
 * @lock:	guards what follows, and &xenbus_watch.nr_pending
 * @all:	struct watched
 * @events:	struct event: what is to be handled
 * @running:	whose callback runs
 * @next_token:	of a watch
 * @work:	woken when there are events
 * @done:	woken when a callback has returned
 */
static struct watches {
	struct mutex changing;	/* of what is watched */
	struct task_struct *thread;

	spinlock_t lock;	/* guards what follows */
	struct list_head all;
	struct list_head events;
	struct watched *running;
	u32 next_token;

	wait_queue_head_t work;
	wait_queue_head_t done;
} watches = {
	.changing = __MUTEX_INITIALIZER(watches.changing),
	.lock = __SPIN_LOCK_UNLOCKED(watches.lock),
	.all = LIST_HEAD_INIT(watches.all),
	.events = LIST_HEAD_INIT(watches.events),
	.work = __WAIT_QUEUE_HEAD_INITIALIZER(watches.work),
	.done = __WAIT_QUEUE_HEAD_INITIALIZER(watches.done),
};

/* ------------------------------------------------------------------------
 * Events
 */

static struct event *create_event(const char *path)
{
	unsigned int size = strlen(path) + 1;
	struct event *event;

	event = kmalloc(sizeof(*event) + size, GUEST_STORE_GFP);
	if (!event)
		return NULL;
	event->path = memcpy(event + 1, path, size);
	return event;
}

static bool is_summary(const struct event *event)
{
	return event == &event->watched->summary;
}

static struct watched *find_token(const char *token)
{
	struct watched *watched;

	list_for_each_entry(watched, &watches.all, list)
		if (!strcmp(watched->token, token))
			return watched;
	return NULL;
}

/* Returns the event, or the one that stood for it, if it was not kept. */
static struct event *keep(struct watched *watched, struct event *event,
			  const char *path)
{
	struct xenbus_watch *watch = watched->watch;

	if (watch->will_handle &&
	    !watch->will_handle(watch, path, watched->token))
		return event;
	if (!event || watch->nr_pending >= PENDING_MAX) {
		/* Waits already, and will see this as well. */
		if (!list_empty(&watched->summary.list))
			return event;
		kfree(event);
		event = &watched->summary;
	}
	event->watched = watched;
	list_add_tail(&event->list, &watches.events);
	watch->nr_pending++;
	wake_up(&watches.work);
	return NULL;
}

/**
 * guest_watch_event() - xenstored says that something has changed
 * @body:	path and token, each with a NUL
 * @len:	of both; another NUL is behind it
 *
 * Context: the reader; sleeps, but asks xenstored nothing.
 */
void guest_watch_event(const char *body, unsigned int len)
{
	const char *token = body + strlen(body) + 1;
	struct watched *watched;
	struct event *event;

	if (token >= body + len || token + strlen(token) + 1 != body + len) {
		pr_warn_ratelimited("xen-guest: xenstore sends an event that is none: %*pE\n",
				    (int)min(len, 64U), body);
		return;
	}
	event = create_event(body);
	spin_lock(&watches.lock);
	watched = find_token(token);
	/* An event may be on its way while its watch ends. */
	if (watched)
		event = keep(watched, event, body);
	spin_unlock(&watches.lock);
	kfree(event);
}

static struct event *next_event(void)
{
	struct event *event;

	spin_lock(&watches.lock);
	event = list_first_entry_or_null(&watches.events, struct event, list);
	if (event) {
		list_del_init(&event->list);
		event->watched->watch->nr_pending--;
		watches.running = event->watched;
	}
	spin_unlock(&watches.lock);
	return event;
}

static void handle(struct event *event)
{
	struct xenbus_watch *watch = event->watched->watch;
	/* That goes with its watch, which the callback may end. */
	bool summary = is_summary(event);

	watch->callback(watch, event->path, event->watched->token);
	if (!summary)
		kfree(event);

	spin_lock(&watches.lock);
	watches.running = NULL;
	spin_unlock(&watches.lock);
	wake_up_all(&watches.done);
}

/*
 * Disks come back by what is told of here: memory for it must not be had by
 * writing to them.
 */
static int xenwatch(void *unused)
{
	unsigned int noio = memalloc_noio_save();
	struct event *event;

	while (!kthread_should_stop()) {
		wait_event_interruptible(watches.work,
					 !list_empty(&watches.events) ||
					 kthread_should_stop());
		event = next_event();
		if (event)
			handle(event);
	}
	memalloc_noio_restore(noio);
	return 0;
}

/* ------------------------------------------------------------------------
 * Watches
 */

static int tell_xenstored(u32 type, const struct watched *watched)
{
	const char *node = watched->watch->node;
	struct kvec parts[] = {
		{ (void *)node, strlen(node) + 1 },
		{ (void *)watched->token, strlen(watched->token) + 1 },
	};

	return guest_store_tell(type, parts, ARRAY_SIZE(parts));
}

static struct watched *find_watch(const struct xenbus_watch *watch)
{
	struct watched *watched;

	list_for_each_entry(watched, &watches.all, list)
		if (watched->watch == watch)
			return watched;
	return NULL;
}

static void add(struct watched *watched)
{
	struct xenbus_watch *watch = watched->watch;

	spin_lock(&watches.lock);
	watch->nr_pending = 0;
	snprintf(watched->token, sizeof(watched->token), "%x",
		 watches.next_token++);
	list_add_tail(&watched->list, &watches.all);
	spin_unlock(&watches.lock);
}

static void forget(struct watched *watched)
{
	struct event *event, *next;

	spin_lock(&watches.lock);
	list_del(&watched->list);
	list_for_each_entry_safe(event, next, &watches.events, list) {
		if (event->watched != watched)
			continue;
		list_del_init(&event->list);
		if (!is_summary(event))
			kfree(event);
	}
	watched->watch->nr_pending = 0;
	spin_unlock(&watches.lock);
}

/* Another one may have its address before the callback has returned. */
static void forget_running(const struct watched *watched)
{
	spin_lock(&watches.lock);
	if (watches.running == watched)
		watches.running = NULL;
	spin_unlock(&watches.lock);
}

static bool has_returned(const struct watched *watched)
{
	bool has;

	spin_lock(&watches.lock);
	has = watches.running != watched;
	spin_unlock(&watches.lock);
	return has;
}

/**
 * register_xenbus_watch() - be told of changes
 * @watch: whom to call back and what for; stays until the watch ends
 *
 * xenstored sends a first event at once.
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno with nothing registered.
 */
int register_xenbus_watch(struct xenbus_watch *watch)
{
	struct watched *watched;
	int err = -EEXIST;

	watched = kzalloc_obj(*watched, GUEST_STORE_GFP);
	if (!watched)
		return -ENOMEM;
	watched->watch = watch;
	watched->summary.path = watch->node;
	INIT_LIST_HEAD(&watched->summary.list);

	guest_store_enter();
	mutex_lock(&watches.changing);
	if (WARN_ON_ONCE(find_watch(watch)))
		goto unlock;
	/* First, for the event may be faster than the answer. */
	add(watched);
	err = tell_xenstored(XS_WATCH, watched);
	if (err)
		forget(watched);
unlock:
	mutex_unlock(&watches.changing);
	guest_store_leave();
	if (err)
		kfree(watched);
	return err;
}
EXPORT_SYMBOL_GPL(register_xenbus_watch);

/**
 * unregister_xenbus_watch() - not to be told any more
 * @watch: a registered watch
 *
 * When it returns the callback does not run, unless it is the caller, and will
 * not be called again.
 *
 * Context: process; sleeps.
 */
void unregister_xenbus_watch(struct xenbus_watch *watch)
{
	struct watched *watched;
	int err;

	guest_store_enter();
	mutex_lock(&watches.changing);
	watched = find_watch(watch);
	if (!WARN_ON_ONCE(!watched)) {
		forget(watched);
		err = tell_xenstored(XS_UNWATCH, watched);
		if (err)
			pr_warn("xen-guest: xenstore does not end the watch of %s: %d\n",
				watch->node, err);
	}
	mutex_unlock(&watches.changing);
	guest_store_leave();
	if (!watched)
		return;
	if (current != watches.thread)
		wait_event(watches.done, has_returned(watched));
	else
		forget_running(watched);
	kfree(watched);
}
EXPORT_SYMBOL_GPL(unregister_xenbus_watch);

/**
 * guest_watch_resume() - have another xenstored know what is watched
 *
 * Each watch gets its first event again, whatever may have changed.
 *
 * Context: guest_store_resume(): nobody else is in a call.
 */
void guest_watch_resume(void)
{
	struct watched *watched;
	int err;

	mutex_lock(&watches.changing);
	list_for_each_entry(watched, &watches.all, list) {
		err = tell_xenstored(XS_WATCH, watched);
		if (err)
			pr_err("xen-guest: %s is not watched any more: %d\n",
			       watched->watch->node, err);
	}
	mutex_unlock(&watches.changing);
}

/**
 * guest_watch_reset() - end the watches of whoever was here before
 *
 * A kernel that kexec has replaced, say.  It is the first request, too: an
 * error other than that xenstored cannot do it means that nobody is there.
 *
 * Context: module init.
 * Return: 0, or a negative errno.
 */
int guest_watch_reset(void)
{
	struct kvec empty = { "", 1 };
	int err;

	err = guest_store_tell(XS_RESET_WATCHES, &empty, 1);
	if (err == -ETIMEDOUT || err == -EIO || err == -ENOMEM)
		return err;
	return 0;
}

/**
 * guest_watch_init() - be ready for watches
 *
 * Context: module init; before the reader runs.
 * Return: 0, or a negative errno.
 */
int guest_watch_init(void)
{
	watches.thread = kthread_run(xenwatch, NULL, "xenwatch");
	return PTR_ERR_OR_ZERO(watches.thread);
}

/**
 * guest_watch_exit() - undo guest_watch_init()
 *
 * Context: module exit; nothing is watched, and the reader has ended.
 */
void guest_watch_exit(void)
{
	WARN_ON_ONCE(!list_empty(&watches.all));
	kthread_stop(watches.thread);
}
