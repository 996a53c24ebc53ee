# SPDX-License-Identifier: GPL-2.0-only
"""Counters read before and after a network row: interrupts, notifications, ring slots, packets."""
import re

from . import counts, driver

NAMES = ("guest_interrupts", "backend_interrupts", "notifications", "slots", "grants", "size", "dropped")
MEANING = {
    "guest_interrupts": "interrupts of the vif in the guest",
    "backend_interrupts": "interrupts of xen-netback in dom0",
    "notifications": "notifications sent by the driver (its own counter; in-tree has none)",
    "slots": "ring slots used, both ways",
    "grants": "grants given and taken back by the driver (counted in a pass of its own)",
    "size": "bytes in a packet as it crosses the ring (large ones are segmented by nobody here)",
    "dropped": "packets that dom0's vif dropped",
}
RING = re.compile(r"\b[RT]X: nr_ents.*?rsp prod\D*(\d+)", re.S)
STATISTICS = ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_dropped", "tx_dropped")


class Counts:
    """Reads all counters of one vif; made anew for each driver. dom0's rx is the guest's tx."""

    def __init__(self, guest):
        self.guest, self.dom0 = guest, guest.dom0
        self.vif, self.interface = guest.vif(0), guest.interface(0)
        self.bus = f"vif-{guest.nics.handle(0)}"
        # Our irqs are named by the bus, in-tree's by their own idea of it.
        self.irqs = (self.interface, self.bus, f"vif{guest.nics.handle(0)}-q")

    def read(self):
        guest = self.guest.run(f"cat /proc/interrupts; echo ---; cat {driver.DEBUGFS}/{self.bus}/state 2>/dev/null; true").out
        interrupts, _, state = guest.partition("---\n")
        dom0 = self.dom0.run(f"cat /proc/interrupts; echo ---; cd /sys/class/net/{self.vif}/statistics && grep . "
                             f"{' '.join(STATISTICS)}; "
                             f"cat /sys/kernel/debug/xen-netback/{self.vif}/io_ring_q* 2>/dev/null; true").out
        backend, _, text = dom0.partition("---\n")
        value = {name: int(n) for name, n in re.findall(r"^(\w+):(\d+)$", text, re.M)}
        sent = [int(n) for n in re.findall(r"notifications (\d+)", state)]
        rings = [int(n) for n in RING.findall(text)]
        return {
            "guest_interrupts": counts.interrupts(interrupts, lambda words: words[-1].startswith(self.irqs)),
            "backend_interrupts": counts.interrupts(backend, lambda words: words[-1].startswith(self.vif)),
            "notifications": sum(sent) if sent else None,
            "slots": sum(rings) if rings else None,
            **value,
        }


def delta(before, after):
    """What one packet took; a packet is what crosses the ring in the direction that has more of them."""
    change = {name: None if after[name] is None else after[name] - (before[name] or 0) for name in after}
    out, into = change["rx_bytes"], change["tx_bytes"]
    packets = change["rx_packets"] if out >= into else change["tx_packets"]
    result = {name: None if change[name] is None else change[name] / max(packets, 1)
              for name in ("guest_interrupts", "backend_interrupts", "notifications", "slots")}
    result["grants"] = None         # see Net.grants
    result["size"] = max(out, into) / max(packets, 1)
    result["dropped"] = (change["rx_dropped"] + change["tx_dropped"]) / max(packets, 1)
    return packets, result
