// SPDX-License-Identifier: GPL-2.0-only
/*
 * All event channels are closed at once: whoever had them, the hypervisor has
 * no page of his any more, and tells of events as it did in the beginning.
 *
 * That closes the two that the toolstack opened, too, xenstore's and the primary
 * console's, and nobody would open them again.  But whoever is at the other end
 * stays, and lets us bind to his port anew.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/event_channel.h>
#include <xen/interface/hvm/hvm_op.h>
#include <xen/interface/hvm/params.h>

#include "guest.h"

/* Somebody opens one while the others are closed. */
#define TRIES	3

/**
 * struct given - a channel that the toolstack opened
 * @param:	HVM_PARAM_*: which port it is
 * @name:	for the log
 * @was:	the port, and what was at its other end
 */
struct given {
	unsigned int param;
	const char *name;
	struct evtchn_status was;
};

/* A port that is not there is closed, and is not opened. */
static void look_at(struct given *given)
{
	struct xen_hvm_param param = {
		.domid = DOMID_SELF,
		.index = given->param,
	};

	given->was.dom = DOMID_SELF;
	if (!HYPERVISOR_hvm_op(HVMOP_get_param, &param))
		given->was.port = param.value;
	if (HYPERVISOR_event_channel_op(EVTCHNOP_status, &given->was))
		given->was.status = EVTCHNSTAT_closed;
}

static int bind_to(const struct evtchn_status *was, evtchn_port_t *port)
{
	struct evtchn_bind_interdomain bind = {
		.remote_dom = was->u.interdomain.dom,
		.remote_port = was->u.interdomain.port,
	};
	int err = HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &bind);

	*port = bind.local_port;
	return err;
}

static int offer_to(const struct evtchn_status *was, evtchn_port_t *port)
{
	struct evtchn_alloc_unbound alloc = {
		.dom = DOMID_SELF,
		.remote_dom = was->u.unbound.dom,
	};
	int err = HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);

	*port = alloc.port;
	return err;
}

/* Whoever is here next asks for the parameter. */
static int tell(const struct given *given, evtchn_port_t port)
{
	struct xen_hvm_param param = {
		.domid = DOMID_SELF,
		.index = given->param,
		.value = port,
	};

	if (port == given->was.port)
		return 0;
	return HYPERVISOR_hvm_op(HVMOP_set_param, &param);
}

static void open_again(const struct given *given)
{
	evtchn_port_t port;
	int err;

	switch (given->was.status) {
	case EVTCHNSTAT_interdomain:
		err = bind_to(&given->was, &port);
		break;
	case EVTCHNSTAT_unbound:
		err = offer_to(&given->was, &port);
		break;
	default:
		return;
	}
	err = err ?: tell(given, port);
	if (err)
		pr_err("xen-guest: the channel of %s cannot be opened again: %d\n",
		       given->name, err);
}

static bool close_all(void)
{
	struct evtchn_reset reset = { .dom = DOMID_SELF };
	unsigned int tries = 0;
	int err;

	do {
		err = HYPERVISOR_event_channel_op(EVTCHNOP_reset, &reset);
	} while (err == -EAGAIN && ++tries < TRIES);
	if (err)
		pr_err("xen-guest: event channels cannot be closed: %d\n", err);
	return !err;
}

/* Or vCPUs are interrupted by what was before, as soon as they can be. */
static void forget_pending(void)
{
	struct vcpu_info *info = guest_shared_info()->vcpu_info;
	unsigned int i;

	for (i = 0; i < MAX_VIRT_CPUS; i++)
		WRITE_ONCE(info[i].evtchn_upcall_pending, 0);
}

/**
 * guest_channels_reset() - close all event channels but what the toolstack opened
 *
 * Those are masked.  They have other numbers only if somebody has taken theirs,
 * for the hypervisor gives out the lowest ones first.
 *
 * What fails has a line in the log; guest_fifo_is_in_use() tells whether there
 * still are queues.
 *
 * Context: any; the shared info page is there, and nobody else binds a channel.
 */
void guest_channels_reset(void)
{
	struct given given[] = {
		{ HVM_PARAM_STORE_EVTCHN, "xenstore" },
		{ HVM_PARAM_CONSOLE_EVTCHN, "the primary console" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(given); i++)
		look_at(&given[i]);
	if (given[0].was.port > given[1].was.port)
		swap(given[0], given[1]);

	/* Until somebody binds them; queues are gone by then. */
	guest_twolevel_ops.stop();
	if (!close_all())
		return;
	for (i = 0; i < ARRAY_SIZE(given); i++)
		open_again(&given[i]);
	forget_pending();
}
