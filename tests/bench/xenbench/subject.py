# SPDX-License-Identifier: GPL-2.0-only
"""What is measured: the disk, or the network. Each with its drivers, its jobs and its counters."""
from . import counts, driver, fio, machine, netcounts, netrow


class Block:
    title, each = "disk", "I/O"
    names, meaning = counts.NAMES, counts.MEANING
    intree, ours = staticmethod(driver.intree), staticmethod(driver.ours)
    counters = counts.Counts
    digits = 0

    @staticmethod
    def job(guest, row, seconds, counters):
        """(figure, I/Os, counts per I/O); without counters on the floor."""
        device = driver.DISK if counters else machine.FLOOR.rsplit("/", 1)[-1]
        before = counters.read() if counters else None
        result = fio.run(guest, row, f"/dev/{device}", seconds)
        return row.value(result), result.ios, counts.per_io(before, counters.read(), result.ios) if counters else {}


class Net:
    title, each = "network", "packet"
    names, meaning = netcounts.NAMES, netcounts.MEANING
    intree, ours = staticmethod(driver.net_intree), staticmethod(driver.net_ours)
    counters = netcounts.Counts
    digits = 2

    @staticmethod
    def job(guest, row, seconds, counters):
        before = counters.read() if counters else None
        value = netrow.run(guest, row, seconds, floor=not counters)
        return value, *(netcounts.delta(before, counters.read()) if counters else (0, {}))


def of(row):
    return Net if isinstance(row, netrow.NetRow) else Block
