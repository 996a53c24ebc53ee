# SPDX-License-Identifier: GPL-2.0-only
"""Counters read before and after a fio job: interrupts, notifications, requests, sectors."""
import re

from . import driver

# The order in which a sample lists them; the table and the CSV use the same names.
NAMES = ("guest_interrupts", "backend_interrupts", "notifications", "requests", "sectors", "held_up")
MEANING = {
    "guest_interrupts": "interrupts of the vbd in the guest",
    "backend_interrupts": "interrupts of xen-blkback in dom0",
    "notifications": "notifications sent by the driver (its own counter; in-tree has none)",
    "requests": "requests as xen-blkback saw them",
    "sectors": "sectors of 512 bytes per request",
    "held_up": "requests xen-blkback had no memory for at first",
}
IRQ = re.compile(r"^\s*\d+:\s+((?:\d+\s+)+)(.*)$", re.M)


def interrupts(text, ours):
    """Of /proc/interrupts, the event channels that ours(words of the line) takes; the last word is the name."""
    total = 0
    for numbers, rest in IRQ.findall(text):
        if "xen-dyn" in rest and ours(rest.split()):
            total += sum(map(int, numbers.split()))
    return total


def _named(*names):
    return lambda words: any(name in words or words[-1].endswith(name) for name in names)


class Counts:
    """Reads all counters of one disk; made anew for each driver."""

    def __init__(self, guest):
        self.guest, self.dom0 = guest, guest.dom0
        self.statistics = f"/sys/bus/xen-backend/devices/vbd-{guest.id}-*/statistics"

    def read(self):
        guest = self.guest.run(f"cat /proc/interrupts; echo ---; cat {driver.DEBUGFS}/vbd-*/state 2>/dev/null; true").out
        here, _, state = guest.partition("---\n")
        dom0 = self.dom0.run("cat /proc/interrupts; echo ---; cd " + self.statistics +
                             " && grep . rd_req wr_req f_req ds_req rd_sect wr_sect oo_req").out
        backend, _, text = dom0.partition("---\n")
        value = {name: int(n) for name, n in re.findall(r"^(\w+):(-?\d+)$", text, re.M)}
        sent = [int(n) for n in re.findall(r"notifications (\d+)", state)]
        return {
            # In-tree names its irq blkif, ours after the disk.
            "guest_interrupts": interrupts(here, _named("blkif", driver.DISK)),
            "backend_interrupts": interrupts(backend, _named("blkif-backend", "xen-blkback")),
            "notifications": sum(sent) if sent else None,
            "requests": value["rd_req"] + value["wr_req"] + value["f_req"] + value["ds_req"],
            "sectors": value["rd_sect"] + value["wr_sect"],
            "held_up": value["oo_req"],
        }


def per_io(before, after, ios):
    """What one I/O took; sectors are per request, None where a driver does not count."""
    delta = {name: None if after[name] is None else after[name] - (before[name] or 0) for name in NAMES}
    result = {name: None if count is None else count / ios for name, count in delta.items()}
    result["sectors"] = delta["sectors"] / delta["requests"] if delta["requests"] else None
    return result
