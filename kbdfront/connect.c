// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our half of the lifecycle: what input devices do at each step of the
 * conversation with their backend.
 */
#include <linux/seq_file.h>
#include <linux/string.h>
#include <xen/page.h>
#include <xenfront.h>

#include "kbdfront.h"

/*
 * The devices first: a backend may report something before we have seen that it
 * is connected.
 */
static int kbdfront_offer(struct xenfront_device *xf)
{
	struct kbdfront *kf = to_kbdfront(xf);
	int err;

	kbdfront_config_read(xf->dev, &kf->config);
	err = kbdfront_devices_create(kf);
	if (err) {
		dev_err(&xf->dev->dev, "cannot make input devices: %d\n", err);
		return err;
	}
	err = xenfront_ring_create(&kf->ring, xf->dev, 0);
	if (err)
		return err;
	kf->consumed = 0;
	err = xenfront_ring_bind(&kf->ring, kbdfront_interrupt,
				 dev_name(&xf->dev->dev), kf);
	if (err)
		xenfront_ring_destroy(&kf->ring);
	return err;
}

static int kbdfront_publish(struct xenfront_device *xf,
			    struct xenbus_transaction xbt)
{
	struct kbdfront *kf = to_kbdfront(xf);
	const struct kbdfront_config *config = &kf->config;
	const char *dir = xf->dev->nodename;
	const struct {
		const char *key;
		bool value;
	} requests[] = {
		{ XENKBD_FIELD_REQ_ABS_POINTER, config->abs },
		{ XENKBD_FIELD_REQ_RAW_POINTER, config->raw },
		{ XENKBD_FIELD_REQ_MTOUCH, config->contacts > 0 },
	};
	unsigned int i;
	int err;

	/* QEMU maps the page by its frame's number. */
	err = xenbus_printf(xbt, dir, XENKBD_FIELD_RING_REF, "%lu",
			    virt_to_gfn(kf->ring.pages));
	if (!err)
		err = xenfront_ring_publish(&kf->ring, xbt, dir,
					    XENKBD_FIELD_RING_GREF,
					    XENKBD_FIELD_EVT_CHANNEL);
	for (i = 0; !err && i < ARRAY_SIZE(requests); i++)
		err = xenbus_printf(xbt, dir, requests[i].key, "%d",
				    requests[i].value);
	return err;
}

/* All that matters was announced before we made our offer. */
static int kbdfront_connect(struct xenfront_device *xf)
{
	return 0;
}

static int kbdfront_update(struct xenfront_device *xf)
{
	struct kbdfront *kf = to_kbdfront(xf);
	struct kbdfront_config config;

	/* Other devices are for the next conversation; the screen's size is not. */
	kbdfront_config_read(xf->dev, &config);
	if (kf->config.abs && config.abs && kf->config.raw == config.raw) {
		kf->config.screen = config.screen;
		kbdfront_devices_follow(kf);
	}
	return 0;
}

static void kbdfront_quiesce(struct xenfront_device *xf)
{
	struct kbdfront *kf = to_kbdfront(xf);

	if (kf->ring.irq)
		disable_irq(kf->ring.irq);
	kbdfront_devices_release(kf);
	if (kf->ring.irq)
		enable_irq(kf->ring.irq);
}

static int kbdfront_disconnect(struct xenfront_device *xf, bool force)
{
	struct kbdfront *kf = to_kbdfront(xf);

	xenfront_ring_unbind(&kf->ring);
	kbdfront_devices_release(kf);
	if (xenfront_has_let_go(xf, force))
		xenfront_ring_destroy(&kf->ring);
	else
		xenfront_ring_abandon(&kf->ring);
	return 0;
}

static void kbdfront_closed(struct xenfront_device *xf)
{
}

static void kbdfront_show(struct xenfront_device *xf, struct seq_file *m)
{
	struct kbdfront *kf = to_kbdfront(xf);
	const struct kbdfront_config *config = &kf->config;

	seq_printf(m, "keyboard: %d\n", config->keyboard);
	seq_printf(m, "pointer: %s\n", !config->pointer ? "none" :
		   !config->abs ? "relative" : config->raw ? "raw" :
		   "absolute");
	seq_printf(m, "screen: %ux%u\n", config->screen.width,
		   config->screen.height);
	seq_printf(m, "contacts: %u\n", config->contacts);
	seq_printf(m, "events: %lld\n", atomic64_read(&kf->events));
	seq_printf(m, "unknown types: %d keys: %d contacts: %d\n",
		   atomic_read(&kf->odd[KBDFRONT_ODD_TYPE]),
		   atomic_read(&kf->odd[KBDFRONT_ODD_KEY]),
		   atomic_read(&kf->odd[KBDFRONT_ODD_CONTACT]));
}

const struct xenfront_ops kbdfront_lifecycle_ops = {
	.watch		= true,
	.offer		= kbdfront_offer,
	.publish	= kbdfront_publish,
	.connect	= kbdfront_connect,
	.update		= kbdfront_update,
	.quiesce	= kbdfront_quiesce,
	.disconnect	= kbdfront_disconnect,
	.closed		= kbdfront_closed,
	.show		= kbdfront_show,
};
