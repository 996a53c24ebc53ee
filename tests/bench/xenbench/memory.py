# SPDX-License-Identifier: GPL-2.0-only
"""What an idle disk costs: free memory with the disk unbound less free memory with it bound."""
import statistics

from xenbed import progress
from xenbed.mux import CommandFailed

PARAMS = "max_ring_page_order=4 max_indirect_segments=256"
SETTLE = "sync; echo 3 > /proc/sys/vm/drop_caches; echo 1 > /proc/sys/vm/compact_memory; sleep 1; "


def free(guest):
    """KiB, after what only waits to be freed has been."""
    return int(guest.run(SETTLE + "sed -n 's/^MemFree: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo").out)


def ring_order(guest):
    """What was really negotiated, so that nobody is measured with a smaller ring."""
    path = guest.run("cat /sys/bus/xen/devices/vbd-*/nodename").out.split()[0]
    return guest.dom0.read(f"/local/domain/{guest.id}/{path}/ring-page-order") or "0"


def measure(guest, make, rounds):
    """KiB of each round. The module is loaded all the time: its code is not the disk's."""
    used = make(guest, PARAMS)
    with progress.step(f"memory of an idle disk, {used.name}, {PARAMS}"):
        costs = []
        with used:
            order = ring_order(guest)
            for _ in range(rounds):
                used.unbind()
                without = free(guest)
                try:
                    used.bind()
                except CommandFailed as error:
                    raise CommandFailed(f"{used.name} with {PARAMS}", "bind", error.result) from None
                costs.append(without - free(guest))
    progress.say(f"{used.name}: {statistics.median(costs)} KiB (ring-page-order {order})")
    return costs
