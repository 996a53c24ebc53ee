// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listing a directory of xenstore, also one whose listing does not fit into an
 * answer: that is read in parts, and begun anew when it has changed meanwhile.
 */
#include <linux/err.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <xen/xenbus.h>

#include "guest.h"

/* Names of a directory that are read, in bytes. */
#define LISTING_MAX	(1024 * 1024)
/* How often one that changes is begun anew. */
#define RESTARTS_MAX	16
/* A number and its NUL. */
#define OFFSET_SIZE	12

/**
 * struct listing - names, each with its NUL
 * @names:	to be freed
 * @len:	of all
 * @age:	what xenstored says of the directory when it sends a part; another
 *		text means that something has changed.  To be freed
 */
struct listing {
	char *names;
	unsigned int len;
	char *age;
};

static void forget(struct listing *listing)
{
	kfree(listing->names);
	kfree(listing->age);
	memset(listing, 0, sizeof(*listing));
}

static int append(struct listing *listing, const char *names, unsigned int len)
{
	char *longer;

	if (listing->len + len > LISTING_MAX)
		return -E2BIG;
	longer = krealloc(listing->names, listing->len + len, GUEST_STORE_GFP);
	if (!longer)
		return -ENOMEM;
	memcpy(longer + listing->len, names, len);
	listing->names = longer;
	listing->len += len;
	return 0;
}

/*
 * A part is the directory's age and then names; an empty one follows the last.
 * Returns 1 after that, and -ESTALE if the directory has changed.
 */
static int take_part(struct listing *listing, const char *part,
		     unsigned int len)
{
	unsigned int age = strlen(part) + 1;
	bool last;
	int err;

	/* The NUL behind the part is not its own. */
	if (age >= len || part[len - 1])
		return -EIO;
	if (!listing->age) {
		listing->age = kstrdup(part, GUEST_STORE_GFP);
		if (!listing->age)
			return -ENOMEM;
	} else if (strcmp(listing->age, part)) {
		return -ESTALE;
	}
	part += age;
	len -= age;
	last = len == 1 || !part[len - 2];
	err = append(listing, part, len - last);
	return err ?: last;
}

static int read_part(struct xenbus_transaction t, const char *path,
		     struct listing *listing)
{
	char offset[OFFSET_SIZE];
	struct kvec parts[] = {
		{ (void *)path, strlen(path) + 1 },
		{ offset, 0 },
	};
	unsigned int len;
	char *part;
	int err;

	parts[1].iov_len = snprintf(offset, sizeof(offset), "%u",
				    listing->len) + 1;
	part = guest_store_talk(t, XS_DIRECTORY_PART, parts, ARRAY_SIZE(parts),
				&len);
	if (IS_ERR(part))
		return PTR_ERR(part);
	err = take_part(listing, part, len);
	kfree(part);
	return err;
}

static int read_parts(struct xenbus_transaction t, const char *path,
		      struct listing *listing)
{
	unsigned int restarts = 0;
	int err;

	do {
		err = read_part(t, path, listing);
		if (err == -ESTALE) {
			forget(listing);
			err = restarts++ < RESTARTS_MAX ? 0 : -EAGAIN;
		}
	} while (!err);
	return err < 0 ? err : 0;
}

static int read_all(struct xenbus_transaction t, const char *path,
		    struct listing *listing)
{
	struct kvec part = { (void *)path, strlen(path) + 1 };

	listing->names = guest_store_talk(t, XS_DIRECTORY, &part, 1,
					  &listing->len);
	if (IS_ERR(listing->names)) {
		int err = PTR_ERR(listing->names);

		listing->names = NULL;
		return err == -E2BIG ? read_parts(t, path, listing) : err;
	}
	return 0;
}

static unsigned int count(const struct listing *listing)
{
	unsigned int i, nr = 0;

	for (i = 0; i < listing->len; i++)
		nr += !listing->names[i];
	return nr;
}

/* One allocation: the pointers, and then what they point to. */
static char **split(const struct listing *listing, unsigned int *num)
{
	unsigned int i, nr = count(listing);
	char **names, *name;

	if (listing->len && listing->names[listing->len - 1])
		return ERR_PTR(-EIO);
	names = kmalloc(nr * sizeof(*names) + listing->len, GUEST_STORE_GFP);
	if (!names)
		return ERR_PTR(-ENOMEM);
	name = memcpy(names + nr, listing->names, listing->len);
	for (i = 0; i < nr; i++) {
		names[i] = name;
		name += strlen(name) + 1;
	}
	*num = nr;
	return names;
}

/**
 * xenbus_directory() - what is in a directory
 * @t:		the transaction, or XBT_NIL
 * @dir:	the directory
 * @node:	a directory in it; empty: @dir itself
 * @num:	how many names there are
 *
 * Context: process; sleeps.
 * Return: the names, to be freed as one, or an error pointer.
 */
char **xenbus_directory(struct xenbus_transaction t, const char *dir,
			const char *node, unsigned int *num)
{
	struct listing listing = { };
	char **names;
	char *path;
	int err;

	path = guest_store_path(dir, node);
	if (IS_ERR(path))
		return ERR_CAST(path);
	err = read_all(t, path, &listing);
	names = err ? ERR_PTR(err) : split(&listing, num);
	if (names == ERR_PTR(-EIO))
		pr_err_ratelimited("xen-guest: xenstore's list of %s is none\n",
				   path);
	forget(&listing);
	kfree(path);
	return names;
}
EXPORT_SYMBOL_GPL(xenbus_directory);
