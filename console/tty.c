// SPDX-License-Identifier: GPL-2.0-only
/*
 * The terminal driver: hvc0 is the console that a guest is born with, hvcN that
 * of number N on the bus.
 *
 * Not by the kernel's hvc_console: it is missing where no driver built into the
 * kernel needs it, its declarations are in no package of headers, and it has
 * eight terminals.  Where it serves a console, though, the names are its own;
 * then ours are called xvcN, as Xen's first console driver was.
 */
#include <linux/err.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>

#include "xencons.h"

/* Documentation/admin-guide/devices.txt: hypervisor consoles */
#define HVC_MAJOR	229

/* Bytes that the line discipline writes without looking what came of them. */
#define MOST_UNCHECKED	8

struct tty_driver *xencons_tty_driver;

static struct xencons *tty_to_xencons(struct tty_struct *tty)
{
	return tty->driver_data;
}

/* The reference is the terminal's, until its cleanup. */
static int xencons_tty_install(struct tty_driver *driver,
			       struct tty_struct *tty)
{
	struct xencons *cons = xencons_get(tty->index);
	int err;

	if (!cons)
		return -ENODEV;
	tty->driver_data = cons;
	err = tty_port_install(&cons->port, driver, tty);
	if (err)
		tty_port_put(&cons->port);
	return err;
}

static void xencons_tty_cleanup(struct tty_struct *tty)
{
	tty_port_put(&tty_to_xencons(tty)->port);
}

static int xencons_tty_open(struct tty_struct *tty, struct file *file)
{
	return tty_port_open(&tty_to_xencons(tty)->port, tty, file);
}

static void xencons_tty_close(struct tty_struct *tty, struct file *file)
{
	tty_port_close(&tty_to_xencons(tty)->port, tty, file);
}

static void xencons_tty_hangup(struct tty_struct *tty)
{
	tty_port_hangup(&tty_to_xencons(tty)->port);
}

static DEFINE_TTY_WRITE(xencons_tty_write)
{
	struct xencons *cons = tty_to_xencons(tty);

	if (READ_ONCE(cons->gone))
		return -EIO;
	/*
	 * Ctrl-S; Ctrl-Q wakes the writers.  What is short the line discipline
	 * may not write again where it makes two bytes of one: it has looked for
	 * room before.
	 */
	if (tty->flow.stopped && !(O_OPOST(tty) && count <= MOST_UNCHECKED))
		return 0;
	return xencons_output(cons, buf, min_t(size_t, count, UINT_MAX));
}

static unsigned int xencons_tty_write_room(struct tty_struct *tty)
{
	return tty->flow.stopped ? 0 :
				   xencons_output_room(tty_to_xencons(tty));
}

static unsigned int xencons_tty_chars_in_buffer(struct tty_struct *tty)
{
	return xencons_output_waiting(tty_to_xencons(tty));
}

static void xencons_tty_flush_buffer(struct tty_struct *tty)
{
	xencons_output_drop(tty_to_xencons(tty));
}

static void xencons_tty_throttle(struct tty_struct *tty)
{
	xencons_input_allow(tty_to_xencons(tty), false);
}

static void xencons_tty_unthrottle(struct tty_struct *tty)
{
	xencons_input_allow(tty_to_xencons(tty), true);
}

static void xencons_tty_set_termios(struct tty_struct *tty,
				    const struct ktermios *old)
{
	xencons_input_signals(tty_to_xencons(tty), L_ISIG(tty));
}

static const struct tty_operations xencons_tty_ops = {
	.install		= xencons_tty_install,
	.cleanup		= xencons_tty_cleanup,
	.open			= xencons_tty_open,
	.close			= xencons_tty_close,
	.hangup			= xencons_tty_hangup,
	.write			= xencons_tty_write,
	.write_room		= xencons_tty_write_room,
	.chars_in_buffer	= xencons_tty_chars_in_buffer,
	.flush_buffer		= xencons_tty_flush_buffer,
	.throttle		= xencons_tty_throttle,
	.unthrottle		= xencons_tty_unthrottle,
	.set_termios		= xencons_tty_set_termios,
};

static int xencons_port_activate(struct tty_port *port, struct tty_struct *tty)
{
	return xencons_input_open(port_to_xencons(port), L_ISIG(tty));
}

static void xencons_port_shutdown(struct tty_port *port)
{
	xencons_input_close(port_to_xencons(port));
}

static void xencons_port_destruct(struct tty_port *port)
{
	xencons_free(port_to_xencons(port));
}

const struct tty_port_operations xencons_port_ops = {
	.activate	= xencons_port_activate,
	.shutdown	= xencons_port_shutdown,
	.destruct	= xencons_port_destruct,
};

static struct tty_driver *register_driver(const char *name, int major)
{
	struct tty_driver *driver;
	int err;

	driver = tty_alloc_driver(XENCONS_MAX, TTY_DRIVER_REAL_RAW |
				  TTY_DRIVER_DYNAMIC_DEV);
	if (IS_ERR(driver))
		return driver;
	driver->driver_name = "xen-console";
	driver->name = name;
	driver->major = major;
	driver->type = TTY_DRIVER_TYPE_SYSTEM;
	driver->init_termios = tty_std_termios;
	tty_set_operations(driver, &xencons_tty_ops);
	err = tty_register_driver(driver);
	if (err) {
		tty_driver_kref_put(driver);
		return ERR_PTR(err);
	}
	return driver;
}

/**
 * xencons_tty_init() - the driver, without terminals
 *
 * Context: module init.
 * Return: 0, or a negative errno.
 */
int xencons_tty_init(void)
{
	struct tty_driver *driver = register_driver("hvc", HVC_MAJOR);

	if (PTR_ERR_OR_ZERO(driver) == -EBUSY)
		driver = register_driver("xvc", 0);
	if (IS_ERR(driver))
		return PTR_ERR(driver);
	xencons_tty_driver = driver;
	return 0;
}

/**
 * xencons_tty_exit() - undo xencons_tty_init()
 *
 * Context: module exit; all consoles were removed.
 */
void xencons_tty_exit(void)
{
	tty_unregister_driver(xencons_tty_driver);
	tty_driver_kref_put(xencons_tty_driver);
}
