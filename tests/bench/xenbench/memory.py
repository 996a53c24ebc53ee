# SPDX-License-Identifier: GPL-2.0-only
"""What an idle disk costs: free memory without it less free memory with it."""
import statistics

from xenbed import progress

ROUNDS = 5
PARAMS = "max_ring_page_order=4 max_indirect_segments=256"
SETTLE = "sync; echo 3 > /proc/sys/vm/drop_caches; echo 1 > /proc/sys/vm/compact_memory; sleep 1; "


def free(guest):
    """KiB, after what only waits to be freed has been."""
    return int(guest.run(SETTLE + "sed -n 's/^MemFree: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo").out)


def ring_order(guest):
    """What was really negotiated, so that nobody is measured with a smaller ring."""
    path = guest.run("cat /sys/bus/xen/devices/vbd-*/nodename").out.split()[0]
    return guest.dom0.read(f"/local/domain/{guest.id}/{path}/ring-page-order") or "0"


def measure(guest, make):
    """KiB of each round. The module is loaded all the time: its code is not the disk's."""
    used = make(guest, PARAMS)
    with progress.step(f"memory of an idle disk, {used.name}, {PARAMS}"):
        costs = []
        with used:
            order = ring_order(guest)
            for number in range(ROUNDS + 1):
                used.detach()
                without = free(guest)
                used.attach()
                # The first one pays for what is allocated once: slabs, sysfs.
                if number:
                    costs.append(without - free(guest))
    progress.say(f"{used.name}: {statistics.median(costs)} KiB (ring-page-order {order})")
    return costs
