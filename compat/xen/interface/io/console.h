/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_XEN_INTERFACE_IO_CONSOLE_H
#define _COMPAT_XEN_INTERFACE_IO_CONSOLE_H

#include_next <xen/interface/io/console.h>

/* Since 6.19 the page tells whether somebody serves it; Xen's always could. */
#ifndef XENCONSOLE_DISCONNECTED
#define XENCONSOLE_DISCONNECTED	1
#define XENCONSOLE_CONNECTED	0

struct compat_xencons_interface {
	char in[sizeof_field(struct xencons_interface, in)];
	char out[sizeof_field(struct xencons_interface, out)];
	XENCONS_RING_IDX in_cons, in_prod;
	XENCONS_RING_IDX out_cons, out_prod;
	u8 connection;
};

static_assert(offsetof(struct compat_xencons_interface, connection) ==
	      sizeof(struct xencons_interface));

#define xencons_interface compat_xencons_interface
#endif

#endif /* _COMPAT_XEN_INTERFACE_IO_CONSOLE_H */
