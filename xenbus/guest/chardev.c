// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/xen/xenbus: xenstore for programs.
 *
 * A program writes requests as xen/interface/io/xs_wire.h has them, in as many
 * pieces as it likes, and reads answers and events of what it watches.  Its
 * watches and transactions are kept here, so that they end when it does, and
 * so that it cannot touch the kernel's.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kstrtox.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <xen/xenbus.h>

#include "guest.h"

/* Messages that may wait to be read; who writes more has to read first. */
#define QUEUE_MAX	1024

/**
 * struct message - to be read by a program
 * @list:	in &session.queue
 * @len:	of @data
 * @read:	how much was read
 * @data:	header and body
 */
struct message {
	struct list_head list;
	unsigned int len;
	unsigned int read;
	char data[];
};

/**
 * struct session - somebody has the device open
 * @lock:	held while something is written; guards what follows
 * @transactions: struct transaction, begun and not ended
 * @watches:	struct user_watch
 * @written:	how much of @hdr and @body there is
 * @hdr:	of the request that is being written
 * @body:	likewise, and a NUL
 * @queue_lock:	guards what follows
 * @queue:	struct message, to be read
 * @nr_queued:	how many
 * @wait:	woken when @queue changes
 */
struct session {
	struct mutex lock;	/* guards what follows */
	struct list_head transactions;
	struct list_head watches;
	unsigned int written;
	struct xsd_sockmsg hdr;
	char body[XENSTORE_PAYLOAD_MAX + 1];

	spinlock_t queue_lock;	/* guards what follows */
	struct list_head queue;
	unsigned int nr_queued;

	wait_queue_head_t wait;
};

/**
 * struct transaction - of a program
 * @list:	in &session.transactions
 * @id:		xenstored's
 * @generation:	a resume has ended it if there is another one now
 */
struct transaction {
	struct list_head list;
	u32 id;
	unsigned int generation;
};

/**
 * struct user_watch - of a program
 * @list:	in &session.watches
 * @session:	whose it is
 * @watch:	the kernel's, of the same path
 * @token:	by which the program knows it
 */
struct user_watch {
	struct list_head list;
	struct session *session;
	struct xenbus_watch watch;
	char *token;
};

/* ------------------------------------------------------------------------
 * What is to be read
 */

static int queue_message(struct session *s, const struct xsd_sockmsg *hdr,
			 const void *body)
{
	struct message *msg;

	msg = kmalloc(sizeof(*msg) + sizeof(*hdr) + hdr->len, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	msg->read = 0;
	msg->len = sizeof(*hdr) + hdr->len;
	memcpy(msg->data, hdr, sizeof(*hdr));
	memcpy(msg->data + sizeof(*hdr), body, hdr->len);

	spin_lock(&s->queue_lock);
	list_add_tail(&msg->list, &s->queue);
	s->nr_queued++;
	spin_unlock(&s->queue_lock);
	wake_up_interruptible(&s->wait);
	return 0;
}

static unsigned int nr_queued(struct session *s)
{
	return READ_ONCE(s->nr_queued);
}

/* Taken out, so that two readers cannot have the same; or NULL. */
static struct message *take_message(struct session *s)
{
	struct message *msg;

	spin_lock(&s->queue_lock);
	msg = list_first_entry_or_null(&s->queue, struct message, list);
	if (msg) {
		list_del(&msg->list);
		s->nr_queued--;
	}
	spin_unlock(&s->queue_lock);
	return msg;
}

static void put_back(struct session *s, struct message *msg)
{
	spin_lock(&s->queue_lock);
	list_add(&msg->list, &s->queue);
	s->nr_queued++;
	spin_unlock(&s->queue_lock);
}

/* Returns how much was copied, or -EFAULT if that is nothing. */
static ssize_t copy_message(struct session *s, struct message *msg,
			    char __user *buf, size_t len)
{
	size_t n = min_t(size_t, len, msg->len - msg->read);
	size_t copied = n - copy_to_user(buf, msg->data + msg->read, n);

	msg->read += copied;
	if (msg->read == msg->len)
		kfree(msg);
	else
		put_back(s, msg);
	return copied ?: -EFAULT;
}

static ssize_t session_read(struct file *file, char __user *buf, size_t len,
			    loff_t *pos)
{
	struct session *s = file->private_data;
	struct message *msg;
	ssize_t n, done = 0;
	int err;

	if (!len)
		return 0;
	while (done < len) {
		msg = take_message(s);
		if (!msg && done)
			break;
		if (!msg && (file->f_flags & O_NONBLOCK))
			return -EAGAIN;
		if (!msg) {
			err = wait_event_interruptible(s->wait, nr_queued(s));
			if (err)
				return err;
			continue;
		}
		n = copy_message(s, msg, buf + done, len - done);
		if (n < 0)
			return done ?: n;
		done += n;
	}
	/* There is room for who writes. */
	wake_up_interruptible(&s->wait);
	return done;
}

static __poll_t session_poll(struct file *file, poll_table *wait)
{
	struct session *s = file->private_data;

	poll_wait(file, &s->wait, wait);
	return nr_queued(s) ? EPOLLIN | EPOLLRDNORM : 0;
}

/* ------------------------------------------------------------------------
 * Requests
 */

/* An answer that is not xenstored's. */
static int reply(struct session *s, u32 type, const char *body)
{
	struct xsd_sockmsg hdr = s->hdr;

	hdr.type = type;
	hdr.len = strlen(body) + 1;
	return queue_message(s, &hdr, body);
}

/* What is written gets its answer in the order in which it was written. */
static int ask(struct session *s, struct guest_reply *answer)
{
	struct kvec part = { s->body, s->hdr.len };

	return guest_store_call(s->hdr.type, s->hdr.tx_id, &part, 1, answer);
}

/* Passes the answer on. */
static int pass(struct session *s, const struct guest_reply *answer)
{
	struct xsd_sockmsg hdr = s->hdr;

	hdr.type = answer->type;
	hdr.len = answer->len;
	return queue_message(s, &hdr, answer->body);
}

static struct transaction *find_transaction(struct session *s)
{
	struct transaction *t;

	list_for_each_entry(t, &s->transactions, list)
		if (t->id == s->hdr.tx_id)
			return t;
	return NULL;
}

static void forget_transaction(struct transaction *t)
{
	list_del(&t->list);
	kfree(t);
}

static int start_transaction(struct session *s)
{
	struct guest_reply answer;
	struct transaction *t;
	int err;

	t = kzalloc_obj(*t, GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	t->generation = guest_store_generation();
	err = ask(s, &answer);
	if (err)
		goto free_transaction;
	if (answer.type == XS_TRANSACTION_START)
		err = kstrtou32(answer.body, 10, &t->id);
	if (!err && t->id) {
		list_add(&t->list, &s->transactions);
		t = NULL;
	}
	err = err ? -EIO : pass(s, &answer);
	kfree(answer.body);
free_transaction:
	kfree(t);
	return err;
}

static int end_transaction(struct session *s, struct transaction *t)
{
	bool commit = !strcmp(s->body, "T");
	struct guest_reply answer;
	int err;

	if (!t)
		return reply(s, XS_ERROR, "ENOENT");
	if (s->hdr.len != 2 || (!commit && strcmp(s->body, "F")))
		return reply(s, XS_ERROR, "EINVAL");
	/* The xenstored that knew of it is another host's. */
	if (t->generation != guest_store_generation()) {
		forget_transaction(t);
		return commit ? reply(s, XS_ERROR, "EAGAIN") :
				reply(s, XS_TRANSACTION_END, "OK");
	}
	err = ask(s, &answer);
	forget_transaction(t);
	if (err)
		return err;
	err = pass(s, &answer);
	kfree(answer.body);
	return err;
}

static int other_request(struct session *s, struct transaction *t)
{
	struct guest_reply answer;
	int err;

	if (s->hdr.tx_id && !t)
		return reply(s, XS_ERROR, "ENOENT");
	/* To be tried again, as the transaction's end will say. */
	if (t && t->generation != guest_store_generation())
		return reply(s, XS_ERROR, "EAGAIN");
	err = ask(s, &answer);
	if (err)
		return err;
	err = pass(s, &answer);
	kfree(answer.body);
	return err;
}

/* ------------------------------------------------------------------------
 * Watches
 */

static void free_watch(struct user_watch *w)
{
	kfree(w->watch.node);
	kfree(w->token);
	kfree(w);
}

/* Who does not read misses what happens. */
static bool has_room(struct xenbus_watch *watch, const char *path,
		     const char *token)
{
	struct user_watch *w = container_of(watch, struct user_watch, watch);

	return nr_queued(w->session) + watch->nr_pending < QUEUE_MAX;
}

static void watch_fired(struct xenbus_watch *watch, const char *path,
			const char *token)
{
	struct user_watch *w = container_of(watch, struct user_watch, watch);
	unsigned int path_size = strlen(path) + 1;
	unsigned int token_size = strlen(w->token) + 1;
	struct xsd_sockmsg hdr = {
		.type = XS_WATCH_EVENT,
		.len = path_size + token_size,
	};
	char *body;

	body = kmalloc(hdr.len, GFP_KERNEL);
	if (!body)
		return;
	memcpy(body, path, path_size);
	memcpy(body + path_size, w->token, token_size);
	queue_message(w->session, &hdr, body);
	kfree(body);
}

static int add_watch(struct session *s, const char *path, const char *token)
{
	struct user_watch *w;
	int err = -ENOMEM;

	w = kzalloc_obj(*w, GFP_KERNEL);
	if (!w)
		return -ENOMEM;
	w->session = s;
	w->watch.will_handle = has_room;
	w->watch.callback = watch_fired;
	w->watch.node = kstrdup(path, GFP_KERNEL);
	w->token = kstrdup(token, GFP_KERNEL);
	if (!w->watch.node || !w->token)
		goto free_watch;
	err = register_xenbus_watch(&w->watch);
	if (err)
		goto free_watch;
	list_add(&w->list, &s->watches);
	return 0;

free_watch:
	free_watch(w);
	return err;
}

static void remove_watch(struct user_watch *w)
{
	unregister_xenbus_watch(&w->watch);
	list_del(&w->list);
	free_watch(w);
}

static struct user_watch *find_watch(struct session *s, const char *path,
				     const char *token)
{
	struct user_watch *w;

	list_for_each_entry(w, &s->watches, list)
		if (!strcmp(w->watch.node, path) && !strcmp(w->token, token))
			return w;
	return NULL;
}

/* The body is a path and a token, each with its NUL. */
static int change_watches(struct session *s)
{
	const char *path = s->body;
	const char *token = path + strlen(path) + 1;
	struct user_watch *w;
	int err;

	if (token >= path + s->hdr.len ||
	    token + strlen(token) >= path + s->hdr.len)
		return reply(s, XS_ERROR, "EINVAL");
	w = find_watch(s, path, token);
	if (s->hdr.type == XS_WATCH) {
		if (w)
			return reply(s, XS_ERROR, "EEXIST");
		err = add_watch(s, path, token);
		if (err)
			return err;
	} else {
		if (!w)
			return reply(s, XS_ERROR, "ENOENT");
		remove_watch(w);
	}
	return reply(s, s->hdr.type, "OK");
}

/* ------------------------------------------------------------------------
 * What is written
 */

static int store_request(struct session *s)
{
	struct transaction *t;
	int err;

	/* From what is looked at here to the answer there is one xenstored. */
	guest_store_enter();
	t = s->hdr.tx_id ? find_transaction(s) : NULL;
	if (s->hdr.type == XS_TRANSACTION_START && !s->hdr.tx_id)
		err = start_transaction(s);
	else if (s->hdr.type == XS_TRANSACTION_END)
		err = end_transaction(s, t);
	else
		err = other_request(s, t);
	guest_store_leave();
	return err;
}

static int request(struct session *s)
{
	s->body[s->hdr.len] = 0;
	switch (s->hdr.type) {
	case XS_WATCH:
	case XS_UNWATCH:
		return change_watches(s);
	case XS_RESET_WATCHES:
		/* They are the kernel's as well. */
		return reply(s, XS_ERROR, "EACCES");
	default:
		return store_request(s);
	}
}

/* How much is missing: of the header, or, if that is there, of the body. */
static unsigned int missing(const struct session *s)
{
	if (s->written < sizeof(s->hdr))
		return sizeof(s->hdr) - s->written;
	return sizeof(s->hdr) + s->hdr.len - s->written;
}

static int take_piece(struct session *s, const char __user *buf,
		      unsigned int len)
{
	void *to = s->written < sizeof(s->hdr) ?
		   (void *)&s->hdr + s->written :
		   s->body + s->written - sizeof(s->hdr);

	if (copy_from_user(to, buf, len))
		return -EFAULT;
	s->written += len;
	if (s->written == sizeof(s->hdr) && s->hdr.len > XENSTORE_PAYLOAD_MAX) {
		s->written = 0;
		return -E2BIG;
	}
	return 0;
}

static ssize_t write_locked(struct session *s, const char __user *buf,
			    size_t len)
{
	ssize_t done = 0;
	int err = 0;

	while (!err && done < len) {
		unsigned int n = min_t(size_t, len - done, missing(s));

		err = take_piece(s, buf + done, n);
		if (err)
			break;
		done += n;
		if (s->written < sizeof(s->hdr) || missing(s))
			continue;
		err = request(s);
		s->written = 0;
	}
	return err ?: done;
}

static ssize_t session_write(struct file *file, const char __user *buf,
			     size_t len, loff_t *pos)
{
	struct session *s = file->private_data;
	ssize_t ret;

	while (nr_queued(s) >= QUEUE_MAX) {
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		ret = wait_event_interruptible(s->wait,
					       nr_queued(s) < QUEUE_MAX);
		if (ret)
			return ret;
	}
	mutex_lock(&s->lock);
	ret = write_locked(s, buf, len);
	mutex_unlock(&s->lock);
	return ret;
}

/* ------------------------------------------------------------------------
 * The device
 */

static int session_open(struct inode *inode, struct file *file)
{
	struct session *s;

	s = kzalloc_obj(*s, GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	mutex_init(&s->lock);
	INIT_LIST_HEAD(&s->transactions);
	INIT_LIST_HEAD(&s->watches);
	spin_lock_init(&s->queue_lock);
	INIT_LIST_HEAD(&s->queue);
	init_waitqueue_head(&s->wait);
	file->private_data = s;
	return stream_open(inode, file);
}

static void abort_transaction(struct transaction *t)
{
	struct kvec part = { "F", 2 };
	struct guest_reply answer;

	guest_store_enter();
	if (t->generation == guest_store_generation() &&
	    !guest_store_call(XS_TRANSACTION_END, t->id, &part, 1, &answer))
		kfree(answer.body);
	guest_store_leave();
	forget_transaction(t);
}

static int session_release(struct inode *inode, struct file *file)
{
	struct session *s = file->private_data;
	struct transaction *t, *next_t;
	struct user_watch *w, *next_w;
	struct message *msg;

	list_for_each_entry_safe(t, next_t, &s->transactions, list)
		abort_transaction(t);
	list_for_each_entry_safe(w, next_w, &s->watches, list)
		remove_watch(w);
	while ((msg = take_message(s)))
		kfree(msg);
	kfree(s);
	return 0;
}

/* xenfs shows it as /proc/xen/xenbus. */
const struct file_operations xen_xenbus_fops = {
	.owner		= THIS_MODULE,
	.open		= session_open,
	.release	= session_release,
	.read		= session_read,
	.write		= session_write,
	.poll		= session_poll,
};
EXPORT_SYMBOL_GPL(xen_xenbus_fops);

static struct miscdevice xenbus_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "xen/xenbus",
	.fops	= &xen_xenbus_fops,
};

static bool have_mount_point;

/**
 * guest_chardev_init() - have programs talk to xenstore
 *
 * And make the place where xenfs is mounted, which programs look for, too.
 *
 * Context: module init; xenstore answers.
 * Return: 0, or a negative errno.
 */
int guest_chardev_init(void)
{
	int err;

	err = misc_register(&xenbus_misc);
	if (err)
		return err;
	/* Without it xenfs has to be mounted elsewhere. */
	have_mount_point = proc_create_mount_point("xen");
	return 0;
}

/**
 * guest_chardev_exit() - undo guest_chardev_init()
 *
 * Context: module exit; nobody has the device open.
 */
void guest_chardev_exit(void)
{
	if (have_mount_point)
		remove_proc_entry("xen", NULL);
	misc_deregister(&xenbus_misc);
}
