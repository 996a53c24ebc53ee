// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory that the backend shows.  It stays the same while backends come
 * and go, and users draw there whether or not there is one.
 */
#include <linux/gfp.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <xen/page.h>
#include <xenfront.h>

#include "fbfront.h"

/* Frames in a directory; what the backend calls a page is Xen's. */
#define FRAMES		(XEN_PAGE_SIZE / sizeof(unsigned long))

static void free_pages_of(struct fbfront_screen *screen)
{
	unsigned int i;

	for (i = 0; screen->directories && i < screen->nr_directories; i++)
		free_page((unsigned long)screen->directories[i]);
	kfree(screen->directories);
	vfree(screen->memory);
}

/**
 * fbfront_screen_create() - allocate a black screen
 * @screen:	filled in
 * @size:	in bytes, a multiple of a page
 *
 * Context: process; sleeps.
 * Return: 0, or -ENOMEM with nothing left behind.
 */
int fbfront_screen_create(struct fbfront_screen *screen, size_t size)
{
	unsigned int i;

	memset(screen, 0, sizeof(*screen));
	screen->size = size;
	screen->nr_directories = DIV_ROUND_UP(size / XEN_PAGE_SIZE, FRAMES);
	screen->memory = vzalloc(size);
	screen->directories = kcalloc(screen->nr_directories,
				      sizeof(*screen->directories),
				      GFP_KERNEL);
	if (!screen->memory || !screen->directories)
		goto err_free;
	for (i = 0; i < screen->nr_directories; i++) {
		screen->directories[i] = (void *)get_zeroed_page(GFP_KERNEL);
		if (!screen->directories[i])
			goto err_free;
	}
	return 0;

err_free:
	free_pages_of(screen);
	memset(screen, 0, sizeof(*screen));
	return -ENOMEM;
}

/**
 * fbfront_screen_destroy() - free a screen, if that is safe
 * @screen: the screen, in which nobody draws any more; may be none
 *
 * A frame that is used for something else while another domain has it mapped
 * shows that domain what is none of its business; and in a PV guest it cannot
 * become a page table, which the kernel does not survive.
 *
 * Context: process; sleeps.
 */
void fbfront_screen_destroy(struct fbfront_screen *screen)
{
	if (!screen->mapped && !screen->abandoned)
		free_pages_of(screen);
	memset(screen, 0, sizeof(*screen));
}

static unsigned long frame_of(const void *memory, size_t offset)
{
	struct page *page = vmalloc_to_page(memory + offset);

	return xen_page_to_gfn(page) +
	       (offset_in_page(offset) >> XEN_PAGE_SHIFT);
}

/**
 * fbfront_screen_publish() - tell the backend where the screen is
 * @screen:	the screen
 * @page:	the shared page, which it does not know yet
 *
 * In a PV guest frames have other numbers after each resume.
 *
 * Context: process.
 */
void fbfront_screen_publish(const struct fbfront_screen *screen,
			    struct xenfb_page *page)
{
	size_t i, nr = screen->size / XEN_PAGE_SIZE;

	for (i = 0; i < nr; i++)
		screen->directories[i / FRAMES][i % FRAMES] =
			frame_of(screen->memory, i * XEN_PAGE_SIZE);
	for (i = 0; i < screen->nr_directories; i++)
		page->pd[i] = virt_to_gfn(screen->directories[i]);
	page->mem_length = screen->size;
}

/**
 * fbfront_screen_mode_valid() - can the backend show a mode?
 * @fb:		the screen
 * @mode:	the mode
 *
 * Context: process; sleeps.
 * Return: whether it can; a backend that cannot resize knows only what it was
 *	offered.
 */
bool fbfront_screen_mode_valid(struct fbfront *fb,
			       const struct fbfront_mode *mode)
{
	bool valid;

	mutex_lock(&fb->lock);
	valid = fbfront_mode_fits(fb, mode) &&
		(fb->config.resize || fbfront_mode_is(mode, &fb->offered));
	mutex_unlock(&fb->lock);
	return valid;
}

static void update_all(struct fbfront *fb)
{
	struct drm_rect all = DRM_RECT_INIT(0, 0, fb->mode.width,
					    fb->mode.height);

	fbfront_events_update(fb, &all);
}

/**
 * fbfront_screen_show() - have the backend show another mode
 * @fb:		the screen
 * @mode:	the mode, which was valid
 *
 * A backend may have come since that cannot show it.  Then nothing is drawn
 * until users have learnt of that.
 *
 * Context: process; sleeps.
 */
void fbfront_screen_show(struct fbfront *fb, const struct fbfront_mode *mode)
{
	mutex_lock(&fb->lock);
	fb->mode = *mode;
	if (fbfront_mode_fits(fb, mode)) {
		/* What is there has lines of another length. */
		memset(fb->screen.memory, 0, fbfront_mode_size(mode));
		if (fb->config.resize)
			fbfront_events_resize(fb, mode);
		else if (!fbfront_mode_is(mode, &fb->offered))
			xenfront_kick(&fb->xf);
		update_all(fb);
	}
	mutex_unlock(&fb->lock);
	fbfront_events_flush(fb);
}

/**
 * fbfront_screen_blank() - make the screen black
 * @fb: the screen
 *
 * Context: process; sleeps.
 */
void fbfront_screen_blank(struct fbfront *fb)
{
	mutex_lock(&fb->lock);
	if (fbfront_mode_fits(fb, &fb->mode)) {
		memset(fb->screen.memory, 0, fbfront_mode_size(&fb->mode));
		update_all(fb);
	}
	mutex_unlock(&fb->lock);
	fbfront_events_flush(fb);
}

/**
 * fbfront_screen_refresh() - have the backend look at the whole screen
 * @fb: the screen
 *
 * Context: process; sleeps.
 */
void fbfront_screen_refresh(struct fbfront *fb)
{
	mutex_lock(&fb->lock);
	if (fbfront_mode_fits(fb, &fb->mode))
		update_all(fb);
	mutex_unlock(&fb->lock);
	fbfront_events_flush(fb);
}
