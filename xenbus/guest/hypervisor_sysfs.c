// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/hypervisor: which hypervisor this is, and what it says of itself.
 *
 * Files and contents are those of a kernel that has Xen; programs look here to
 * learn that they run on it.
 */
#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <asm/xen/hypercall.h>
#include <xen/interface/features.h>
#include <xen/interface/version.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

#include "guest.h"

/* A build id's length that is believed. */
#define BUILD_ID_MAX	64

#define ATTR(name)	static struct kobj_attribute name##_attr = __ATTR_RO(name)

/* ------------------------------------------------------------------------
 * /sys/hypervisor itself
 */

static ssize_t type_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	return sysfs_emit(buf, "xen\n");
}
ATTR(type);

static ssize_t guest_type_show(struct kobject *kobj,
			       struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "HVM\n");
}
ATTR(guest_type);

/* A hypervisor that is old does not tell; in xenstore "vm" is a path. */
static ssize_t uuid_from_store(char *buf)
{
	char *vm, *uuid;
	ssize_t len;

	vm = xenbus_read(XBT_NIL, "vm", "", NULL);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	uuid = xenbus_read(XBT_NIL, vm, "uuid", NULL);
	kfree(vm);
	if (IS_ERR(uuid))
		return PTR_ERR(uuid);
	len = sysfs_emit(buf, "%s\n", uuid);
	kfree(uuid);
	return len;
}

static ssize_t uuid_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	xen_domain_handle_t uuid;

	if (HYPERVISOR_xen_version(XENVER_guest_handle, &uuid))
		return uuid_from_store(buf);
	return sysfs_emit(buf, "%pU\n", &uuid);
}
ATTR(uuid);

static struct attribute *main_attrs[] = {
	&type_attr.attr,
	&guest_type_attr.attr,
	&uuid_attr.attr,
	NULL
};

static const struct attribute_group main_group = {
	.attrs = main_attrs,
};

/* ------------------------------------------------------------------------
 * What is a text of the hypervisor's
 */

/**
 * struct text - a text of the hypervisor's
 * @attr:	its file
 * @cmd:	XENVER_*
 * @size:	of what @cmd fills in
 * @offset:	of the text in that
 * @len:	its size there; it may end before
 */
struct text {
	struct kobj_attribute attr;
	int cmd;
	size_t size;
	size_t offset;
	size_t len;
};

static ssize_t text_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	struct text *text = container_of(attr, struct text, attr);
	char *filled;
	int err;

	filled = kzalloc(text->size, GFP_KERNEL);
	if (!filled)
		return -ENOMEM;
	err = HYPERVISOR_xen_version(text->cmd, filled);
	if (!err)
		err = sysfs_emit(buf, "%.*s\n", (int)text->len,
				 filled + text->offset);
	kfree(filled);
	return err;
}

/* ------------------------------------------------------------------------
 * version/
 */

static ssize_t show_version(unsigned int shift, unsigned int mask, char *buf)
{
	int version = HYPERVISOR_xen_version(XENVER_version, NULL);

	if (version <= 0)
		return -ENODEV;
	return sysfs_emit(buf, "%u\n", version >> shift & mask);
}

static ssize_t major_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	return show_version(16, 0xffff, buf);
}
ATTR(major);

static ssize_t minor_show(struct kobject *kobj, struct kobj_attribute *attr,
			  char *buf)
{
	return show_version(0, 0xff, buf);
}
ATTR(minor);

static struct text extra = {
	.attr	= __ATTR(extra, 0444, text_show, NULL),
	.cmd	= XENVER_extraversion,
	.size	= XEN_EXTRAVERSION_LEN,
	.len	= XEN_EXTRAVERSION_LEN,
};

static struct attribute *version_attrs[] = {
	&major_attr.attr,
	&minor_attr.attr,
	&extra.attr.attr,
	NULL
};

static const struct attribute_group version_group = {
	.name = "version",
	.attrs = version_attrs,
};

/* ------------------------------------------------------------------------
 * compilation/
 */

static struct text compiler = {
	.attr	= __ATTR(compiler, 0444, text_show, NULL),
	.cmd	= XENVER_compile_info,
	.size	= sizeof(struct xen_compile_info),
	.offset	= offsetof(struct xen_compile_info, compiler),
	.len	= sizeof_field(struct xen_compile_info, compiler),
};

static struct text compiled_by = {
	.attr	= __ATTR(compiled_by, 0444, text_show, NULL),
	.cmd	= XENVER_compile_info,
	.size	= sizeof(struct xen_compile_info),
	.offset	= offsetof(struct xen_compile_info, compile_by),
	.len	= sizeof_field(struct xen_compile_info, compile_by),
};

static struct text compile_date = {
	.attr	= __ATTR(compile_date, 0444, text_show, NULL),
	.cmd	= XENVER_compile_info,
	.size	= sizeof(struct xen_compile_info),
	.offset	= offsetof(struct xen_compile_info, compile_date),
	.len	= sizeof_field(struct xen_compile_info, compile_date),
};

static struct attribute *compilation_attrs[] = {
	&compiler.attr.attr,
	&compiled_by.attr.attr,
	&compile_date.attr.attr,
	NULL
};

static const struct attribute_group compilation_group = {
	.name = "compilation",
	.attrs = compilation_attrs,
};

/* ------------------------------------------------------------------------
 * properties/
 */

static struct text capabilities = {
	.attr	= __ATTR(capabilities, 0444, text_show, NULL),
	.cmd	= XENVER_capabilities,
	.size	= XEN_CAPABILITIES_INFO_LEN,
	.len	= XEN_CAPABILITIES_INFO_LEN,
};

static struct text changeset = {
	.attr	= __ATTR(changeset, 0444, text_show, NULL),
	.cmd	= XENVER_changeset,
	.size	= XEN_CHANGESET_INFO_LEN,
	.len	= XEN_CHANGESET_INFO_LEN,
};

static ssize_t virtual_start_show(struct kobject *kobj,
				  struct kobj_attribute *attr, char *buf)
{
	struct xen_platform_parameters parameters;
	int err;

	err = HYPERVISOR_xen_version(XENVER_platform_parameters, &parameters);
	if (err)
		return err;
	return sysfs_emit(buf, "%lx\n", parameters.virt_start);
}
ATTR(virtual_start);

static ssize_t pagesize_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	int size = HYPERVISOR_xen_version(XENVER_pagesize, NULL);

	return size > 0 ? sysfs_emit(buf, "%x\n", size) : size;
}
ATTR(pagesize);

/* One number, its upper words first. */
static ssize_t features_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	struct xen_feature_info info;
	ssize_t len = 0;
	int i, err;

	for (i = XENFEAT_NR_SUBMAPS - 1; i >= 0; i--) {
		info.submap_idx = i;
		err = HYPERVISOR_xen_version(XENVER_get_features, &info);
		if (err)
			return err;
		len += sysfs_emit_at(buf, len, "%08x", info.submap);
	}
	return len + sysfs_emit_at(buf, len, "\n");
}
ATTR(features);

/* Binary. */
static ssize_t buildid_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	struct xen_build_id *id;
	int len;

	len = HYPERVISOR_xen_version(XENVER_build_id, NULL);
	if (len == -EPERM)
		return sysfs_emit(buf, "<denied>\n");
	if (len < 0)
		return len;
	if (len > BUILD_ID_MAX)
		return -ENOSPC;
	id = kzalloc(sizeof(*id) + len, GFP_KERNEL);
	if (!id)
		return -ENOMEM;
	id->len = len;
	/* It may be another one by now, but not a longer one than was said. */
	len = min(len, HYPERVISOR_xen_version(XENVER_build_id, id));
	if (len > 0)
		memcpy(buf, id->buf, len);
	kfree(id);
	return len;
}
ATTR(buildid);

static struct attribute *properties_attrs[] = {
	&capabilities.attr.attr,
	&changeset.attr.attr,
	&virtual_start_attr.attr,
	&pagesize_attr.attr,
	&features_attr.attr,
	&buildid_attr.attr,
	NULL
};

static const struct attribute_group properties_group = {
	.name = "properties",
	.attrs = properties_attrs,
};

static const struct attribute_group *groups[] = {
	&main_group,
	&version_group,
	&compilation_group,
	&properties_group,
	NULL
};

/* ------------------------------------------------------------------------
 * The folder
 */

static struct kobject *folder;

/* The kernel may have made it for hypervisors that it knows itself. */
static struct kobject *get_folder(void)
{
#ifdef CONFIG_SYS_HYPERVISOR
	return kobject_get(hypervisor_kobj);
#else
	return kobject_create_and_add("hypervisor", NULL);
#endif
}

/**
 * guest_hypervisor_sysfs_init() - show what hypervisor this is
 *
 * Context: module init.
 * Return: 0, or a negative errno.
 */
int guest_hypervisor_sysfs_init(void)
{
	int err;

	folder = get_folder();
	if (!folder)
		return -ENOMEM;
	err = sysfs_create_groups(folder, groups);
	if (err) {
		pr_err("xen-guest: no /sys/hypervisor: %d\n", err);
		kobject_put(folder);
	}
	return err;
}

/**
 * guest_hypervisor_sysfs_exit() - undo guest_hypervisor_sysfs_init()
 *
 * Context: module exit.
 */
void guest_hypervisor_sysfs_exit(void)
{
	sysfs_remove_groups(folder, groups);
	kobject_put(folder);
}
