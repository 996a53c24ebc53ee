/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the library's files share with each other and with nobody else.
 */
#ifndef _XENFRONT_INTERNAL_H
#define _XENFRONT_INTERNAL_H

#include <xenfront.h>

struct workqueue_struct;

/* All steps of all devices run here. */
extern struct workqueue_struct *xenfront_wq;

int xenfront_lifecycle_init(void);
void xenfront_lifecycle_exit(void);
const char *xenfront_phase_name(const struct xenfront_device *xf);

void xenfront_debugfs_init(void);
void xenfront_debugfs_exit(void);
void xenfront_debugfs_add(struct xenfront_device *xf);
void xenfront_debugfs_remove(struct xenfront_device *xf);

/* The backend's state as xenstore has it now; Unknown if it has none. */
static inline enum xenbus_state
xenfront_backend_state(const struct xenfront_device *xf)
{
	return xenbus_read_driver_state(xf->dev, xf->dev->otherend);
}

#endif /* _XENFRONT_INTERNAL_H */
