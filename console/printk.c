// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own messages, on the primary console: console=hvc0, which is the
 * kernel's default in most guests.
 *
 * What was said before there was a console appears when it is registered.
 */
#include <linux/console.h>
#include <linux/string.h>

#include "xencons.h"

static struct xencons *kernels;

/* A line feed is two bytes on a terminal that nobody has set up. */
static void xencons_printk_write(struct console *console, const char *text,
				 unsigned int count)
{
	const char *end = text + count, *line;

	while (text < end) {
		line = memchr(text, '\n', end - text) ?: end;
		xencons_output_now(kernels, (const u8 *)text, line - text);
		if (line < end) {
			xencons_output_now(kernels, (const u8 *)"\r\n", 2);
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

/* console=hvc1 is another one. */
static int xencons_printk_setup(struct console *console, char *options)
{
	return console->index == kernels->index ? 0 : -ENODEV;
}

static struct console xencons_printk = {
	.write	= xencons_printk_write,
	.device	= xencons_printk_device,
	.setup	= xencons_printk_setup,
	.flags	= CON_PRINTBUFFER,
	.index	= -1,
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
