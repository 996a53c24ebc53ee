# SPDX-License-Identifier: GPL-2.0-only
"""What in a log means that something broke."""
import re

# Guests and dom0: Linux.
KERNEL = re.compile(
    r"\bBUG:|kernel BUG at|\bWARNING: |WARN(?:ING)?_ON|\bOops\b|general protection fault|Unable to handle kernel|"
    r"unable to handle page fault|Kernel panic|Call Trace:|INFO: task .* blocked for more than|"
    r"INFO: rcu.* detected stall|rcu: INFO: |soft lockup|hard LOCKUP|possible circular locking|"
    r"possible recursive locking|inconsistent lock state|suspicious RCU usage|sleeping function called|"
    r"scheduling while atomic|list_(?:add|del) corruption|refcount_t: |KASAN: |UBSAN: |KCSAN: |kmemleak: .*new suspected|"
    r"bad page state|Bad page map|Out of memory: Killed process|irq \d+: nobody cared|double fault|"
    r"unregister_netdevice: waiting for|No irq handler for vector")
# The hypervisor.
XEN = re.compile(
    r"\(XEN\).*(?:domain_crash|Domain \d+ \(vcpu#\d+\) crashed|Panic on CPU|FATAL|Assertion .* failed|Xen BUG|Xen WARN|"
    r"Bad grant reference|bad or stale grant|grant table .*overflow|\bd\d+v\d+ .*(?:fault|crash|triple))", re.I)
# What the emulated machine itself says at every boot.
KNOWN = re.compile(
    r"\(XEN\).*(?:mtrr: your CPUs had inconsistent|MTRR)|dom0 ready|"
    # an unfixable property of TCG: slow, so the kernel's own clock watchdog complains
    r"clocksource: |hpet|tsc: ")
CONTEXT = 12


def bad_lines(text, expected=(), xen=False):
    """[(line number, line)] of what is neither harmless nor declared by the case."""
    allowed = [re.compile(e) for e in expected]
    found = []
    for number, line in enumerate(text.splitlines()):
        if not (KERNEL.search(line) or xen and XEN.search(line)):
            continue
        if KNOWN.search(line) or any(a.search(line) for a in allowed):
            continue
        found.append((number, line.rstrip()))
    return found


def excerpt(text, found):
    """The lines around the first finding."""
    lines = text.splitlines()
    number = found[0][0]
    return "\n".join(line.rstrip() for line in lines[max(0, number - 3):number + CONTEXT])


def tail(text, lines=25):
    return "\n".join(line.rstrip() for line in text.splitlines()[-lines:])
