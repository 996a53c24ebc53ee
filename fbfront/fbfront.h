/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xen-fbfront: Xen's virtual framebuffer as a KMS driver.
 *
 *	main.c		module, probe, remove
 *	config.c	what was negotiated
 *	connect.c	our half of the lifecycle
 *	screen.c	the memory that the backend shows
 *	events.c	the two rings of the shared page
 *	kms.c		what users see: a DRM device
 *
 * Locks: whoever holds a DRM lock may take &fbfront.lock, and its holder
 * &fbfront_events.lock; never the other way round.  So no step of the lifecycle
 * takes a DRM lock: what needs one is done by &fbfront.work.
 */
#ifndef _FBFRONT_H
#define _FBFRONT_H

#include <drm/drm_rect.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <xen/interface/io/fbif.h>
#include <xenfront.h>

struct fbfront_kms;

#define FBFRONT_DEPTH	32	/* bits of a pixel: XRGB8888 */
#define FBFRONT_BYTES	4	/* its bytes */

/* Less than a line of text, and more than any screen that there is. */
#define FBFRONT_MIN_SIDE	64
#define FBFRONT_MAX_SIDE	16384

/**
 * struct fbfront_params - what the administrator wishes
 * @mib:	most memory of a screen, in MiB; 0: as much as the backend says
 * @width:	of a screen whose size the backend does not say, in pixels;
 *		0: any, in both
 * @height:	likewise
 */
struct fbfront_params {
	unsigned int mib;
	unsigned int width;
	unsigned int height;
};

/**
 * struct fbfront_mode - what the backend is to show of the memory
 * @width:	in pixels; 0: nothing yet
 * @height:	in pixels
 *
 * Lines follow each other without a gap, from the first byte on.
 */
struct fbfront_mode {
	unsigned int width;
	unsigned int height;
};

/**
 * struct fbfront_config - what was negotiated
 * @mib:	memory of the screen, in MiB
 * @preferred:	the mode that users get when they do not ask for another
 * @update:	the backend wants to be told what has changed
 * @resize:	it can show another mode than the one it was offered
 */
struct fbfront_config {
	unsigned int mib;
	struct fbfront_mode preferred;
	bool update;
	bool resize;
};

/**
 * struct fbfront_screen - memory that the backend maps by its frames' numbers
 * @memory:	@size bytes; NULL: there is none
 * @size:	a multiple of a page
 * @directories: pages with the numbers of @memory's frames
 * @nr_directories: how many of them
 * @mapped:	the backend may have it mapped, in this conversation...
 * @abandoned:	...or in an earlier one that did not end well
 *
 * There is no grant that would tell who has it mapped: unless a backend has
 * said that it is Closed, none of these pages may ever be anything else.
 *
 * Owned by the lifecycle, one step at a time.  @memory and @size change under
 * &fbfront.lock only, as users draw there.
 */
struct fbfront_screen {
	void *memory;
	size_t size;
	unsigned long **directories;
	unsigned int nr_directories;
	bool mapped;
	bool abandoned;
};

/**
 * struct fbfront_events - the two rings of the shared page
 * @lock:	guards all members below
 * @page:	the shared page; NULL unless events may be sent and taken
 * @wanted:	the backend asked for updates
 * @watched:	somebody looks at the screen, for all that we know
 * @period:	ms between two looks, within bounds
 * @written:	events written to the ring
 * @pushed:	of these, what the backend was told of
 * @consumed:	events of the backend's taken
 * @acked:	of ours, what the backend had taken when we last looked
 * @resize:	@mode was not sent yet, for want of room
 * @mode:	what the backend is to show
 * @late:	@dirty was not sent yet, for want of room
 * @dirty:	all that has changed since
 * @updates:	how many were sent, for debugfs
 * @resizes:	likewise
 * @merged:	updates that had to wait
 * @unknown:	events of the backend's that mean nothing to us
 */
struct fbfront_events {
	spinlock_t lock;	/* guards what follows */
	struct xenfb_page *page;
	bool wanted;
	bool watched;
	unsigned int period;
	u32 written;
	u32 pushed;
	u32 consumed;
	u32 acked;
	bool resize;
	struct fbfront_mode mode;
	bool late;
	struct drm_rect dirty;
	u64 updates;
	u64 resizes;
	u64 merged;
	u64 unknown;
};

/* What &fbfront.work has to do: bits of &fbfront.news. */
#define FBFRONT_NEWS_MODES	0	/* other modes can be had now */
#define FBFRONT_NEWS_REDRAW	1	/* the memory or its viewer is new */

/**
 * struct fbfront - one virtual screen
 * @xf:		the conversation with the backend
 * @kms:	the device that users see; may outlive this, but does not use it
 *		any more once it is unplugged
 * @work:	tells users what is new; queued on fbfront_wq
 * @news:	what is; atomic bits
 * @registered:	users know of @kms; written by @work
 * @removing:	@work has nothing to do any more
 * @ring:	the shared page and its channel; the lifecycle's
 * @lock:	guards what follows; held while somebody draws
 * @screen:	see there
 * @stale:	users have drawn what is not on @screen
 * @config:	see there
 * @offered:	what the shared page says
 * @mode:	what users have set
 * @ready:	there was a connection
 * @dead:	there will be no other
 * @events:	see there; has a lock of its own
 */
struct fbfront {
	struct xenfront_device xf;
	struct fbfront_kms *kms;
	struct work_struct work;
	unsigned long news;
	bool registered;
	bool removing;
	struct xenfront_ring ring;
	struct mutex lock;	/* guards what follows */
	struct fbfront_screen screen;
	bool stale;
	struct fbfront_config config;
	struct fbfront_mode offered;
	struct fbfront_mode mode;
	bool ready;
	bool dead;
	struct fbfront_events events;
};

static inline struct fbfront *to_fbfront(struct xenfront_device *xf)
{
	return container_of(xf, struct fbfront, xf);
}

static inline bool fbfront_mode_is(const struct fbfront_mode *a,
				   const struct fbfront_mode *b)
{
	return a->width == b->width && a->height == b->height;
}

static inline size_t fbfront_mode_size(const struct fbfront_mode *mode)
{
	return (size_t)mode->width * mode->height * FBFRONT_BYTES;
}

/**
 * fbfront_mode_fits() - is there memory for a mode?
 * @fb:		the screen, locked
 * @mode:	the mode
 *
 * Context: any in which the lock can be held.
 * Return: false also for the mode that is none.
 */
static inline bool fbfront_mode_fits(const struct fbfront *fb,
				     const struct fbfront_mode *mode)
{
	size_t size = fbfront_mode_size(mode);

	return size && size <= fb->screen.size;
}

extern struct workqueue_struct *fbfront_wq;
extern const struct xenfront_ops fbfront_lifecycle_ops;

void fbfront_params_read(struct fbfront_params *params);
void fbfront_news(struct fbfront *fb, unsigned int what);

void fbfront_config_read(struct fbfront *fb, struct fbfront_config *config);

int fbfront_screen_create(struct fbfront_screen *screen, size_t size);
void fbfront_screen_destroy(struct fbfront_screen *screen);
void fbfront_screen_publish(const struct fbfront_screen *screen,
			    struct xenfb_page *page);
bool fbfront_screen_mode_valid(struct fbfront *fb,
			       const struct fbfront_mode *mode);
void fbfront_screen_show(struct fbfront *fb, const struct fbfront_mode *mode);
void fbfront_screen_blank(struct fbfront *fb);
void fbfront_screen_refresh(struct fbfront *fb);

void fbfront_events_start(struct fbfront *fb);
void fbfront_events_stop(struct fbfront *fb);
void fbfront_events_want(struct fbfront *fb, bool wanted);
bool fbfront_events_watched(struct fbfront *fb);
unsigned int fbfront_events_period(struct fbfront *fb);
void fbfront_events_resize(struct fbfront *fb, const struct fbfront_mode *mode);
void fbfront_events_update(struct fbfront *fb, const struct drm_rect *rect);
void fbfront_events_flush(struct fbfront *fb);
irqreturn_t fbfront_events_interrupt(int irq, void *data);

int fbfront_kms_create(struct fbfront *fb);
void fbfront_kms_work(struct work_struct *work);
void fbfront_kms_unplug(struct fbfront *fb);

#endif
