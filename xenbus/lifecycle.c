// SPDX-License-Identifier: GPL-2.0-only
/*
 * The conversation with the backend, written once for every device.
 *
 * The machine is level-triggered: a step looks at the backend's state as it is
 * now and at our phase, and does what brings the two together.  It does not
 * matter how many changes were missed in between, and anybody who learns
 * something new (a watch, a broken ring, a resume, a last close) just queues
 * the next step.  Steps of different devices run side by side, so one silent
 * backend does not hold up the others.
 *
 * Suspend, migration, a backend's restart and a broken ring all take the same
 * way: quiesce, let go of the rings, negotiate again, replay.
 *
 *   WAITING --InitWait--> OFFERED --Connected--> CONNECTED
 *      ^                     |                       |
 *      |                     +--- (close, break) ----+
 *      |                     v
 *      +--- CLOSED <----- CLOSING
 *             |
 *             +--> REFUSED (until the backend starts afresh), GONE
 *
 * device.c starts and ends it, state.c tells of it.  Protocol: xen/interface/io/xenbus.h, and
 * pv-drivers-lifecycle in Xen's docs.
 */
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <xen/xenbus.h>
#include <xenfront.h>

#include "internal.h"

/* How long a backend may take for one step before that is worth a line. */
#define PATIENCE	(30 * HZ)
/* How often we look again when nothing will tell us. */
#define POLL		(HZ / 10)
/* A device that worked this long has earned a reconnect without delay. */
#define GOOD_BEHAVIOUR	(60 * HZ)
#define MAX_BACKOFF	6	/* at most 1 << 6 seconds between reconnects */

/* The second of several in a row waits a second, each other twice as long. */
static unsigned long backoff(unsigned int in_a_row)
{
	return in_a_row < 2 ? 0 : HZ << min(in_a_row - 2, MAX_BACKOFF);
}

static const char * const phase_names[] = {
	[XENFRONT_WAITING]	= "waiting",
	[XENFRONT_OFFERED]	= "offered",
	[XENFRONT_CONNECTED]	= "connected",
	[XENFRONT_CLOSING]	= "closing",
	[XENFRONT_CLOSED]	= "closed",
	[XENFRONT_REFUSED]	= "refused",
	[XENFRONT_GONE]		= "gone",
};

const char *xenfront_phase_name(const struct xenfront_device *xf)
{
	return phase_names[READ_ONCE(xf->phase)];
}

static bool stopping(const struct xenfront_device *xf)
{
	return test_bit(XENFRONT_F_STOPPING, &xf->flags);
}

void xenfront_set_phase(struct xenfront_device *xf, enum xenfront_phase phase)
{
	WRITE_ONCE(xf->phase, phase);
	xf->complained = false;
	xf->deadline = jiffies + (stopping(xf) ? XENFRONT_STOP_PATIENCE : PATIENCE);
}

static bool impatient(const struct xenfront_device *xf)
{
	return time_after_eq(jiffies, xf->deadline);
}

/* Nobody tells us when patience ends, nor (while stopping) anything at all. */
static void wait_for_backend(struct xenfront_device *xf, const char *what)
{
	if (stopping(xf)) {
		xenfront_look_again(xf, POLL);
	} else if (!impatient(xf)) {
		xenfront_look_again(xf, xf->deadline - jiffies);
	} else if (!xf->complained) {
		xf->complained = true;
		dev_warn(&xf->dev->dev,
			 "backend %s (state %s) does not %s; still waiting\n",
			 xf->dev->otherend,
			 xenbus_strstate(xenfront_backend_state(xf)), what);
	}
}

/* The toolstack sets online to 0 when the device is to go for good. */
static bool offline(struct xenfront_device *xf)
{
	return !xenbus_read_unsigned(xf->dev->otherend, "online", 1);
}

static void begin_close(struct xenfront_device *xf)
{
	xf->ops->quiesce(xf);
	xenfront_set_state(xf, XenbusStateClosing);
	xenfront_set_phase(xf, XENFRONT_CLOSING);
	xenfront_look_again(xf, 0);
}

/* What the backend said makes no sense; the line that says so is out. */
static void refuse(struct xenfront_device *xf)
{
	set_bit(XENFRONT_F_REFUSED, &xf->flags);
	begin_close(xf);
}

/* What failed for want of something may work later. */
static bool is_passing(int err)
{
	return err == -ENOMEM || err == -ENOSPC;
}

static void begin_again(struct xenfront_device *xf)
{
	clear_bit(XENFRONT_F_REFUSED, &xf->flags);
	xf->nr_blamed = 0;
	xenfront_announce_start(xf);
	xenfront_set_phase(xf, XENFRONT_WAITING);
	xenfront_look_again(xf, 0);
}

/*
 * Where nothing leads to a connection we do not try as fast as xenstore is.
 * False: this is called again when it is time.
 */
static bool is_time(struct xenfront_device *xf)
{
	unsigned long delay = backoff(xf->failures);

	if (!xf->retry_at && delay)
		xf->retry_at = (jiffies + delay) ?: 1;
	if (xf->retry_at && time_before(jiffies, xf->retry_at)) {
		xenfront_look_again(xf, xf->retry_at - jiffies);
		return false;
	}
	xf->retry_at = 0;
	return true;
}

/* The rings are free; a break of theirs does not concern the next ones. */
static void go_on(struct xenfront_device *xf)
{
	clear_bit(XENFRONT_F_BROKEN, &xf->flags);
	clear_bit(XENFRONT_F_VOID, &xf->flags);

	if (stopping(xf) || offline(xf)) {
		xf->ops->closed(xf);
		xenfront_set_phase(xf, XENFRONT_GONE);
		complete_all(&xf->gone);
	} else if (test_bit(XENFRONT_F_REFUSED, &xf->flags)) {
		xf->refused_in = xenfront_backend_state(xf);
		xenfront_set_phase(xf, XENFRONT_REFUSED);
	} else if (is_time(xf)) {
		begin_again(xf);
	}
}

static void let_go(struct xenfront_device *xf, bool force)
{
	if (!xf->ops->disconnect(xf, force)) {
		go_on(xf);
		return;
	}
	if (!xf->complained && impatient(xf)) {
		xf->complained = true;
		dev_warn(&xf->dev->dev,
			 "backend is closed but still maps our pages; still waiting\n");
	}
	/* The kernel says so, too, each time that it is asked. */
	xenfront_look_again(xf, xf->complained ? HZ : POLL);
}

/* Nothing of ours is known at the other end: nothing there to close. */
static void backend_restarted(struct xenfront_device *xf)
{
	xf->ops->quiesce(xf);
	xenfront_set_state(xf, XenbusStateClosed);
	xenfront_set_phase(xf, XENFRONT_CLOSED);
	xenfront_look_again(xf, 0);
}

static int publish(struct xenfront_device *xf)
{
	struct xenbus_transaction xbt;
	int err;

	do {
		err = xenbus_transaction_start(&xbt);
		if (err)
			break;
		err = xf->ops->publish(xf, xbt);
		if (err) {
			xenbus_transaction_end(xbt, 1);
			break;
		}
		err = xenbus_transaction_end(xbt, 0);
	} while (err == -EAGAIN);

	if (err)
		dev_err(&xf->dev->dev, "cannot write to xenstore: %d\n", err);
	return err;
}

static void offer(struct xenfront_device *xf)
{
	int err;

	if (!is_time(xf))
		return;
	if (xf->kept >= XENFRONT_MOST_KEPT) {
		refuse(xf);
		return;
	}
	err = xf->ops->offer(xf);
	if (!err) {
		err = publish(xf);
		/* The backend knows of nothing: nobody uses them. */
		if (err)
			xf->ops->disconnect(xf, true);
	} else if (!is_passing(err)) {
		refuse(xf);
		return;
	}
	if (err) {
		/* Twice at least, so that there is a delay. */
		xf->failures = max(xf->failures + 1, 2U);
		is_time(xf);
		return;
	}
	xenfront_set_state(xf, xf->ops->published ?: XenbusStateInitialised);
	xenfront_set_phase(xf, XENFRONT_OFFERED);
	xenfront_look_again(xf, 0);
}

static void step_waiting(struct xenfront_device *xf, enum xenbus_state backend)
{
	switch (backend) {
	case XenbusStateInitWait:
		offer(xf);
		break;
	case XenbusStateInitialised:
	case XenbusStateConnected:
	case XenbusStateClosing:
		/* It still talks to whoever was here before us. */
		begin_close(xf);
		break;
	case XenbusStateClosed:
		if (offline(xf))
			go_on(xf);
		else
			wait_for_backend(xf, "start");
		break;
	default:
		wait_for_backend(xf, "start");
		break;
	}
}

static void give_up_offer(struct xenfront_device *xf)
{
	xf->failures++;
	begin_close(xf);
}

static void connect(struct xenfront_device *xf)
{
	int err = xf->ops->connect(xf);

	if (is_passing(err)) {
		give_up_offer(xf);
		return;
	}
	if (err) {
		refuse(xf);
		return;
	}
	xf->connected_at = jiffies;
	xf->connects++;
	xf->failures = 0;
	xenfront_set_state(xf, XenbusStateConnected);
	xenfront_set_phase(xf, XENFRONT_CONNECTED);
	/* What came meanwhile nobody has looked at. */
	xenfront_look_again(xf, 0);
}

static void step_offered(struct xenfront_device *xf, enum xenbus_state backend)
{
	/* It may talk nonsense before it says that it is connected. */
	if (!xenfront_usable(xf)) {
		give_up_offer(xf);
		return;
	}
	switch (backend) {
	case XenbusStateConnected:
		connect(xf);
		break;
	case XenbusStateClosing:
	case XenbusStateClosed:
		/* Once may be a restart of its own. */
		if (xf->failures == 1)
			dev_warn(&xf->dev->dev,
				 "backend %s refuses what it is offered; trying again, ever more slowly\n",
				 xf->dev->otherend);
		give_up_offer(xf);
		break;
	case XenbusStateInitialising:
	case XenbusStateUnknown:
		backend_restarted(xf);
		break;
	default:
		wait_for_backend(xf, "connect");
		break;
	}
}

static void step_broken(struct xenfront_device *xf)
{
	if (!xf->retry_at) {
		if (time_after(jiffies, xf->connected_at + GOOD_BEHAVIOUR))
			xf->breaks = 0;
		/* Each break in a row doubles the time to the next attempt. */
		xf->breaks++;
		xf->retry_at = (jiffies + backoff(xf->breaks)) ?: 1;
		xf->ops->quiesce(xf);
	}
	if (stopping(xf) || time_after_eq(jiffies, xf->retry_at)) {
		xf->retry_at = 0;
		begin_close(xf);
	} else {
		xenfront_look_again(xf, xf->retry_at - jiffies);
	}
}

/* The backend closes: for a restart of its own, or because we shall go. */
static void step_asked_to_close(struct xenfront_device *xf)
{
	if (!stopping(xf) && offline(xf) &&
	    xf->ops->in_use && xf->ops->in_use(xf)) {
		if (!test_and_set_bit(XENFRONT_F_CLOSE_WANTED, &xf->flags))
			dev_info(&xf->dev->dev,
				 "asked to close but in use: goes when it is released\n");
		xenfront_look_again(xf, HZ);
		return;
	}
	begin_close(xf);
}

static void step_connected(struct xenfront_device *xf,
			   enum xenbus_state backend)
{
	if (!xenfront_usable(xf)) {
		step_broken(xf);
		return;
	}
	switch (backend) {
	case XenbusStateConnected:
	case XenbusStateClosing:
		/* Until we close too, one that closes works like any other. */
		if (xf->ops->update(xf)) {
			begin_close(xf);
			break;
		}
		/*
		 * While we are being removed, what is written back needs the
		 * backend for as long as there is one; and nobody tells us
		 * when it goes.
		 */
		if (stopping(xf))
			xenfront_look_again(xf, HZ);
		else if (backend == XenbusStateClosing)
			step_asked_to_close(xf);
		break;
	case XenbusStateClosed:
		step_asked_to_close(xf);
		break;
	case XenbusStateInitialising:
	case XenbusStateUnknown:
		backend_restarted(xf);
		break;
	default:
		/*
		 * A new instance, which may have attached to the rings it
		 * found (Linux' backends do) and may be at work on them: it
		 * has to close like the old one.
		 */
		begin_close(xf);
		break;
	}
}

static void step_closing(struct xenfront_device *xf, enum xenbus_state backend)
{
	/* Of one that is refused, or that we must do without, we take leave. */
	bool done_waiting = impatient(xf) &&
		(stopping(xf) || test_bit(XENFRONT_F_REFUSED, &xf->flags) ||
		 backend == XenbusStateInitWait);

	switch (backend) {
	case XenbusStateInitWait:
	case XenbusStateInitialised:
	case XenbusStateConnected:
	case XenbusStateReconfiguring:
	case XenbusStateReconfigured:
		if (!done_waiting) {
			wait_for_backend(xf, "close");
			/*
			 * Nobody is at the change from Initialising any more
			 * (see above).  The kernel, which waits up to five
			 * minutes for devices that start, stops waiting.
			 */
			if (xf->complained)
				xenbus_switch_state(xf->dev,
						    XenbusStateClosing);
			break;
		}
		fallthrough;
	default:
		xenbus_frontend_closed(xf->dev);
		xenfront_set_phase(xf, XENFRONT_CLOSED);
		xenfront_look_again(xf, 0);
		break;
	}
}

static void step_closed(struct xenfront_device *xf, enum xenbus_state backend)
{
	bool done_waiting = impatient(xf) &&
		(stopping(xf) || test_bit(XENFRONT_F_REFUSED, &xf->flags));

	switch (backend) {
	case XenbusStateClosing:
	case XenbusStateInitialised:
	case XenbusStateConnected:
	case XenbusStateReconfiguring:
	case XenbusStateReconfigured:
		if (done_waiting)
			let_go(xf, true);
		else
			wait_for_backend(xf, "let go");
		break;
	default:
		let_go(xf, done_waiting);
		break;
	}
}

/* Only a backend that moved since then can have something better to offer. */
static void step_refused(struct xenfront_device *xf, enum xenbus_state backend)
{
	if (backend == xf->refused_in)
		return;
	xf->refused_in = backend;
	if (backend == XenbusStateInitialising ||
	    backend == XenbusStateInitWait)
		begin_again(xf);
}

/*
 * The bus closes what there is, and another kernel may have our memory next:
 * nothing is to be connected again.
 */
static bool shuts_down(void)
{
	return system_state > SYSTEM_RUNNING && system_state < SYSTEM_SUSPEND;
}

/**
 * xenfront_step() - bring our phase and the backend's state together
 * @xf: the device, locked
 *
 * Context: process; sleeps.
 */
void xenfront_step(struct xenfront_device *xf)
{
	enum xenbus_state backend;

	if (shuts_down() && !stopping(xf))
		return;
	/* Whatever we held belongs to a machine that is no more. */
	if (test_bit(XENFRONT_F_RESUMED, &xf->flags) &&
	    xf->phase != XENFRONT_GONE) {
		xf->ops->quiesce(xf);
		xf->ops->disconnect(xf, true);
		clear_bit(XENFRONT_F_RESUMED, &xf->flags);
		/* So does what was thought of the backend there. */
		clear_bit(XENFRONT_F_REFUSED, &xf->flags);
		xf->failures = 0;
		xf->kept = 0;
		xf->retry_at = 0;
		go_on(xf);
		return;
	}

	backend = xenfront_backend_state(xf);
	switch (xf->phase) {
	case XENFRONT_WAITING:
		step_waiting(xf, backend);
		break;
	case XENFRONT_OFFERED:
		step_offered(xf, backend);
		break;
	case XENFRONT_CONNECTED:
		step_connected(xf, backend);
		break;
	case XENFRONT_CLOSING:
		step_closing(xf, backend);
		break;
	case XENFRONT_CLOSED:
		step_closed(xf, backend);
		break;
	case XENFRONT_REFUSED:
		step_refused(xf, backend);
		break;
	case XENFRONT_GONE:
		break;
	}
}

/**
 * xenfront_close_for_good() - from wherever we are towards XENFRONT_GONE
 * @xf: the device, locked, with XENFRONT_F_STOPPING set
 *
 * Context: process; sleeps.
 */
void xenfront_close_for_good(struct xenfront_device *xf)
{
	switch (xf->phase) {
	case XENFRONT_WAITING:
	case XENFRONT_REFUSED:
		backend_restarted(xf);	/* nothing is shared */
		break;
	case XENFRONT_OFFERED:
	case XENFRONT_CONNECTED:
		begin_close(xf);
		break;
	case XENFRONT_CLOSING:
	case XENFRONT_CLOSED:
		xenfront_set_phase(xf, xf->phase);	/* the shorter deadline */
		xenfront_look_again(xf, 0);
		break;
	case XENFRONT_GONE:
		break;
	}
}
