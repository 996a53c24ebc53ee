/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of xen-guest know of each other.
 *
 * What the rest of the world sees are the kernel's own names, declared by the
 * kernel's own headers: <xen/xenbus.h>, <xen/events.h>, <xen/grant_table.h>.
 */
#ifndef _XEN_GUEST_H
#define _XEN_GUEST_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <xen/interface/event_channel.h>
#include <xen/interface/xen.h>

struct guest_channel;

/* ------------------------------------------------------------------------
 * hypervisor: what is below us
 */
int guest_hypervisor_init(void);
void guest_hypervisor_exit(void);
int guest_hvm_param(unsigned int index, const char *name, u64 *value);
u32 guest_read_vcpu_id(void);

/* ------------------------------------------------------------------------
 * platform: the PCI device in whose memory Xen's pages appear
 */
int guest_platform_init(void);
void guest_platform_exit(void);
struct pci_dev *guest_platform_device(void);
void *guest_window_map(unsigned int page, unsigned int nr);
unsigned long guest_window_gfn(unsigned int page);
unsigned int guest_window_pages(void);
int guest_window_place(unsigned int space, unsigned long index,
		       unsigned int page);

/* Where things are in the window, in pages. */
#define GUEST_WINDOW_SHARED_INFO	0
#define GUEST_WINDOW_GRANTS		16

/* ------------------------------------------------------------------------
 * unplug: emulated disks and NICs go before our own come
 */
int guest_unplug_init(void);
void guest_unplug_exit(void);

/* ------------------------------------------------------------------------
 * shared_info: the page that Xen shares with every domain
 */
int guest_shared_info_init(void);
void guest_shared_info_exit(void);
int guest_shared_info_resume(void);
struct shared_info *guest_shared_info(void);
struct vcpu_info *guest_vcpu_info(unsigned int cpu);
int guest_vcpu_bring_up(unsigned int cpu);
u32 guest_vcpu_id(unsigned int cpu);

/* ------------------------------------------------------------------------
 * events: channels as interrupts
 */
int guest_events_init(void);
void guest_events_exit(void);
void guest_events_suspend(void);
void guest_events_resume(void);

/**
 * struct guest_event_loop - one pass over what is pending on a vCPU
 * @cpu:	whose events they are
 * @start:	jiffies when it began
 * @count:	events that were handled
 * @slow:	it takes so long that what is still to come has to wait after it
 */
struct guest_event_loop {
	unsigned int cpu;
	unsigned long start;
	unsigned int count;
	bool slow;
};

void guest_events_handle(evtchn_port_t port, struct guest_event_loop *loop);

/**
 * struct guest_events_ops - how pending events are told of
 * @name:	for the log
 * @max:	the highest port there can be is one less
 * @cpu_up:	a vCPU is about to get events; on that CPU
 * @setup:	a port is about to be bound
 * @bind:	a port moves to another vCPU's CPU
 * @clear:	it is not pending any more
 * @set:	it is pending
 * @mask:	it is not to be told of
 * @unmask:	it is, and if it is pending now
 * @handle:	hand what is pending on a CPU to guest_events_handle()
 * @resume:	the hypervisor knows nothing any more
 */
struct guest_events_ops {
	const char *name;
	unsigned int (*max)(void);
	int (*cpu_up)(unsigned int cpu);
	int (*setup)(evtchn_port_t port);
	void (*bind)(evtchn_port_t port, unsigned int cpu);
	void (*clear)(evtchn_port_t port);
	void (*set)(evtchn_port_t port);
	bool (*is_pending)(evtchn_port_t port);
	void (*mask)(evtchn_port_t port);
	void (*unmask)(evtchn_port_t port, unsigned int cpu);
	void (*handle)(struct guest_event_loop *loop);
	int (*resume)(void);
	void (*exit)(void);
};

extern const struct guest_events_ops guest_twolevel_ops;
extern const struct guest_events_ops guest_fifo_ops;
extern const struct guest_events_ops *guest_events_ops;

/* ------------------------------------------------------------------------
 * upcall: how the hypervisor interrupts a CPU
 */
int guest_upcall_init(void);
void guest_upcall_exit(void);
void guest_upcall_resume(void);
bool guest_upcall_reaches(unsigned int cpu);

/* ------------------------------------------------------------------------
 * grant: memory that other domains may use
 */
int guest_grant_init(void);
void guest_grant_exit(void);
int guest_grant_resume(void);

/* ------------------------------------------------------------------------
 * suspend: save, restore, migration
 */
int guest_suspend(void);
bool guest_suspend_was_cancelled(void);

/* ------------------------------------------------------------------------
 * store: xenstore.  From guest_store_suspend() to guest_store_resume() no
 * request is under way; the latter runs with the devices still suspended.
 */
int guest_store_init(void);
void guest_store_exit(void);
void guest_store_suspend(void);
void guest_store_resume(bool cancelled);

/* ------------------------------------------------------------------------
 * bus: devices on it
 */
int guest_bus_init(void);
void guest_bus_exit(void);

/* ------------------------------------------------------------------------
 * what is for users: control/shutdown, /sys/hypervisor, /dev/xen/xenbus
 */
int guest_shutdown_init(void);
void guest_shutdown_exit(void);
int guest_hypervisor_sysfs_init(void);
void guest_hypervisor_sysfs_exit(void);
int guest_chardev_init(void);
void guest_chardev_exit(void);

#endif /* _XEN_GUEST_H */
