// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/xenfront/<device>/state: what was negotiated, and how the
 * device fares.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <xen/xenbus.h>
#include <xenfront.h>

#include "internal.h"

static struct dentry *root;

static int state_show(struct seq_file *m, void *unused)
{
	struct xenfront_device *xf = m->private;

	mutex_lock(&xf->lock);
	seq_printf(m, "driver: %s\n", xf->dev->dev.driver->name);
	seq_printf(m, "backend: %s (domain %d)\n", xf->dev->otherend,
		   xf->dev->otherend_id);
	seq_printf(m, "phase: %s\n", xenfront_phase_name(xf));
	seq_printf(m, "usable: %d\n", xenfront_usable(xf));
	seq_printf(m, "connects: %u\n", xf->connects);
	seq_printf(m, "breaks: %u\n", xf->breaks);
	if (xf->ops->show)
		xf->ops->show(xf, m);
	mutex_unlock(&xf->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

void xenfront_debugfs_add(struct xenfront_device *xf)
{
	xf->debugfs = debugfs_create_dir(dev_name(&xf->dev->dev), root);
	debugfs_create_file("state", 0400, xf->debugfs, xf, &state_fops);
}

void xenfront_debugfs_remove(struct xenfront_device *xf)
{
	/* Waits for readers, so @xf may be freed afterwards. */
	debugfs_remove(xf->debugfs);
	xf->debugfs = NULL;
}

void xenfront_debugfs_init(void)
{
	root = debugfs_create_dir("xenfront", NULL);
}

void xenfront_debugfs_exit(void)
{
	debugfs_remove(root);
}
