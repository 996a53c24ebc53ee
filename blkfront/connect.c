// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our half of the lifecycle: what a disk does at each step of the
 * conversation with its backend.
 */
#include <linux/blk-mq.h>
#include <linux/jiffies.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <xen/interface/io/protocols.h>
#include <xenfront.h>

#include "blkfront.h"

#define TRIM_INTERVAL	(10 * HZ)
/* While the disk is being removed: how long a backend may answer nothing. */
#define SILENCE		(10 * HZ)

static void destroy_rings(struct blkfront *bf)
{
	unsigned int i;

	if (!bf->rings)
		return;
	for (i = 0; i < bf->shape.nr_rings; i++)
		blkfront_ring_destroy(&bf->rings[i]);
	kvfree(bf->rings);
	bf->rings = NULL;
}

static int create_rings(struct blkfront *bf)
{
	struct blkfront_shape *shape = &bf->shape;
	unsigned int i;
	int err;

	bf->rings = kvcalloc(shape->nr_rings, sizeof(*bf->rings), GFP_KERNEL);
	if (!bf->rings)
		return -ENOMEM;

	for (i = 0; i < shape->nr_rings; i++) {
		err = blkfront_ring_create(bf, &bf->rings[i],
					   shape->ring_order);
		if (err)
			goto err_destroy;
	}
	return 0;

err_destroy:
	destroy_rings(bf);
	return err;
}

static int blkfront_offer(struct xenfront_device *xf)
{
	struct blkfront *bf = to_blkfront(xf);
	struct blkfront_shape *shape = &bf->shape;
	int err;

	blkfront_shape_read(xf->dev, &bf->params, shape);
	/* The block layer's queues do not change: more rings are no use. */
	if (bf->disk)
		shape->nr_rings = min(shape->nr_rings, bf->tags.nr_hw_queues);

	/* A long-running system may have no contiguous pages any more. */
	while ((err = create_rings(bf)) == -ENOMEM && shape->ring_order)
		shape->ring_order--;
	if (err)
		dev_err(&xf->dev->dev, "cannot make %u rings: %d\n",
			shape->nr_rings, err);
	return err;
}

static int publish_ring(struct blkfront *bf, struct xenbus_transaction xbt,
			unsigned int i)
{
	const char *dir = bf->xf.dev->nodename;
	char *queue_dir;
	int err;

	if (bf->shape.nr_rings == 1)
		return xenfront_ring_publish(&bf->rings[i].shared, xbt, dir,
					     "ring-ref", "event-channel");

	queue_dir = kasprintf(GFP_KERNEL, "%s/queue-%u", dir, i);
	if (!queue_dir)
		return -ENOMEM;
	err = xenfront_ring_publish(&bf->rings[i].shared, xbt, queue_dir,
				    "ring-ref", "event-channel");
	kfree(queue_dir);
	return err;
}

/* A key that is not to be there may be left from whoever was here before. */
static int publish_optional(struct xenbus_transaction xbt, const char *dir,
			    const char *key, bool wanted, unsigned int value)
{
	if (wanted)
		return xenbus_printf(xbt, dir, key, "%u", value);
	if (xenbus_exists(xbt, dir, key))
		return xenbus_rm(xbt, dir, key);
	return 0;
}

static int blkfront_publish(struct xenfront_device *xf,
			    struct xenbus_transaction xbt)
{
	struct blkfront *bf = to_blkfront(xf);
	const struct blkfront_shape *shape = &bf->shape;
	const char *dir = xf->dev->nodename;
	unsigned int i;
	int err;

	err = publish_optional(xbt, dir, "ring-page-order",
			       shape->ring_order > 0, shape->ring_order);
	if (!err)
		err = publish_optional(xbt, dir, "multi-queue-num-queues",
				       shape->multi_queue, shape->nr_rings);
	for (i = 0; !err && i < shape->nr_rings; i++)
		err = publish_ring(bf, xbt, i);
	if (!err)
		err = xenbus_printf(xbt, dir, "protocol", "%s",
				    XEN_IO_PROTO_ABI_NATIVE);
	if (!err)
		err = xenbus_printf(xbt, dir, "feature-persistent", "%u",
				    bf->params.persistent);
	return err;
}

/* Let each ring's interrupt run on the CPUs whose requests it carries. */
static void spread_interrupts(struct blkfront *bf)
{
	const unsigned int *map = bf->tags.map[HCTX_TYPE_DEFAULT].mq_map;
	unsigned int cpu, i;

	for_each_possible_cpu(cpu)
		cpumask_set_cpu(cpu, &bf->rings[map[cpu] %
						bf->shape.nr_rings].cpus);
	for (i = 0; i < bf->shape.nr_rings; i++)
		xenfront_ring_set_affinity(&bf->rings[i].shared,
					   &bf->rings[i].cpus);
}

static int first_connect(struct blkfront *bf)
{
	int err;

	err = blkfront_queue_create(bf);
	if (err)
		return err;
	err = blkfront_disk_create(bf);
	if (err)
		blkfront_queue_destroy(bf);
	else
		blkfront_serial_read(bf->xf.dev, bf->serial,
				     sizeof(bf->serial));
	return err;
}

static int blkfront_connect(struct xenfront_device *xf)
{
	struct blkfront *bf = to_blkfront(xf);
	struct blkfront_config config;
	int err;

	err = blkfront_config_read(xf->dev, &bf->params, &config);
	if (err)
		return err;

	/* Whoever uses the disk counts on blocks of this size. */
	if (bf->disk && config.logical > bf->config.logical) {
		xenfront_store_blame(xf->dev, "sector-size",
				     " grew from %u to %u, which a disk in use cannot\n",
				     bf->config.logical, config.logical);
		return -EINVAL;
	}
	bf->config = config;
	bf->lost = 0;
	/*
	 * A backend that starts anew and finds these rings goes by our keys:
	 * it must not keep pages mapped that are not there to be kept.
	 */
	if (!config.persistent)
		xenbus_printf(XBT_NIL, xf->dev->nodename, "feature-persistent",
			      "%u", 0);

	if (!bf->disk) {
		err = first_connect(bf);
		if (err) {
			dev_err(&xf->dev->dev, "cannot make disk %s: %d\n",
				bf->vdev.name, err);
			return err;
		}
	}
	spread_interrupts(bf);

	if (bf->quiesced) {
		bf->quiesced = false;
		blk_mq_unquiesce_queue(bf->disk->queue);
		blk_mq_kick_requeue_list(bf->disk->queue);
		dev_info(&xf->dev->dev, "%s: connected again\n",
			 bf->vdev.name);
	}
	queue_work(blkfront_wq, &bf->disk_work);
	queue_delayed_work(blkfront_trim_wq, &bf->trim_work, TRIM_INTERVAL);
	return 0;
}

/* Size, read-only flag and medium may change while the disk is connected. */
static void take_changes(struct blkfront *bf,
			 const struct blkfront_config *config)
{
	if (config->sectors == bf->config.sectors &&
	    config->info == bf->config.info)
		return;
	WRITE_ONCE(bf->config.sectors, config->sectors);
	WRITE_ONCE(bf->config.info, config->info);
	queue_work(blkfront_wq, &bf->disk_work);
}

/*
 * Whoever removes the disk waits for what is written back, and that for the
 * backend: as long as it gets on, but not for one that has fallen silent.
 */
static void watch_progress(struct blkfront *bf)
{
	unsigned int i, answered = 0, waiting = 0;
	struct blkif_front_ring *front;

	for (i = 0; i < bf->shape.nr_rings; i++) {
		front = &bf->rings[i].front;
		answered += READ_ONCE(front->rsp_cons);
		waiting += READ_ONCE(front->req_prod_pvt) -
			   READ_ONCE(front->rsp_cons);
	}
	if (!waiting || answered != bf->answered || !bf->answered_at) {
		bf->answered = answered;
		bf->answered_at = jiffies ?: 1;
	} else if (time_after(jiffies, bf->answered_at + SILENCE)) {
		xenfront_give_up(&bf->xf,
				 "%u requests have had no answer for %u s and the disk is to go",
				 waiting, SILENCE / HZ);
	}
}

static int blkfront_update(struct xenfront_device *xf)
{
	struct blkfront *bf = to_blkfront(xf);
	struct blkfront_config config;
	unsigned int i;

	if (!blkfront_config_read(xf->dev, &bf->params, &config)) {
		/* What is on the rings rests on these. */
		if (config.max_segments < bf->config.max_segments ||
		    config.persistent != bf->config.persistent)
			return -ESTALE;
		take_changes(bf, &config);
	}
	for (i = 0; i < bf->shape.nr_rings; i++)
		blkfront_ring_believe(&bf->rings[i]);
	if (test_bit(XENFRONT_F_STOPPING, &xf->flags))
		watch_progress(bf);
	return 0;
}

static void blkfront_quiesce(struct xenfront_device *xf)
{
	struct blkfront *bf = to_blkfront(xf);

	cancel_delayed_work_sync(&bf->trim_work);
	if (!bf->disk || bf->quiesced)
		return;
	bf->quiesced = true;
	blk_mq_quiesce_queue(bf->disk->queue);
}

static int blkfront_disconnect(struct xenfront_device *xf, bool force)
{
	struct blkfront *bf = to_blkfront(xf);
	unsigned int i;

	if (!bf->rings)
		return 0;

	for (i = 0; i < bf->shape.nr_rings; i++) {
		/* No handler from here on: nobody else takes requests. */
		xenfront_ring_unbind(&bf->rings[i].shared);
		if (bf->inflight && xenfront_answers_count(xf))
			blkfront_ring_reap(&bf->rings[i]);
	}
	if (!blkfront_queue_withdraw(bf, force))
		return -EBUSY;
	destroy_rings(bf);
	return 0;
}

static bool blkfront_in_use(struct xenfront_device *xf)
{
	struct blkfront *bf = to_blkfront(xf);

	return bf->disk && READ_ONCE(bf->added) && disk_openers(bf->disk);
}

static void blkfront_closed(struct xenfront_device *xf)
{
	struct blkfront *bf = to_blkfront(xf);

	WRITE_ONCE(bf->dead, true);
	WRITE_ONCE(bf->ready, true);
	/* What is unregistered has nothing to wait for, and its queue may go. */
	if (!bf->disk || READ_ONCE(bf->unregistered))
		return;
	/* First what waits fails: a file system that is shut down waits for it. */
	if (bf->quiesced) {
		bf->quiesced = false;
		blk_mq_unquiesce_queue(bf->disk->queue);
	}
	blk_mq_kick_requeue_list(bf->disk->queue);
	if (READ_ONCE(bf->added))
		blk_mark_disk_dead(bf->disk);
}

static void show_rings(struct blkfront *bf, struct seq_file *m)
{
	struct blkfront_ring *ring;
	unsigned int i;

	for (i = 0; bf->rings && i < bf->shape.nr_rings; i++) {
		ring = &bf->rings[i];
		seq_printf(m,
			   "ring %u: requests %llu notifications %llu interrupts %llu partial %llu pages %u free %u\n",
			   i, ring->requests, ring->notifications,
			   ring->interrupts, ring->partial,
			   READ_ONCE(ring->pool.nr_pages),
			   READ_ONCE(ring->pool.nr_free));
	}
}

static void blkfront_show(struct xenfront_device *xf, struct seq_file *m)
{
	struct blkfront *bf = to_blkfront(xf);
	const struct blkfront_config *config = &bf->config;

	seq_printf(m, "disk: %s\n", bf->vdev.name);
	seq_printf(m, "sectors: %llu\n", config->sectors);
	seq_printf(m, "logical-sector-size: %u\n", config->logical);
	seq_printf(m, "physical-sector-size: %u\n", config->physical);
	seq_printf(m, "read-only: %d\n", !!(config->info & VDISK_READONLY));
	seq_printf(m, "queues: %u\n", bf->tags.nr_hw_queues);
	seq_printf(m, "rings: %u\n", bf->shape.nr_rings);
	seq_printf(m, "ring-page-order: %u\n", bf->shape.ring_order);
	seq_printf(m, "max-segments: %u\n", config->max_segments);
	seq_printf(m, "persistent-grants: %d\n", config->persistent);
	seq_printf(m, "bounce: %d\n", config->bounce);
	seq_printf(m, "flush: %d\n", blkfront_has_flush(bf));
	seq_printf(m, "barrier: %d\n", blkfront_has_barrier(bf));
	seq_printf(m, "discard: %d\n", blkfront_has_discard(bf));
	seq_printf(m, "secure-erase: %d\n", blkfront_has_secure_erase(bf));
	show_rings(bf, m);
}

const struct xenfront_ops blkfront_lifecycle_ops = {
	.offer		= blkfront_offer,
	.publish	= blkfront_publish,
	.connect	= blkfront_connect,
	.update		= blkfront_update,
	.quiesce	= blkfront_quiesce,
	.disconnect	= blkfront_disconnect,
	.in_use		= blkfront_in_use,
	.closed		= blkfront_closed,
	.show		= blkfront_show,
};
