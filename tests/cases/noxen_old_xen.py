# SPDX-License-Identifier: GPL-2.0-only
"""What an older Xen does not have, left alone by a parameter: events by one interrupt line, two-level event channels."""
from xenbed import case

import _blkfront as blk
import _noxen as nox

OLD = ["vector=0", "fifo=0", "vector=0 fifo=0"]


def runs(host, guest, options):
    for option in options.split():
        name, value = option.split("=")
        assert guest.run(f"cat /sys/module/xen_guest/parameters/{name}").out.strip() == {"0": "N", "1": "Y"}[value]
    nox.at_work(host, guest)
    load = blk.verified_load(guest)
    load.wait(1)
    guest.save()
    guest.restore()
    load.wait(1)
    load.stop()
    nox.at_work(host, guest)
    counts = nox.interrupts(guest, " xvdb")
    assert sum(counts) > 100, counts
    if "vector=0" in options:
        assert not sum(counts[1:]), f"only vCPU 0 can be interrupted: {counts}"
    nox.sound(guest)


def declare(options, vcpus):
    """One case each: a guest's description is the case's own."""
    def old(host, guest):
        "Disk, network, and saving and restoring the way that an older Xen has."
        runs(host, guest, options)
    old.__name__ = "without_" + options.replace("=0", "").replace(" ", "_") + f"_{vcpus}"
    case(**nox.DEVICES, vcpus=vcpus, module_params={"xen-guest": options}, long=True)(old)


for one in OLD:
    for number in (1, 4):
        declare(one, number)


@case(guest=False, cpus=3, long=True)
def queues_scale(host):
    "With a vector on each vCPU every queue's interrupts come to its own."
    # By itself the backend offers as many as dom0 has vCPUs.
    queues = "/sys/module/xen_blkback/parameters/max_queues"
    before = host.dom0.run(f"cat {queues}").out.strip()
    host.dom0.run(f"echo 4 > {queues}")
    try:
        guest = host.guest(**nox.DEVICES, vcpus=4).start()
    finally:
        host.dom0.run(f"echo {before} > {queues}")
    for cpu in range(4):
        guest.run(f"taskset -c {cpu} fio --name=r --filename=/dev/xvdb --rw=randread --bs=4k --size=2M --direct=1 --minimal > /dev/null")
    counts = nox.interrupts(guest, " xvdb")
    assert len(counts) == 4 and min(counts) > 100, guest.run("cat /proc/interrupts").out
    nox.sound(guest)
