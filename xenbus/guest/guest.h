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
#include <linux/device.h>
#include <linux/types.h>
#include <linux/uio.h>
#include <xen/interface/event_channel.h>
#include <xen/interface/xen.h>
#include <xen/xenbus.h>

struct pci_dev;
struct shared_info;
struct vcpu_info;

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
unsigned int guest_window_pages(void);
int guest_window_place(unsigned int space, unsigned long index,
		       unsigned int page);
void guest_window_remove(unsigned int page);

/* Where things are in the window, in pages. */
#define GUEST_WINDOW_SHARED_INFO	0
#define GUEST_WINDOW_GRANTS		16

/* ------------------------------------------------------------------------
 * unplug: emulated disks and NICs go before our own come
 */
int guest_unplug_init(void);
void guest_unplug_exit(void);
void guest_unplug_resume(void);

/* ------------------------------------------------------------------------
 * shared_info: the page that Xen shares with every domain
 */
int guest_shared_info_init(void);
void guest_shared_info_exit(void);
int guest_shared_info_resume(void);
struct shared_info *guest_shared_info(void);
struct vcpu_info *guest_vcpu_info(unsigned int cpu);
void guest_vcpu_identify(void);
u32 guest_vcpu_id(unsigned int cpu);

/* ------------------------------------------------------------------------
 * events: channels as interrupts
 */
int guest_events_init(void);
void guest_events_exit(void);
void guest_events_resume(void);
void guest_events_stop(void);

/**
 * struct guest_event_loop - one pass over what is pending on a vCPU
 * @cpu:	whose events they are
 * @start:	jiffies when it began
 * @own:	leave alone what is another CPU's
 * @slow:	it takes so long that what is still to come has to wait after it
 */
struct guest_event_loop {
	unsigned int cpu;
	unsigned long start;
	bool own;
	bool slow;
};

void guest_events_handle(evtchn_port_t port, struct guest_event_loop *loop);

/**
 * struct guest_events_ops - how the hypervisor tells of pending events
 * @name:	for the log
 * @max:	there are ports below that
 * @start:	begin, with every port masked; sleeps
 * @resume:	the same in another life, where one CPU runs, interrupts off
 * @stop:	no event is told of any more, and no memory of ours written to
 * @free:	free that memory; no interrupt looks at it any more; or NULL
 * @cpu_up:	a CPU is about to get events; on that CPU
 * @setup:	a port is about to be bound; sleeps
 * @clear:	it is not pending any more
 * @set:	it is pending, and the hypervisor does not know
 * @mask:	nobody wants to be told
 * @unmask:	@cpu wants to be told, and if it is pending, now; interrupts are off
 * @handle:	hand what is pending on a CPU to guest_events_handle()
 */
struct guest_events_ops {
	const char *name;
	unsigned int max;
	int (*start)(void);
	int (*resume)(void);
	void (*stop)(void);
	void (*free)(void);
	int (*cpu_up)(unsigned int cpu);
	int (*setup)(evtchn_port_t port);
	void (*clear)(evtchn_port_t port);
	void (*set)(evtchn_port_t port);
	void (*mask)(evtchn_port_t port);
	void (*unmask)(evtchn_port_t port, unsigned int cpu);
	void (*handle)(struct guest_event_loop *loop);
};

extern const struct guest_events_ops guest_twolevel_ops;
extern const struct guest_events_ops guest_fifo_ops;
extern const struct guest_events_ops *guest_events_ops;
bool guest_fifo_is_in_use(void);
void guest_channels_reset(void);

/* ------------------------------------------------------------------------
 * upcall: how the hypervisor interrupts a CPU
 */
void guest_upcall_park(void);
int guest_upcall_announce(void);
void guest_upcall_renounce(void);
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
#ifdef CONFIG_HIBERNATION
int guest_suspend_init(void);
void guest_suspend_exit(void);
int guest_suspend(void);
bool guest_suspend_was_cancelled(void);
#else
static inline int guest_suspend_init(void)
{
	return 0;
}

static inline void guest_suspend_exit(void)
{
}

static inline bool guest_suspend_was_cancelled(void)
{
	return true;
}
#endif

/* ------------------------------------------------------------------------
 * kexec, panic: what comes after us
 */
int guest_kexec_init(void);
void guest_kexec_exit(void);
void guest_kexec_leave(void);
int guest_panic_init(void);
void guest_panic_exit(void);

/* ------------------------------------------------------------------------
 * store: xenstore.  From guest_store_suspend() to guest_store_resume() no
 * request is under way; the latter runs with the devices still suspended.
 */
int guest_store_init(void);
void guest_store_exit(void);
void guest_store_suspend(void);
void guest_store_resume(bool cancelled);

/* What is asked for may be needed to write memory out, or to resume. */
#define GUEST_STORE_GFP		(GFP_NOIO | __GFP_HIGH)

/**
 * struct guest_reply - what xenstored says
 * @type:	XS_*: the request's, or XS_ERROR
 * @len:	of @body
 * @body:	with a NUL that is not counted; to be freed
 */
struct guest_reply {
	u32 type;
	u32 len;
	char *body;
};

void guest_store_enter(void);
void guest_store_leave(void);
unsigned int guest_store_generation(void);
int guest_store_call(u32 type, u32 tx, const struct kvec *parts,
		     unsigned int nr, struct guest_reply *reply);

/* request.c: questions */
int guest_store_tell(u32 type, const struct kvec *parts, unsigned int nr);
char *guest_store_talk(struct xenbus_transaction t, u32 type,
		       const struct kvec *parts, unsigned int nr,
		       unsigned int *len);
char *guest_store_path(const char *dir, const char *node);

/* store_ring.c: the page */
extern struct wait_queue_head guest_ring_wait;
int guest_ring_open(void);
void guest_ring_close(void);
int guest_ring_resume(void);
bool guest_ring_has_room(void);
bool guest_ring_has_data(void);
void guest_ring_notify(void);
int guest_ring_write(const void *buf, unsigned int len);
int guest_ring_read(void *buf, unsigned int len);

/* watch.c: what is to be told of */
int guest_watch_init(void);
void guest_watch_exit(void);
int guest_watch_reset(void);
void guest_watch_resume(void);
void guest_watch_event(const char *body, unsigned int len);

/* ------------------------------------------------------------------------
 * bus: devices on it
 */
int guest_bus_init(void);
void guest_bus_exit(void);

extern COMPAT_BUS_TYPE guest_bus;
extern const struct attribute_group *guest_device_groups[];

/**
 * struct guest_device - a device as the bus knows it
 * @xdev:	as drivers do
 * @replaced:	it is gone from xenstore, or another one is there in its place:
 *		what is there is not ours to write to
 * @type:	&xenbus_device.devicetype
 * @path:	&xenbus_device.nodename
 */
struct guest_device {
	struct xenbus_device xdev;
	bool replaced;
	const char *type;
	const char *path;
};

static inline struct guest_device *guest_device(struct xenbus_device *xdev)
{
	return container_of(xdev, struct guest_device, xdev);
}

/* devices.c: what xenstore says is there */
int guest_devices_init(void);
void guest_devices_exit(void);

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
