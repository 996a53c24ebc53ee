/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xen-console: the guest's consoles.
 *
 *	main.c		module: what is registered, and in which order
 *	port.c		one console as users know it, and the table of all
 *	ring.c		the page that is shared with the backend
 *	output.c	what waits for a backend to read it, and for how long
 *	input.c		what a backend has for us; sysrq
 *	tty.c		the terminal driver
 *	printk.c	the kernel's own messages
 *	primary.c	the console that a guest is born with
 *	connect.c	those on the bus: our half of the lifecycle
 */
#ifndef _XENCONS_H
#define _XENCONS_H

#include <linux/console.h>
#include <linux/irq_work.h>
#include <linux/kfifo.h>
#include <linux/spinlock.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/tty_port.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <xen/interface/io/console.h>
#include <xenfront.h>

/* Terminals there can be; consoles beyond that have none. */
#define XENCONS_MAX		64
/* Output that waits for the backend, in bytes; a power of two. */
#define XENCONS_FIFO_SIZE	(16 * 1024)
/* Longest name of a channel that is shown. */
#define XENCONS_NAME_SIZE	64

#define XENCONS_IN_SIZE		sizeof_field(struct xencons_interface, in)
#define XENCONS_OUT_SIZE	sizeof_field(struct xencons_interface, out)

/* What somebody has to be told once &xencons.lock is free: bits. */
#define XENCONS_NEWS_ROOM	0	/* writers may go on */
#define XENCONS_NEWS_SYSRQ	1	/* &xencons.sysrq_key was asked for */
#define XENCONS_NEWS_STALLED	2	/* the backend does not read */
#define XENCONS_NEWS_FLOWS	3	/* it reads again */
#define XENCONS_NEWS_NONSENSE	4	/* its indices make no sense */
#define XENCONS_NEWS_WAIT	5	/* look again in a while */

/**
 * struct xencons - one console, as users know it
 * @port:	the terminal's; counts who uses the structure, which is freed by
 *		its destruct()
 * @dev:	the device it belongs to; referenced
 * @xf:		the conversation with its backend; NULL: it is the primary one,
 *		or @gone.  By RCU where @lock is not held
 * @index:	of the terminal
 * @name:	of the channel, empty if it has none; constant
 * @lock:	guards what follows; taken with interrupts off, and nothing is
 *		printed while it is held: printing may need it
 * @page:	shared with the backend; NULL while there is none
 * @parked:	@page, of the primary console while the guest is suspended
 * @evtchn:	by which the backend is told; 0: nobody is
 * @out_prod:	how far we have written; the backend has a copy, never read back
 * @out_cons:	how far the backend had read when we looked last
 * @in_cons:	how far we have read; as @out_prod
 * @told_prod:	the farthest it had written at an interrupt
 * @told_cons:	@out_cons at the last one
 * @out:	waits for room in @page
 * @kept:	what the last backend had not read; goes before @out
 * @nr_kept:	how much that is
 * @moved_at:	jiffies when the backend took something, or there was first
 *		something to take
 * @stalled:	it has not for so long that nobody waits for it
 * @slow:	a message took too long: no other waits until @sent has come to
 *		@slow_until
 * @slow_until:	what waited then will have left
 * @oops:	the message before was one in an oops
 * @open:	somebody has the terminal open
 * @throttled:	who reads it cannot take more
 * @signals:	keys make signals there, so that somebody types
 * @sysrq:	the next byte is a key of sysrq's
 * @sysrq_key:	that key, until it is handled; 0: there is none
 * @gone:	removed: no output is taken any more
 * @sent:	bytes that went into rings
 * @received:	bytes that came out of them
 * @lost:	bytes that nobody waited for
 * @lost_told:	@lost when it was told of last
 * @complaints:	lines in the log about the backend
 * @news:	atomic bits, XENCONS_NEWS_*
 * @work:	looks at the rings when no event has us do so
 * @irq_work:	tells, for those that cannot themselves (printk)
 * @scratch:	bytes on their way from the ring, copied once
 */
struct xencons {
	struct tty_port port;
	struct device *dev;
	struct xenfront_device *xf;
	unsigned int index;
	char name[XENCONS_NAME_SIZE];

	spinlock_t lock;	/* guards what follows */
	struct xencons_interface *page;
	struct xencons_interface *parked;
	evtchn_port_t evtchn;
	XENCONS_RING_IDX out_prod;
	XENCONS_RING_IDX out_cons;
	XENCONS_RING_IDX in_cons;
	XENCONS_RING_IDX told_prod;
	XENCONS_RING_IDX told_cons;
	DECLARE_KFIFO_PTR(out, u8);
	u8 kept[XENCONS_OUT_SIZE];
	unsigned int nr_kept;
	unsigned long moved_at;
	bool stalled;
	bool slow;
	u64 slow_until;
	bool oops;
	bool open;
	bool throttled;
	bool signals;
	bool sysrq;
	u8 sysrq_key;
	bool gone;
	u64 sent;
	u64 received;
	u64 lost;
	u64 lost_told;
	unsigned int complaints;

	unsigned long news;
	struct delayed_work work;
	struct irq_work irq_work;
	u8 scratch[XENCONS_IN_SIZE];
};

static inline struct xencons *port_to_xencons(struct tty_port *port)
{
	return container_of(port, struct xencons, port);
}

/* port.c */
struct xencons *xencons_create(struct device *dev, struct xenfront_device *xf,
			       unsigned int wanted, const char *name);
void xencons_remove(struct xencons *cons);
struct xencons *xencons_get(unsigned int index);
void xencons_free(struct xencons *cons);
void xencons_tell(struct xencons *cons);

/* ring.c */
void xencons_attach(struct xencons *cons, struct xencons_interface *page,
		    evtchn_port_t evtchn);
void xencons_detach(struct xencons *cons);
void xencons_unpark(struct xencons *cons);
unsigned int xencons_ring_room(struct xencons *cons);
unsigned int xencons_ring_write(struct xencons *cons, const u8 *buf,
				unsigned int len);
unsigned int xencons_ring_peek(struct xencons *cons, u8 *buf);
void xencons_ring_consume(struct xencons *cons, unsigned int len);
void xencons_ring_notify(struct xencons *cons);
irqreturn_t xencons_interrupt(int irq, void *data);

/* output.c */
unsigned int xencons_output(struct xencons *cons, const u8 *buf,
			    unsigned int len);
void xencons_output_now(struct xencons *cons, const u8 *buf, unsigned int len,
			u64 last);
unsigned int xencons_output_room(struct xencons *cons);
unsigned int xencons_output_waiting(struct xencons *cons);
void xencons_output_drop(struct xencons *cons);
bool xencons_output_flush(struct xencons *cons);
void xencons_output_work(struct work_struct *work);

/* input.c */
bool xencons_input_take(struct xencons *cons, bool all);
int xencons_input_open(struct xencons *cons, bool signals);
void xencons_input_close(struct xencons *cons);
void xencons_input_signals(struct xencons *cons, bool signals);
void xencons_input_rescue(struct xencons *cons);
void xencons_input_allow(struct xencons *cons, bool allow);

/* tty.c */
extern struct tty_driver *xencons_tty_driver;
extern const struct tty_port_operations xencons_port_ops;
int xencons_tty_init(void);
void xencons_tty_exit(void);

/* printk.c */
void xencons_printk_init(struct xencons *cons);
void xencons_printk_exit(void);
bool xencons_is_kernels(const struct xencons *cons);

/* primary.c */
int xencons_primary_init(void);
void xencons_primary_exit(void);

/* connect.c */
int xencons_frontend_init(void);
void xencons_frontend_exit(void);

#endif
