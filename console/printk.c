// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own messages, on the primary console: console=hvc0, which is the
 * kernel's default in most guests.
 *
 * What was said before there was a console appears when it is registered.
 */
#include <linux/console.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/string.h>

#include "xencons.h"

/* How long one message may take, in ns; and in an oops, where all may be last. */
#define PATIENCE	(2 * (u64)NSEC_PER_SEC)
#define OOPS_PATIENCE	(10 * (u64)NSEC_PER_SEC)

static struct xencons *kernels;

/* A line feed is two bytes on a terminal that nobody has set up. */
static void xencons_printk_write(struct console *console, const char *text,
				 unsigned int count)
{
	u64 last = ktime_get_mono_fast_ns() +
		   (oops_in_progress ? OOPS_PATIENCE : PATIENCE);
	const char *end = text + count, *line;

	while (text < end) {
		line = memchr(text, '\n', end - text) ?: end;
		xencons_output_now(kernels, (const u8 *)text, line - text,
				   last);
		if (line < end) {
			xencons_output_now(kernels, (const u8 *)"\r\n", 2,
					   last);
			line++;
		}
		text = line;
	}
}

static struct tty_driver *xencons_printk_device(struct console *console,
						int *index)
{
	*index = console->index;
	return xencons_tty_driver;
}

static struct console xencons_printk = {
	.write	= xencons_printk_write,
	.device	= xencons_printk_device,
	.flags	= CON_PRINTBUFFER,
};

/**
 * xencons_is_kernels() - does the kernel print there?
 * @cons: the console
 *
 * Context: any.
 */
bool xencons_is_kernels(const struct xencons *cons)
{
	return cons == kernels && xencons_printk.flags & CON_ENABLED;
}

/**
 * xencons_printk_init() - have the kernel print there, if it is asked to
 * @cons: a console that stays until xencons_printk_exit()
 *
 * Context: process; sleeps, and prints.
 */
void xencons_printk_init(struct xencons *cons)
{
	kernels = cons;
	/* console=hvc1 is another one. */
	xencons_printk.index = cons->index;
	strscpy(xencons_printk.name, xencons_tty_driver->name,
		sizeof(xencons_printk.name));
	register_console(&xencons_printk);
}

/**
 * xencons_printk_exit() - undo xencons_printk_init()
 *
 * Context: process; sleeps.
 */
void xencons_printk_exit(void)
{
	unregister_console(&xencons_printk);
	kernels = NULL;
}
