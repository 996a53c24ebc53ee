// SPDX-License-Identifier: GPL-2.0-only
/*
 * What users see: a DRM device with one plane, CRTC, encoder and connector.
 * They draw into buffers of their own; what they say has changed is copied
 * to the screen.
 *
 * The device lives until the last user lets go of it, which may be after the
 * screen is gone.  So the screen is used only between drm_dev_enter() and
 * drm_dev_exit(), which fbfront_kms_unplug() waits for.
 */
#include <drm/clients/drm_client_setup.h>
#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_connector.h>
#include <drm/drm_crtc.h>
#include <drm/drm_damage_helper.h>
#include <drm/drm_device.h>
#include <drm/drm_drv.h>
#include <drm/drm_edid.h>
#include <drm/drm_encoder.h>
#include <drm/drm_fbdev_shmem.h>
#include <drm/drm_format_helper.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_atomic_helper.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_managed.h>
#include <drm/drm_modes.h>
#include <drm/drm_modeset_helper_vtables.h>
#include <drm/drm_modeset_lock.h>
#include <drm/drm_plane.h>
#include <drm/drm_probe_helper.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/iosys-map.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <xenfront.h>

#include "fbfront.h"

#define REFRESH		60	/* Hz, of modes that nobody defined */

/**
 * struct fbfront_kms - the device that users see
 * @drm:	freed, and all with it, when the last user lets go of it
 * @plane:	the only one
 * @crtc:	likewise
 * @encoder:	likewise
 * @connector:	likewise
 * @fb:		the screen; valid until @drm is unplugged
 * @frame:	when users were last told that a frame is shown; written by the
 *		CRTC's commits, one at a time
 */
struct fbfront_kms {
	struct drm_device drm;
	struct drm_plane plane;
	struct drm_crtc crtc;
	struct drm_encoder encoder;
	struct drm_connector connector;
	struct fbfront *fb;
	ktime_t frame;
};

static struct fbfront_kms *to_kms(struct drm_device *drm)
{
	return container_of(drm, struct fbfront_kms, drm);
}

/* ------------------------------------------------------------------------
 * plane
 */
static const u32 formats[] = { DRM_FORMAT_XRGB8888 };

static int plane_atomic_check(struct drm_plane *plane,
			      struct drm_atomic_commit *commit)
{
	struct drm_plane_state *new =
		drm_atomic_get_new_plane_state(commit, plane);
	struct drm_crtc_state *crtc = NULL;

	if (new->crtc)
		crtc = drm_atomic_get_new_crtc_state(commit, new->crtc);
	return drm_atomic_helper_check_plane_state(new, crtc,
						   DRM_PLANE_NO_SCALING,
						   DRM_PLANE_NO_SCALING,
						   false, false);
}

/* Of a buffer's part @clip; the plane shows it from its own corner on. */
static void draw(struct fbfront *fb, struct drm_plane_state *state,
		 struct drm_rect *clip)
{
	const struct drm_shadow_plane_state *shadow =
		to_drm_shadow_plane_state(state);
	unsigned int pitch = fb->mode.width * FBFRONT_BYTES;
	struct drm_rect place = DRM_RECT_INIT(0, 0, fb->mode.width,
					      fb->mode.height);
	int dx = state->dst.x1 - (state->src.x1 >> 16);
	int dy = state->dst.y1 - (state->src.y1 >> 16);
	struct iosys_map map;

	drm_rect_translate(clip, dx, dy);
	if (!drm_rect_intersect(&place, clip))
		return;
	iosys_map_set_vaddr(&map, fb->screen.memory + place.y1 * pitch +
			    place.x1 * FBFRONT_BYTES);
	*clip = place;
	drm_rect_translate(clip, -dx, -dy);
	drm_fb_memcpy(&map, &pitch, shadow->data, state->fb, clip);
	fbfront_events_update(fb, &place);
}

static void draw_damage(struct fbfront *fb, struct drm_plane_state *old,
			struct drm_plane_state *new)
{
	struct drm_atomic_helper_damage_iter iter;
	struct drm_rect clip;

	mutex_lock(&fb->lock);
	if (!fbfront_mode_fits(fb, &fb->mode) || !fbfront_events_watched(fb)) {
		fb->stale = true;
	} else if (fb->stale) {
		/* redraw() may have asked for a buffer that was flipped away. */
		fb->stale = false;
		drm_rect_fp_to_int(&clip, &new->src);
		draw(fb, new, &clip);
	} else {
		drm_atomic_helper_damage_iter_init(&iter, old, new);
		drm_atomic_for_each_plane_damage(&iter, &clip)
			draw(fb, new, &clip);
	}
	mutex_unlock(&fb->lock);
	fbfront_events_flush(fb);
}

static void plane_atomic_update(struct drm_plane *plane,
				struct drm_atomic_commit *commit)
{
	struct drm_plane_state *old =
		drm_atomic_get_old_plane_state(commit, plane);
	struct drm_plane_state *new =
		drm_atomic_get_new_plane_state(commit, plane);
	int idx;

	if (!new->fb || !new->visible || !drm_dev_enter(plane->dev, &idx))
		return;
	if (!drm_gem_fb_begin_cpu_access(new->fb, DMA_FROM_DEVICE)) {
		draw_damage(to_kms(plane->dev)->fb, old, new);
		drm_gem_fb_end_cpu_access(new->fb, DMA_FROM_DEVICE);
	}
	drm_dev_exit(idx);
}

static void blank(struct drm_device *drm)
{
	int idx;

	if (!drm_dev_enter(drm, &idx))
		return;
	fbfront_screen_blank(to_kms(drm)->fb);
	drm_dev_exit(idx);
}

static void plane_atomic_disable(struct drm_plane *plane,
				 struct drm_atomic_commit *commit)
{
	blank(plane->dev);
}

static const struct drm_plane_helper_funcs plane_helper_funcs = {
	DRM_GEM_SHADOW_PLANE_HELPER_FUNCS,
	.atomic_check	= plane_atomic_check,
	.atomic_update	= plane_atomic_update,
	.atomic_disable	= plane_atomic_disable,
};

static const struct drm_plane_funcs plane_funcs = {
	.update_plane	= drm_atomic_helper_update_plane,
	.disable_plane	= drm_atomic_helper_disable_plane,
	.destroy	= drm_plane_cleanup,
	DRM_GEM_SHADOW_PLANE_FUNCS,
};

/* ------------------------------------------------------------------------
 * CRTC and encoder
 */
static struct fbfront_mode mode_of(const struct drm_display_mode *mode)
{
	return (struct fbfront_mode) {
		.width = mode->hdisplay, .height = mode->vdisplay,
	};
}

static enum drm_mode_status
crtc_mode_valid(struct drm_crtc *crtc, const struct drm_display_mode *mode)
{
	struct fbfront_mode wanted = mode_of(mode);
	enum drm_mode_status status = MODE_OK;
	int idx;

	if (!drm_dev_enter(crtc->dev, &idx))
		return MODE_ERROR;
	if (!fbfront_screen_mode_valid(to_kms(crtc->dev)->fb, &wanted))
		status = MODE_MEM;
	drm_dev_exit(idx);
	return status;
}

static void crtc_atomic_enable(struct drm_crtc *crtc,
			       struct drm_atomic_commit *commit)
{
	struct drm_crtc_state *new =
		drm_atomic_get_new_crtc_state(commit, crtc);
	struct fbfront_mode mode = mode_of(&new->mode);
	int idx;

	if (!drm_dev_enter(crtc->dev, &idx))
		return;
	fbfront_screen_show(to_kms(crtc->dev)->fb, &mode);
	drm_dev_exit(idx);
}

static void crtc_atomic_disable(struct drm_crtc *crtc,
				struct drm_atomic_commit *commit)
{
	blank(crtc->dev);
}

static const struct drm_crtc_helper_funcs crtc_helper_funcs = {
	.mode_valid	= crtc_mode_valid,
	.atomic_enable	= crtc_atomic_enable,
	.atomic_disable	= crtc_atomic_disable,
};

static const struct drm_crtc_funcs crtc_funcs = {
	.reset			= drm_atomic_helper_crtc_reset,
	.destroy		= drm_crtc_cleanup,
	.set_config		= drm_atomic_helper_set_config,
	.page_flip		= drm_atomic_helper_page_flip,
	.atomic_duplicate_state	= drm_atomic_helper_crtc_duplicate_state,
	.atomic_destroy_state	= drm_atomic_helper_crtc_destroy_state,
};

static const struct drm_encoder_funcs encoder_funcs = {
	.destroy	= drm_encoder_cleanup,
};

/* ------------------------------------------------------------------------
 * connector
 */

/*
 * Users are not to rearrange their windows because a backend restarts, or the
 * guest is migrated: the screen is there until it will not come back.
 */
static enum drm_connector_status
connector_detect(struct drm_connector *connector, bool force)
{
	enum drm_connector_status status = connector_status_disconnected;
	struct fbfront *fb;
	int idx;

	if (!drm_dev_enter(connector->dev, &idx))
		return status;
	fb = to_kms(connector->dev)->fb;
	mutex_lock(&fb->lock);
	if (!fb->dead)
		status = connector_status_connected;
	mutex_unlock(&fb->lock);
	drm_dev_exit(idx);
	return status;
}

static bool is_listed(struct drm_connector *connector,
		      const struct fbfront_mode *mode)
{
	struct drm_display_mode *other;

	list_for_each_entry(other, &connector->probed_modes, head)
		if (other->hdisplay == mode->width &&
		    other->vdisplay == mode->height)
			return true;
	return false;
}

static int add_mode(struct drm_connector *connector,
		    const struct fbfront_mode *wanted)
{
	const struct drm_display_mode template = {
		DRM_MODE_INIT(REFRESH, wanted->width, wanted->height, 0, 0)
	};
	struct drm_display_mode *mode;

	mode = drm_mode_duplicate(connector->dev, &template);
	if (!mode)
		return 0;
	drm_mode_set_name(mode);
	drm_mode_probed_add(connector, mode);
	return 1;
}

static int connector_get_modes(struct drm_connector *connector)
{
	struct fbfront_mode preferred;
	struct fbfront *fb;
	int idx, nr = 0;
	bool resize;

	if (!drm_dev_enter(connector->dev, &idx))
		return 0;
	fb = to_kms(connector->dev)->fb;
	mutex_lock(&fb->lock);
	resize = fb->config.resize;
	preferred = resize ? fb->config.preferred : fb->offered;
	mutex_unlock(&fb->lock);
	drm_dev_exit(idx);

	/* Those that there is no memory for are sorted out afterwards. */
	if (resize)
		nr = drm_add_modes_noedid(connector, FBFRONT_MAX_SIDE,
					  FBFRONT_MAX_SIDE);
	if (!is_listed(connector, &preferred))
		nr += add_mode(connector, &preferred);
	drm_set_preferred_mode(connector, preferred.width, preferred.height);
	return nr;
}

static const struct drm_connector_helper_funcs connector_helper_funcs = {
	.get_modes	= connector_get_modes,
};

static const struct drm_connector_funcs connector_funcs = {
	.reset			= drm_atomic_helper_connector_reset,
	.detect			= connector_detect,
	.fill_modes		= drm_helper_probe_single_connector_modes,
	.destroy		= drm_connector_cleanup,
	.atomic_duplicate_state	= drm_atomic_helper_connector_duplicate_state,
	.atomic_destroy_state	= drm_atomic_helper_connector_destroy_state,
};

/* ------------------------------------------------------------------------
 * device
 */

/*
 * There is no vertical blanking to wait for, and users that are told of it at
 * once draw as fast as they can.  A frame that comes late enough waits for
 * nothing, and while there is none nothing runs.
 */
static void wait_for_frame(struct fbfront_kms *kms)
{
	unsigned int period;
	s64 early;
	int idx;

	if (!drm_dev_enter(&kms->drm, &idx))
		return;
	period = fbfront_events_period(kms->fb);
	drm_dev_exit(idx);

	early = period - ktime_us_delta(ktime_get(), kms->frame);
	if (early > 0)
		fsleep(early);
	kms->frame = ktime_get();
}

/* The mode before the plane: it says how long the lines are. */
static void commit_tail(struct drm_atomic_commit *commit)
{
	struct drm_device *drm = commit->dev;
	struct fbfront_kms *kms = to_kms(drm);

	drm_atomic_helper_commit_modeset_disables(drm, commit);
	drm_atomic_helper_commit_modeset_enables(drm, commit);
	drm_atomic_helper_commit_planes(drm, commit,
					DRM_PLANE_COMMIT_ACTIVE_ONLY);
	if (drm_atomic_get_new_crtc_state(commit, &kms->crtc))
		wait_for_frame(kms);
	drm_atomic_helper_fake_vblank(commit);
	drm_atomic_helper_commit_hw_done(commit);
	drm_atomic_helper_cleanup_planes(drm, commit);
}

static const struct drm_mode_config_helper_funcs mode_config_helpers = {
	.atomic_commit_tail	= commit_tail,
};

static const struct drm_mode_config_funcs mode_config_funcs = {
	.fb_create	= drm_gem_fb_create_with_dirty,
	.atomic_check	= drm_atomic_helper_check,
	.atomic_commit	= drm_atomic_helper_commit,
};

DEFINE_DRM_GEM_FOPS(fops);

static const struct drm_driver driver = {
	DRM_GEM_SHMEM_DRIVER_OPS,
	DRM_FBDEV_SHMEM_DRIVER_OPS,
	.driver_features	= DRIVER_GEM | DRIVER_MODESET | DRIVER_ATOMIC,
	.fops			= &fops,
	.name			= "xen-fbfront",
	.desc			= "Xen virtual framebuffer",
	DRM_DRIVER_DATE("20261121")
	.major			= 1,
	.minor			= 0,
};

static int init_pipe(struct fbfront_kms *kms)
{
	struct drm_device *drm = &kms->drm;
	int err;

	err = drm_universal_plane_init(drm, &kms->plane, 0, &plane_funcs,
				       formats, ARRAY_SIZE(formats), NULL,
				       DRM_PLANE_TYPE_PRIMARY, NULL);
	if (err)
		return err;
	drm_plane_helper_add(&kms->plane, &plane_helper_funcs);
	drm_plane_enable_fb_damage_clips(&kms->plane);

	err = drm_crtc_init_with_planes(drm, &kms->crtc, &kms->plane, NULL,
					&crtc_funcs, NULL);
	if (err)
		return err;
	drm_crtc_helper_add(&kms->crtc, &crtc_helper_funcs);

	err = drm_encoder_init(drm, &kms->encoder, &encoder_funcs,
			       DRM_MODE_ENCODER_VIRTUAL, NULL);
	if (err)
		return err;
	kms->encoder.possible_crtcs = drm_crtc_mask(&kms->crtc);

	err = drm_connector_init(drm, &kms->connector, &connector_funcs,
				 DRM_MODE_CONNECTOR_VIRTUAL);
	if (err)
		return err;
	drm_connector_helper_add(&kms->connector, &connector_helper_funcs);
	kms->connector.polled = DRM_CONNECTOR_POLL_HPD;
	return drm_connector_attach_encoder(&kms->connector, &kms->encoder);
}

/**
 * fbfront_kms_create() - make the device, of which nobody knows yet
 * @fb: the screen, whose xenbus device is bound to the driver
 *
 * It is freed when the driver is unbound, unless somebody uses it still.
 *
 * Context: process; sleeps.
 * Return: 0, or a negative errno.
 */
int fbfront_kms_create(struct fbfront *fb)
{
	struct drm_mode_config *config;
	struct fbfront_kms *kms;
	int err;

	kms = devm_drm_dev_alloc(&fb->xf.dev->dev, &driver, struct fbfront_kms,
				 drm);
	if (IS_ERR(kms))
		return PTR_ERR(kms);
	kms->fb = fb;

	/*
	 * Older kernels map other devices' buffers for this one before they are
	 * shown; if this fails, that does.
	 */
	dma_coerce_mask_and_coherent(&fb->xf.dev->dev, DMA_BIT_MASK(64));
	err = drmm_mode_config_init(&kms->drm);
	if (err)
		return err;
	config = &kms->drm.mode_config;
	/* Of users' buffers; which modes can be shown is another question. */
	config->max_width = FBFRONT_MAX_SIDE;
	config->max_height = FBFRONT_MAX_SIDE;
	config->preferred_depth = 24;
	config->funcs = &mode_config_funcs;
	config->helper_private = &mode_config_helpers;

	err = init_pipe(kms);
	if (err)
		return err;
	drm_mode_config_reset(&kms->drm);
	fb->kms = kms;
	return 0;
}

/* What users have drawn while nobody looked. */
static void redraw(struct fbfront *fb)
{
	struct drm_plane *plane = &fb->kms->plane;
	struct drm_framebuffer *buffer;

	drm_modeset_lock(&plane->mutex, NULL);
	buffer = plane->state->fb;
	if (buffer)
		drm_framebuffer_get(buffer);
	drm_modeset_unlock(&plane->mutex);

	/* Also when it is black, because there is nothing to draw. */
	fbfront_screen_refresh(fb);
	if (!buffer)
		return;
	drm_atomic_helper_dirtyfb(buffer, NULL, 0, 0, NULL, 0);
	drm_framebuffer_put(buffer);
}

/* With the first connection: before it there is nothing to say about modes. */
static bool have_users(struct fbfront *fb)
{
	bool ready;
	int err;

	if (fb->registered)
		return true;
	mutex_lock(&fb->lock);
	ready = fb->ready;
	mutex_unlock(&fb->lock);
	if (!ready)
		return false;

	/* Who learns of the device looks for its modes. */
	clear_bit(FBFRONT_NEWS_MODES, &fb->news);
	err = drm_dev_register(&fb->kms->drm, 0);
	if (err) {
		dev_err(&fb->xf.dev->dev, "cannot register with DRM: %d\n",
			err);
		return false;
	}
	fb->registered = true;
	drm_client_setup_with_fourcc(&fb->kms->drm, DRM_FORMAT_XRGB8888);
	return true;
}

/**
 * fbfront_kms_work() - tell users what is new, and draw what they have
 * @work: &fbfront.work
 *
 * Context: process; sleeps, and waits for users' commits.
 */
void fbfront_kms_work(struct work_struct *work)
{
	struct fbfront *fb = container_of(work, struct fbfront, work);

	if (READ_ONCE(fb->removing) || !have_users(fb))
		return;
	if (test_and_clear_bit(FBFRONT_NEWS_MODES, &fb->news))
		drm_kms_helper_hotplug_event(&fb->kms->drm);
	if (test_and_clear_bit(FBFRONT_NEWS_REDRAW, &fb->news))
		redraw(fb);
}

/**
 * fbfront_kms_unplug() - take the device away from its users
 * @fb: the screen, whose work does nothing any more
 *
 * When it returns nobody uses the screen.
 *
 * Context: process; sleeps.
 */
void fbfront_kms_unplug(struct fbfront *fb)
{
	if (!fb->registered)
		return;
	drm_dev_unplug(&fb->kms->drm);
	drm_atomic_helper_shutdown(&fb->kms->drm);
}
