/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the library's files share with each other and with nobody else.
 */
#ifndef _XENFRONT_INTERNAL_H
#define _XENFRONT_INTERNAL_H

#include <xen/xenbus.h>
#include <xenfront.h>

/* How long a backend may take for one step while we are being removed. */
#define XENFRONT_STOP_PATIENCE	(5 * HZ)
/* How often a backend may go with what it has mapped. */
#define XENFRONT_MOST_KEPT	16

int xenfront_device_init(void);
void xenfront_device_exit(void);
void xenfront_look_again(struct xenfront_device *xf, unsigned long delay);

void xenfront_step(struct xenfront_device *xf);
void xenfront_set_phase(struct xenfront_device *xf, enum xenfront_phase phase);
void xenfront_close_for_good(struct xenfront_device *xf);
const char *xenfront_phase_name(const struct xenfront_device *xf);

void xenfront_write_state(struct xenbus_device *dev, enum xenbus_state state);
void xenfront_announce_start(struct xenfront_device *xf);
void xenfront_set_state(struct xenfront_device *xf, enum xenbus_state state);

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
