// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be asked of xenstore: <xen/xenbus.h> has the kernel's names for it.
 *
 * Names are paths: absolute, or below the guest's own directory.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kstrtox.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <xen/xenbus.h>

#include "guest.h"

/* xenstored names errors by C's names for them. */
static int error_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(xsd_errors); i++)
		if (!strcmp(name, xsd_errors[i].errstring))
			return -xsd_errors[i].errnum;
	pr_warn_ratelimited("xen-guest: xenstore has an error of its own: %.16s\n",
			    name);
	return -EINVAL;
}

static int call(u32 type, u32 tx, const struct kvec *parts, unsigned int nr,
		struct guest_reply *reply)
{
	int err;

	err = guest_store_call(type, tx, parts, nr, reply);
	if (err || reply->type != XS_ERROR)
		return err;
	err = error_of(reply->body);
	kfree(reply->body);
	return err;
}

/**
 * guest_store_tell() - a request whose answer is that it was done
 * @type:	XS_*
 * @parts:	what it consists of
 * @nr:		how many parts
 *
 * Context: as guest_store_call().
 * Return: 0, or a negative errno.
 */
int guest_store_tell(u32 type, const struct kvec *parts, unsigned int nr)
{
	struct guest_reply reply;
	int err;

	err = call(type, 0, parts, nr, &reply);
	if (!err)
		kfree(reply.body);
	return err;
}

/**
 * guest_store_talk() - a request and its answer
 * @t:		the transaction, or XBT_NIL
 * @type:	XS_*
 * @parts:	what the request consists of
 * @nr:		how many parts
 * @len:	length of the answer, without its NUL; may be NULL
 *
 * Context: process; sleeps.
 * Return: the answer, to be freed, or an error pointer.
 */
char *guest_store_talk(struct xenbus_transaction t, u32 type,
		       const struct kvec *parts, unsigned int nr,
		       unsigned int *len)
{
	struct guest_reply reply;
	int err;

	/* Who is in a transaction has entered with it. */
	if (!t.id)
		guest_store_enter();
	err = call(type, t.id, parts, nr, &reply);
	if (!t.id)
		guest_store_leave();
	if (err)
		return ERR_PTR(err);
	if (len)
		*len = reply.len;
	return reply.body;
}

/**
 * guest_store_path() - where something is
 * @dir:	the directory
 * @node:	what is in it; empty: the directory itself
 *
 * Context: process; sleeps.
 * Return: the path, to be freed, or an error pointer.
 */
char *guest_store_path(const char *dir, const char *node)
{
	char *path = kasprintf(GUEST_STORE_GFP, "%s%s%s", dir,
			       *node ? "/" : "", node);

	return path ?: ERR_PTR(-ENOMEM);
}

static char *talk_about(struct xenbus_transaction t, u32 type, const char *dir,
			const char *node, unsigned int *len)
{
	struct kvec part;
	char *path, *reply;

	path = guest_store_path(dir, node);
	if (IS_ERR(path))
		return path;
	part.iov_base = path;
	part.iov_len = strlen(path) + 1;
	reply = guest_store_talk(t, type, &part, 1, len);
	kfree(path);
	return reply;
}

static int done(char *reply)
{
	if (IS_ERR(reply))
		return PTR_ERR(reply);
	kfree(reply);
	return 0;
}

/**
 * xenbus_read() - a value
 * @t:		the transaction, or XBT_NIL
 * @dir:	the directory
 * @node:	what is in it
 * @len:	length of the value, which may have NULs inside; may be NULL
 *
 * Context: process; sleeps.
 * Return: the value with a NUL behind it, to be freed, or an error pointer.
 */
void *xenbus_read(struct xenbus_transaction t, const char *dir,
		  const char *node, unsigned int *len)
{
	return talk_about(t, XS_READ, dir, node, len);
}
EXPORT_SYMBOL_GPL(xenbus_read);

/**
 * xenbus_exists() - is there such a thing?
 * @t:		the transaction, or XBT_NIL
 * @dir:	the directory
 * @node:	what is in it
 *
 * Context: process; sleeps.
 * Return: 1 if it is there and we may see it, or 0.
 */
int xenbus_exists(struct xenbus_transaction t, const char *dir,
		  const char *node)
{
	return !done(xenbus_read(t, dir, node, NULL));
}
EXPORT_SYMBOL_GPL(xenbus_exists);

/**
 * xenbus_write() - set a value
 * @t:		the transaction, or XBT_NIL
 * @dir:	the directory
 * @node:	what is in it; made, with all above it, if it is not there
 * @string:	the value; its NUL is not written
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno.
 */
int xenbus_write(struct xenbus_transaction t, const char *dir,
		 const char *node, const char *string)
{
	struct kvec parts[2];
	char *path;
	int err;

	path = guest_store_path(dir, node);
	if (IS_ERR(path))
		return PTR_ERR(path);
	parts[0].iov_base = path;
	parts[0].iov_len = strlen(path) + 1;
	parts[1].iov_base = (void *)string;
	parts[1].iov_len = strlen(string);
	err = done(guest_store_talk(t, XS_WRITE, parts, ARRAY_SIZE(parts),
				    NULL));
	kfree(path);
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_write);

/**
 * xenbus_rm() - remove a value, or a directory with all that is in it
 * @t:		the transaction, or XBT_NIL
 * @dir:	the directory
 * @node:	what is in it
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno.
 */
int xenbus_rm(struct xenbus_transaction t, const char *dir, const char *node)
{
	return done(talk_about(t, XS_RM, dir, node, NULL));
}
EXPORT_SYMBOL_GPL(xenbus_rm);

/**
 * xenbus_scanf() - read a value, and what is in it
 * @t:		the transaction, or XBT_NIL
 * @dir:	the directory
 * @node:	what is in it
 * @fmt:	as sscanf()'s
 *
 * Context: process; sleeps.
 * Return: how many conversions were done, -ERANGE if none was, or another
 *	   negative errno.
 */
int xenbus_scanf(struct xenbus_transaction t, const char *dir,
		 const char *node, const char *fmt, ...)
{
	char *value;
	va_list args;
	int nr;

	value = xenbus_read(t, dir, node, NULL);
	if (IS_ERR(value))
		return PTR_ERR(value);
	va_start(args, fmt);
	nr = vsscanf(value, fmt, args);
	va_end(args);
	kfree(value);
	return nr ?: -ERANGE;
}
EXPORT_SYMBOL_GPL(xenbus_scanf);

/**
 * xenbus_read_unsigned() - read a number that may be there
 * @dir:		the directory
 * @node:		what is in it
 * @default_val:	what it is if there is none
 *
 * Context: process; sleeps.
 * Return: the number.
 */
unsigned int xenbus_read_unsigned(const char *dir, const char *node,
				  unsigned int default_val)
{
	unsigned int value;

	return xenbus_scanf(XBT_NIL, dir, node, "%u", &value) == 1 ?
	       value : default_val;
}
EXPORT_SYMBOL_GPL(xenbus_read_unsigned);

/**
 * xenbus_printf() - write a formatted value
 * @t:		the transaction, or XBT_NIL
 * @dir:	the directory
 * @node:	what is in it
 * @fmt:	as printf()'s
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno.
 */
int xenbus_printf(struct xenbus_transaction t, const char *dir,
		  const char *node, const char *fmt, ...)
{
	va_list args;
	char *value;
	int err;

	va_start(args, fmt);
	value = kvasprintf(GUEST_STORE_GFP, fmt, args);
	va_end(args);
	if (!value)
		return -ENOMEM;
	err = xenbus_write(t, dir, node, value);
	kfree(value);
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_printf);

static int gather_one(struct xenbus_transaction t, const char *dir,
		      const char *name, const char *fmt, void *result)
{
	char *value = xenbus_read(t, dir, name, NULL);
	int err = 0;

	if (IS_ERR(value))
		return PTR_ERR(value);
	if (!fmt) {
		*(char **)result = value;
		return 0;
	}
	if (sscanf(value, fmt, result) != 1)
		err = -EINVAL;
	kfree(value);
	return err;
}

/**
 * xenbus_gather() - read several values of a directory
 * @t:		the transaction, or XBT_NIL
 * @dir:	the directory
 *
 * For each value follow its name, a format as sscanf()'s and where the result
 * goes; or NULL instead of the format, and the whole value is the result, to be
 * freed.  The last name is NULL.
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno: of the values up to the one that failed
 *	   there are results.
 */
int xenbus_gather(struct xenbus_transaction t, const char *dir, ...)
{
	const char *name, *fmt;
	va_list args;
	int err = 0;

	va_start(args, dir);
	while (!err) {
		name = va_arg(args, const char *);
		if (!name)
			break;
		fmt = va_arg(args, const char *);
		err = gather_one(t, dir, name, fmt, va_arg(args, void *));
	}
	va_end(args);
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_gather);

/**
 * xenbus_transaction_start() - see and change several values as one
 * @t: the transaction
 *
 * The guest is not suspended before its end.
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno: there is none to be ended.
 */
int xenbus_transaction_start(struct xenbus_transaction *t)
{
	struct kvec empty = { "", 1 };
	struct guest_reply reply;
	int err;

	guest_store_enter();
	err = call(XS_TRANSACTION_START, 0, &empty, 1, &reply);
	if (err)
		goto leave;
	err = kstrtou32(reply.body, 10, &t->id);
	kfree(reply.body);
	/* With the id 0 nothing would be a transaction's. */
	if (err || !t->id) {
		pr_err_ratelimited("xen-guest: xenstore starts a transaction without an id\n");
		err = -EIO;
		goto leave;
	}
	return 0;

leave:
	guest_store_leave();
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_transaction_start);

/**
 * xenbus_transaction_end() - end a transaction, one way or the other
 * @t:		the transaction
 * @abort:	nothing of it is to be done
 *
 * Context: process; sleeps.
 * Return: 0; -EAGAIN if somebody else has changed something: nothing was done,
 *	   and it is to be tried again; or another negative errno.
 */
int xenbus_transaction_end(struct xenbus_transaction t,
			   COMPAT_XENBUS_BOOL abort)
{
	struct kvec part = { abort ? "F" : "T", 2 };
	int err;

	if (WARN_ON_ONCE(!t.id))
		return -EINVAL;
	err = done(guest_store_talk(t, XS_TRANSACTION_END, &part, 1, NULL));
	guest_store_leave();
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_transaction_end);
