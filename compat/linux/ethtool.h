/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_LINUX_ETHTOOL_H
#define _COMPAT_LINUX_ETHTOOL_H

#include <linux/version.h>
#include_next <linux/ethtool.h>

/*
 * Since 6.8 RSS parameters come as one structure.  These make of functions
 * that take it some that older kernels call; COMPAT_RXFH_OP() names the right
 * one.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
struct ethtool_rxfh_param {
	u8	hfunc;
	u32	*indir;
	u8	*key;
	u8	input_xfrm;
};

#define COMPAT_GET_RXFH(get)						\
static int get##_compat(struct net_device *netdev, u32 *indir, u8 *key,	\
			u8 *hfunc)					\
{									\
	struct ethtool_rxfh_param param = { .indir = indir, .key = key };\
	int err = get(netdev, &param);					\
									\
	if (!err && hfunc)						\
		*hfunc = param.hfunc;					\
	return err;							\
}

#define COMPAT_SET_RXFH(set)						\
static int set##_compat(struct net_device *netdev, const u32 *indir,	\
			const u8 *key, const u8 hfunc)			\
{									\
	struct ethtool_rxfh_param param = {				\
		.hfunc = hfunc,						\
		.indir = (u32 *)indir,					\
		.key = (u8 *)key,					\
	};								\
									\
	return set(netdev, &param, NULL);				\
}

#define COMPAT_RXFH_OP(op)	op##_compat
#else
#define COMPAT_GET_RXFH(get)
#define COMPAT_SET_RXFH(set)
#define COMPAT_RXFH_OP(op)	op
#endif

/*
 * Since 6.17, and some stable kernels before, which fields are hashed has its
 * own operations; until then it came by get_rxnfc() and set_rxnfc().  Kbuild
 * looks which it is.
 */
#ifndef COMPAT_HAS_RXFH_FIELDS
struct ethtool_rxfh_fields {
	u32	data;
	u32	flow_type;
};

#define COMPAT_RXFH_FIELDS_OPS(get, set)
#else
#define COMPAT_RXFH_FIELDS_OPS(get, set)	\
	.get_rxfh_fields = (get),		\
	.set_rxfh_fields = (set),
#endif

/* Likewise how many rings there are. */
#ifndef COMPAT_HAS_RX_RING_COUNT
#define COMPAT_RX_RING_COUNT_OP(get)
#else
#define COMPAT_RX_RING_COUNT_OP(get)	.get_rx_ring_count = (get),
#endif

#endif /* _COMPAT_LINUX_ETHTOOL_H */
