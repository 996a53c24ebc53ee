// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the backend's half of xenstore.
 *
 * Every value is a string that another domain wrote.  Nothing here returns a
 * number that was not wholly understood and inside the caller's bounds, and
 * whatever is wrong is reported with the key's name: once, for a connected
 * backend's keys are read each time that something about it may have changed.
 */
#include <linux/err.h>
#include <linux/kstrtox.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/stringhash.h>
#include <xenfront.h>

/* Longer than any number; what is longer is shown cut off. */
#define SHOWN	32

static int parse(const char *text, unsigned int len, u64 min, u64 max,
		 u64 *value)
{
	u64 v;

	/* A NUL inside would hide the rest of the value from kstrtoull. */
	if (strlen(text) != len || kstrtoull(text, 10, &v))
		return -EINVAL;
	if (v < min || v > max)
		return -ERANGE;
	*value = v;
	return 0;
}

/* False: it was said before in this conversation, or enough was said. */
static bool is_news(struct xenfront_device *xf, const char *line)
{
	u32 hash = full_name_hash(NULL, line, strlen(line));
	unsigned int i;

	for (i = 0; i < xf->nr_blamed; i++)
		if (xf->blamed[i] == hash)
			return false;
	if (xf->nr_blamed == XENFRONT_BLAMES)
		return false;
	xf->blamed[xf->nr_blamed++] = hash;
	return true;
}

/**
 * xenfront_store_blame() - report a key of the backend that makes no sense
 * @dev:	the device
 * @key:	the key's name
 * @what:	how the line goes on after the name, with its line feed
 *
 * A line is printed once in a conversation with a backend, and from a backend
 * that has ever new nonsense to offer no more than XENFRONT_BLAMES lines.
 *
 * Context: process, in one of the device's operations, or before its start.
 */
void xenfront_store_blame(struct xenbus_device *dev, const char *key,
			  const char *what, ...)
{
	struct xenfront_device *xf = dev_get_drvdata(&dev->dev);
	va_list args;
	char *rest, *line;

	va_start(args, what);
	rest = kvasprintf(GFP_KERNEL, what, args);
	va_end(args);
	line = kasprintf(GFP_KERNEL, "backend key \"%s\"%s", key,
			 rest ?: " makes no sense\n");
	kfree(rest);
	if (line && (!xf || is_news(xf, line)))
		dev_err(&dev->dev, "%s", line);
	kfree(line);
}
EXPORT_SYMBOL_GPL(xenfront_store_blame);

/* -ENOENT: the key is not there, and nothing was said about it. */
static int read_bounded(struct xenbus_device *dev, const char *key,
			u64 min, u64 max, u64 *value)
{
	unsigned int len;
	char *text;
	int err;

	text = xenbus_read(XBT_NIL, dev->otherend, key, &len);
	if (IS_ERR(text))
		return PTR_ERR(text);

	err = parse(text, len, min, max, value);
	if (err)
		xenfront_store_blame(dev, key,
				     ": \"%*pE\" is not a number from %llu to %llu\n",
				     min_t(int, len, SHOWN), text, min, max);
	kfree(text);
	return err;
}

/**
 * xenfront_store_get() - read a number that the backend has to supply
 * @dev:	the device whose backend directory is read
 * @key:	the key's name
 * @min:	smallest value that makes sense
 * @max:	largest value that makes sense
 * @value:	where it goes; untouched on error
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno after one line in the log that names the key.
 */
int xenfront_store_get(struct xenbus_device *dev, const char *key,
		       u64 min, u64 max, u64 *value)
{
	int err = read_bounded(dev, key, min, max, value);

	if (err == -ENOENT)
		xenfront_store_blame(dev, key, " is missing\n");
	else if (err && err != -EINVAL && err != -ERANGE)
		xenfront_store_blame(dev, key, " cannot be read: %d\n", err);
	return err;
}
EXPORT_SYMBOL_GPL(xenfront_store_get);

/**
 * xenfront_store_default() - read a number that the backend may supply
 * @dev:	the device whose backend directory is read
 * @key:	the key's name
 * @min:	smallest value that makes sense
 * @max:	largest value that makes sense
 * @def:	what a missing or senseless key means
 *
 * Context: process; sleeps.
 * Return: the value, or @def; a senseless one is reported by name.
 */
u64 xenfront_store_default(struct xenbus_device *dev, const char *key,
			   u64 min, u64 max, u64 def)
{
	u64 value;

	return read_bounded(dev, key, min, max, &value) ? def : value;
}
EXPORT_SYMBOL_GPL(xenfront_store_default);

/**
 * xenfront_store_feature() - does the backend announce a feature?
 * @dev:	the device whose backend directory is read
 * @key:	the feature's key, "1" if it is there
 *
 * Context: process; sleeps.
 * Return: true only for the value 1.
 */
bool xenfront_store_feature(struct xenbus_device *dev, const char *key)
{
	return xenfront_store_default(dev, key, 0, 1, 0);
}
EXPORT_SYMBOL_GPL(xenfront_store_feature);
