/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _COMPAT_LINUX_IRQ_H
#define _COMPAT_LINUX_IRQ_H

#include_next <linux/irq.h>

/*
 * Newer kernels move an irq when they are told to, unless its chip says that it
 * has to wait for the next interrupt.  For older ones it is the irq that says
 * that it has not.
 */
#ifndef COMPAT_HAS_IRQCHIP_MOVE_DEFERRED
static inline void
compat_irq_set_chip_and_handler_name(unsigned int irq,
				     const struct irq_chip *chip,
				     irq_flow_handler_t handle,
				     const char *name)
{
	irq_set_chip_and_handler_name(irq, chip, handle, name);
	irq_set_status_flags(irq, IRQ_MOVE_PCNTXT);
}

#define irq_set_chip_and_handler_name	compat_irq_set_chip_and_handler_name
#endif

#endif /* _COMPAT_LINUX_IRQ_H */
