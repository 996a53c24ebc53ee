// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program's request: passed on, or answered here.
 *
 * A program's watches and transactions are kept, so that they end when it does,
 * and so that it cannot touch the kernel's.
 */
#include <linux/err.h>
#include <linux/kstrtox.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <xen/xenbus.h>

#include "chardev.h"
#include "guest.h"

/**
 * struct transaction - of a program
 * @list:	in &session.transactions
 * @id:		xenstored's
 * @generation:	a resume has ended it if there is another one now
 */
struct transaction {
	struct list_head list;
	u32 id;
	unsigned int generation;
};

/**
 * struct user_watch - of a program
 * @list:	in &session.watches
 * @session:	whose it is
 * @watch:	the kernel's, of the same path
 * @token:	by which the program knows it
 */
struct user_watch {
	struct list_head list;
	struct session *session;
	struct xenbus_watch watch;
	char *token;
};

/* ------------------------------------------------------------------------
 * Answers
 */

/* An answer that is not xenstored's. */
static int reply(struct session *s, u32 type, const char *body)
{
	struct xsd_sockmsg hdr = s->hdr;

	hdr.type = type;
	hdr.len = strlen(body) + 1;
	return session_queue(s, &hdr, body);
}

/* The request as it is, but for its id, which is the program's. */
static int ask(struct session *s, struct guest_reply *answer)
{
	struct kvec part = { s->body, s->hdr.len };

	return guest_store_call(s->hdr.type, s->hdr.tx_id, &part, 1, answer);
}

/* xenstored's answer, with the program's id. */
static int pass(struct session *s, const struct guest_reply *answer)
{
	struct xsd_sockmsg hdr = s->hdr;

	hdr.type = answer->type;
	hdr.len = answer->len;
	return session_queue(s, &hdr, answer->body);
}

/* ------------------------------------------------------------------------
 * Transactions
 */

static struct transaction *find_transaction(struct session *s)
{
	struct transaction *t;

	list_for_each_entry(t, &s->transactions, list)
		if (t->id == s->hdr.tx_id)
			return t;
	return NULL;
}

static void forget_transaction(struct transaction *t)
{
	list_del(&t->list);
	kfree(t);
}

static int start_transaction(struct session *s)
{
	struct guest_reply answer;
	struct transaction *t;
	int err;

	t = kzalloc_obj(*t, GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	t->generation = guest_store_generation();
	err = ask(s, &answer);
	if (err)
		goto free_transaction;
	if (answer.type == XS_TRANSACTION_START)
		err = kstrtou32(answer.body, 10, &t->id);
	if (!err && t->id) {
		list_add(&t->list, &s->transactions);
		t = NULL;
	}
	err = err ? -EIO : pass(s, &answer);
	kfree(answer.body);
free_transaction:
	kfree(t);
	return err;
}

static int end_transaction(struct session *s, struct transaction *t)
{
	bool commit = !strcmp(s->body, "T");
	struct guest_reply answer;
	int err;

	if (!t)
		return reply(s, XS_ERROR, "ENOENT");
	if (s->hdr.len != 2 || (!commit && strcmp(s->body, "F")))
		return reply(s, XS_ERROR, "EINVAL");
	/* The xenstored that knew of it is another host's. */
	if (t->generation != guest_store_generation()) {
		forget_transaction(t);
		return commit ? reply(s, XS_ERROR, "EAGAIN") :
				reply(s, XS_TRANSACTION_END, "OK");
	}
	err = ask(s, &answer);
	forget_transaction(t);
	if (err)
		return err;
	err = pass(s, &answer);
	kfree(answer.body);
	return err;
}

static void abort_transaction(struct transaction *t)
{
	struct kvec part = { "F", 2 };
	struct guest_reply answer;

	guest_store_enter();
	if (t->generation == guest_store_generation() &&
	    !guest_store_call(XS_TRANSACTION_END, t->id, &part, 1, &answer))
		kfree(answer.body);
	guest_store_leave();
	forget_transaction(t);
}

static int other_request(struct session *s, struct transaction *t)
{
	struct guest_reply answer;
	int err;

	if (s->hdr.tx_id && !t)
		return reply(s, XS_ERROR, "ENOENT");
	/* To be tried again, as the transaction's end will say. */
	if (t && t->generation != guest_store_generation())
		return reply(s, XS_ERROR, "EAGAIN");
	err = ask(s, &answer);
	if (err)
		return err;
	err = pass(s, &answer);
	kfree(answer.body);
	return err;
}

/* ------------------------------------------------------------------------
 * Watches
 */

static void free_watch(struct user_watch *w)
{
	kfree(w->watch.node);
	kfree(w->token);
	kfree(w);
}

/* Who does not read misses what happens. */
static bool has_room(struct xenbus_watch *watch, const char *path,
		     const char *token)
{
	struct user_watch *w = container_of(watch, struct user_watch, watch);

	return session_nr_queued(w->session) + watch->nr_pending <
	       SESSION_QUEUE_MAX;
}

static void watch_fired(struct xenbus_watch *watch, const char *path,
			const char *token)
{
	struct user_watch *w = container_of(watch, struct user_watch, watch);
	unsigned int path_size = strlen(path) + 1;
	unsigned int token_size = strlen(w->token) + 1;
	struct xsd_sockmsg hdr = {
		.type = XS_WATCH_EVENT,
		.len = path_size + token_size,
	};
	char *body;

	body = kmalloc(hdr.len, GFP_KERNEL);
	if (!body)
		return;
	memcpy(body, path, path_size);
	memcpy(body + path_size, w->token, token_size);
	session_queue(w->session, &hdr, body);
	kfree(body);
}

static int add_watch(struct session *s, const char *path, const char *token)
{
	struct user_watch *w;
	int err = -ENOMEM;

	w = kzalloc_obj(*w, GFP_KERNEL);
	if (!w)
		return -ENOMEM;
	w->session = s;
	w->watch.will_handle = has_room;
	w->watch.callback = watch_fired;
	w->watch.node = kstrdup(path, GFP_KERNEL);
	w->token = kstrdup(token, GFP_KERNEL);
	if (!w->watch.node || !w->token)
		goto free_watch;
	err = register_xenbus_watch(&w->watch);
	if (err)
		goto free_watch;
	list_add(&w->list, &s->watches);
	return 0;

free_watch:
	free_watch(w);
	return err;
}

static void remove_watch(struct user_watch *w)
{
	unregister_xenbus_watch(&w->watch);
	list_del(&w->list);
	free_watch(w);
}

static struct user_watch *find_watch(struct session *s, const char *path,
				     const char *token)
{
	struct user_watch *w;

	list_for_each_entry(w, &s->watches, list)
		if (!strcmp(w->watch.node, path) && !strcmp(w->token, token))
			return w;
	return NULL;
}

/* The body is a path and a token, each with its NUL. */
static int change_watches(struct session *s)
{
	const char *path = s->body;
	const char *token = path + strlen(path) + 1;
	struct user_watch *w;
	int err;

	if (token >= path + s->hdr.len ||
	    token + strlen(token) >= path + s->hdr.len)
		return reply(s, XS_ERROR, "EINVAL");
	w = find_watch(s, path, token);
	if (s->hdr.type == XS_WATCH) {
		if (w)
			return reply(s, XS_ERROR, "EEXIST");
		err = add_watch(s, path, token);
		if (err)
			return err;
	} else if (w) {
		remove_watch(w);
	}
	return reply(s, s->hdr.type, "OK");
}

/* ------------------------------------------------------------------------
 * All requests
 */

static int store_request(struct session *s)
{
	struct transaction *t;
	int err;

	/* From what is looked at here to the answer there is one xenstored. */
	guest_store_enter();
	t = s->hdr.tx_id ? find_transaction(s) : NULL;
	if (s->hdr.type == XS_TRANSACTION_START && !s->hdr.tx_id)
		err = start_transaction(s);
	else if (s->hdr.type == XS_TRANSACTION_END)
		err = end_transaction(s, t);
	else
		err = other_request(s, t);
	guest_store_leave();
	return err;
}

/**
 * session_request() - do what a program has written
 * @s: its session, locked; there is a whole request
 *
 * Context: process; sleeps.
 * Return: 0 when there is, or will be, an answer; or a negative errno.
 */
int session_request(struct session *s)
{
	s->body[s->hdr.len] = 0;
	switch (s->hdr.type) {
	case XS_WATCH:
	case XS_UNWATCH:
		return change_watches(s);
	case XS_RESET_WATCHES:
		/* They are the kernel's as well. */
		return reply(s, XS_ERROR, "EACCES");
	default:
		return store_request(s);
	}
}

/**
 * session_end() - end what a program has begun
 * @s: its session, of which nobody knows any more
 *
 * Context: process; sleeps.
 */
void session_end(struct session *s)
{
	struct transaction *t, *next_t;
	struct user_watch *w, *next_w;

	list_for_each_entry_safe(t, next_t, &s->transactions, list)
		abort_transaction(t);
	list_for_each_entry_safe(w, next_w, &s->watches, list)
		remove_watch(w);
}
