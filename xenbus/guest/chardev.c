// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/xen/xenbus: xenstore for programs.
 *
 * A program writes requests as xen/interface/io/xs_wire.h has them, in as many
 * pieces as it likes, and reads answers and events of what it watches.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <xen/xenbus.h>

#include "chardev.h"
#include "guest.h"

/**
 * struct message - to be read by a program
 * @list:	in &session.queue
 * @len:	of @data
 * @read:	how much was read
 * @is_answer:	or an event
 * @data:	header and body
 */
struct message {
	struct list_head list;
	unsigned int len;
	unsigned int read;
	bool is_answer;
	char data[];
};

/* ------------------------------------------------------------------------
 * What is to be read
 */

/* Under queue_lock. */
static void enqueue(struct session *s, struct message *msg, bool first)
{
	list_add(&msg->list, first ? &s->queue : s->queue.prev);
	WRITE_ONCE(s->nr_queued, s->nr_queued + 1);
	WRITE_ONCE(s->nr_answers, s->nr_answers + msg->is_answer);
}

/**
 * session_queue() - have a program read something
 * @s:		the program's session
 * @hdr:	what it reads first
 * @body:	and then
 *
 * Context: process; sleeps.
 * Return: 0, or -ENOMEM.
 */
int session_queue(struct session *s, const struct xsd_sockmsg *hdr,
		  const void *body)
{
	struct message *msg;

	msg = kmalloc(sizeof(*msg) + sizeof(*hdr) + hdr->len, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	msg->read = 0;
	msg->len = sizeof(*hdr) + hdr->len;
	msg->is_answer = hdr->type != XS_WATCH_EVENT;
	memcpy(msg->data, hdr, sizeof(*hdr));
	memcpy(msg->data + sizeof(*hdr), body, hdr->len);

	spin_lock(&s->queue_lock);
	enqueue(s, msg, false);
	spin_unlock(&s->queue_lock);
	wake_up_interruptible(&s->wait);
	return 0;
}

/* Taken out, so that two readers cannot have the same; or NULL. */
static struct message *take_message(struct session *s)
{
	struct message *msg;

	spin_lock(&s->queue_lock);
	msg = list_first_entry_or_null(&s->queue, struct message, list);
	if (msg) {
		list_del(&msg->list);
		WRITE_ONCE(s->nr_queued, s->nr_queued - 1);
		WRITE_ONCE(s->nr_answers, s->nr_answers - msg->is_answer);
	}
	spin_unlock(&s->queue_lock);
	return msg;
}

static void put_back(struct session *s, struct message *msg)
{
	spin_lock(&s->queue_lock);
	enqueue(s, msg, true);
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
			err = wait_event_interruptible(s->wait,
						       session_nr_queued(s));
			if (err)
				return err;
			continue;
		}
		n = copy_message(s, msg, buf + done, len - done);
		if (n < 0) {
			done = done ?: n;
			break;
		}
		done += n;
	}
	/* There is room for who writes. */
	wake_up_interruptible(&s->wait);
	return done;
}

/* ------------------------------------------------------------------------
 * What is written
 */

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

/* Up to the end of a request, so that who writes more is asked to wait. */
static ssize_t write_locked(struct session *s, const char __user *buf,
			    size_t len)
{
	unsigned int piece, before = s->written;
	size_t done = 0;
	int err;

	while (done < len) {
		piece = min_t(size_t, len - done, missing(s));
		err = take_piece(s, buf + done, piece);
		if (err) {
			/* Then nothing of this write was taken. */
			if (err == -EFAULT)
				s->written = before;
			return err;
		}
		done += piece;
		if (s->written >= sizeof(s->hdr) && !missing(s)) {
			err = session_request(s);
			s->written = 0;
			return err ?: done;
		}
	}
	return done;
}

/* Who watches and does not read may write: it would wait for itself. */
static bool may_write(const struct session *s)
{
	return READ_ONCE(s->nr_answers) < SESSION_QUEUE_MAX;
}

static ssize_t session_write(struct file *file, const char __user *buf,
			     size_t len, loff_t *pos)
{
	struct session *s = file->private_data;
	ssize_t ret;

	if (!may_write(s) && (file->f_flags & O_NONBLOCK))
		return -EAGAIN;
	ret = wait_event_interruptible(s->wait, may_write(s));
	if (ret)
		return ret;
	mutex_lock(&s->lock);
	ret = write_locked(s, buf, len);
	mutex_unlock(&s->lock);
	return ret;
}

/* ------------------------------------------------------------------------
 * The device
 */

static __poll_t session_poll(struct file *file, poll_table *wait)
{
	struct session *s = file->private_data;

	poll_wait(file, &s->wait, wait);
	return (session_nr_queued(s) ? EPOLLIN | EPOLLRDNORM : 0) |
	       (may_write(s) ? EPOLLOUT | EPOLLWRNORM : 0);
}

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

static int session_release(struct inode *inode, struct file *file)
{
	struct session *s = file->private_data;
	struct message *msg;

	session_end(s);
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
