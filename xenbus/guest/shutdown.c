// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the toolstack wants of the guest: control/shutdown and control/sysrq.
 *
 * It writes a word, and what it was told by is that the word is gone.  What a
 * guest can do is said by control/feature-WORD.
 * Protocol: Xen's docs/misc/xenstore-paths.pandoc.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysrq.h>
#include <xen/xenbus.h>

#include "guest.h"

#define FOLDER	"control"

static void power_off(void)
{
	orderly_poweroff(false);
}

static void reboot(void)
{
	orderly_reboot();
}

/* Without it devices know nothing of being frozen. */
#ifdef CONFIG_HIBERNATION
static void suspend(void)
{
	int err = guest_suspend();

	if (err)
		pr_err("xen-guest: the guest cannot be suspended: %d\n", err);
}
#endif

/**
 * struct command - a word that the toolstack may write
 * @word:	which
 * @feature:	says that we can do it; NULL: it is taken for granted
 * @run:	does it
 */
struct command {
	const char *word;
	const char *feature;
	void (*run)(void);
};

static const struct command commands[] = {
	{ "poweroff", "feature-poweroff", power_off },
	{ "halt", NULL, power_off },
	{ "reboot", "feature-reboot", reboot },
#ifdef CONFIG_HIBERNATION
	{ "suspend", "feature-suspend", suspend },
#endif
};

static const struct command *find_command(const char *word)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].word, word))
			return &commands[i];
	return NULL;
}

/*
 * Reads what is asked for and says that we have.  In a transaction, so that
 * what is written just then is not lost.  Returns the value, or NULL if
 * nothing is asked for.
 */
static char *take_request(const char *key, bool (*is_known)(const char *value))
{
	struct xenbus_transaction t;
	char *value;
	int err;

	do {
		if (xenbus_transaction_start(&t))
			return NULL;
		value = xenbus_read(t, FOLDER, key, NULL);
		if (IS_ERR(value)) {
			xenbus_transaction_end(t, 1);
			return NULL;
		}
		err = *value && is_known(value) ?
		      xenbus_write(t, FOLDER, key, "") : 0;
		err = xenbus_transaction_end(t, err || !*value) ?: err;
		if (!err && *value)
			return value;
		kfree(value);
	} while (err == -EAGAIN);
	if (err)
		pr_err("xen-guest: " FOLDER "/%s cannot be answered: %d\n",
		       key, err);
	return NULL;
}

static bool is_command(const char *value)
{
	return find_command(value);
}

static void shutdown_changed(struct xenbus_watch *watch, const char *path,
			     const char *token)
{
	const struct command *command;
	char *word;

	/* We are on our way already. */
	if (system_state > SYSTEM_RUNNING)
		return;
	word = take_request("shutdown", is_command);
	if (!word)
		return;
	command = find_command(word);
	if (command)
		command->run();
	else
		pr_warn("xen-guest: " FOLDER "/shutdown: \"%.32s\" is nothing that we can do\n",
			word);
	kfree(word);
}

static struct xenbus_watch shutdown_watch = {
	.node		= FOLDER "/shutdown",
	.callback	= shutdown_changed,
};

static bool is_key(const char *value)
{
	return true;
}

static void sysrq_changed(struct xenbus_watch *watch, const char *path,
			  const char *token)
{
	char *key = take_request("sysrq", is_key);

	if (key)
		handle_sysrq(*key);
	kfree(key);
}

static struct xenbus_watch sysrq_watch = {
	.node		= FOLDER "/sysrq",
	.callback	= sysrq_changed,
};

static void advertise(bool can)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		const char *feature = commands[i].feature;

		if (!feature)
			continue;
		/* Not removed: only the toolstack could make it again. */
		err = xenbus_write(XBT_NIL, FOLDER, feature, can ? "1" : "0");
		/* A toolstack that does not care need not let us. */
		if (err && can)
			pr_warn("xen-guest: " FOLDER "/%s cannot be written: %d\n",
				feature, err);
	}
}

/**
 * guest_shutdown_init() - do what the toolstack wants
 *
 * Context: module init; all that a suspend needs is there.
 * Return: 0, or a negative errno.
 */
int guest_shutdown_init(void)
{
	int err;

	err = register_xenbus_watch(&shutdown_watch);
	if (err)
		return err;
	err = register_xenbus_watch(&sysrq_watch);
	if (err) {
		unregister_xenbus_watch(&shutdown_watch);
		return err;
	}
	advertise(true);
	return 0;
}

/**
 * guest_shutdown_exit() - undo guest_shutdown_init()
 *
 * Context: module exit.
 */
void guest_shutdown_exit(void)
{
	advertise(false);
	unregister_xenbus_watch(&sysrq_watch);
	unregister_xenbus_watch(&shutdown_watch);
}
