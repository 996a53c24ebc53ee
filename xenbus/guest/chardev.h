/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/xen/xenbus: xenstore for programs.
 *
 *	chardev.c	 the device: what is written and what is read, in pieces
 *	chardev_request.c a request when it is whole; a program's transactions
 *			 and watches
 */
#ifndef _XEN_GUEST_CHARDEV_H
#define _XEN_GUEST_CHARDEV_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <xen/interface/io/xs_wire.h>

/*
 * Answers that may wait to be read, before who writes has to read first; and
 * messages, before events are missed.
 */
#define SESSION_QUEUE_MAX	1024

/**
 * struct session - somebody has the device open
 * @lock:	held while something is written; guards what follows
 * @transactions: struct transaction: begun and not ended
 * @watches:	struct user_watch
 * @written:	how much of @hdr and @body there is
 * @hdr:	of the request that is being written
 * @body:	likewise, and a NUL
 * @queue_lock:	guards what follows
 * @queue:	struct message, to be read
 * @nr_queued:	how many
 * @nr_answers:	those of them that are no events
 * @wait:	woken when @queue changes
 */
struct session {
	struct mutex lock;	/* guards what follows */
	struct list_head transactions;
	struct list_head watches;
	unsigned int written;
	struct xsd_sockmsg hdr;
	char body[XENSTORE_PAYLOAD_MAX + 1];

	spinlock_t queue_lock;	/* guards what follows */
	struct list_head queue;
	unsigned int nr_queued;
	unsigned int nr_answers;

	wait_queue_head_t wait;
};

static inline unsigned int session_nr_queued(const struct session *s)
{
	return READ_ONCE(s->nr_queued);
}

/* chardev.c */
int session_queue(struct session *s, const struct xsd_sockmsg *hdr,
		  const void *body);

/* chardev_request.c */
int session_request(struct session *s);
void session_end(struct session *s);

#endif /* _XEN_GUEST_CHARDEV_H */
