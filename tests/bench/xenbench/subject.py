# SPDX-License-Identifier: GPL-2.0-only
"""What is measured: the disk, or the network. Each with its drivers, its jobs and its counters."""
from . import counts, driver, fio, machine, netcounts, netgrants, netrow


class Block:
    title, each = "disk", "I/O"
    names, meaning = counts.NAMES, counts.MEANING
    intree, ours = staticmethod(driver.intree), staticmethod(driver.ours)
    counters = counts.Counts
    digits = 0
    apart = {}              # what is counted in a pass of its own: name -> function of guest, row, seconds

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

    @staticmethod
    def grants(guest, row, seconds):
        """For each packet."""
        counters = netcounts.Counts(guest)
        with netgrants.Grants(guest) as grants:
            before, first = counters.read(), grants.read()
            netrow.run(guest, row, seconds)
            count, (packets, _) = grants.read() - first, netcounts.delta(before, counters.read())
        return count / max(packets, 1)


Net.apart = {"grants": Net.grants}


def of(row):
    return Net if isinstance(row, netrow.NetRow) else Block
