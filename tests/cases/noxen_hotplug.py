# SPDX-License-Identifier: GPL-2.0-only
"""Devices and processors that come and go in a guest whose kernel knows nothing of Xen; and our modules themselves."""
from xenbed import Disk, Nic, case, progress

import _blkfront as blk
import _netfront as net
import _noxen as nox
from _guest import mapped_grants


@case(**nox.DEVICES, long=True)
def disks_and_nics(host, guest):
    "A disk and a NIC are attached, used and detached, five times."
    before = None
    for _ in range(5):
        disk = guest.attach_disk(Disk("xvdc", size="32M"))
        guest.wait_for("test -b /dev/xvdc", what="/dev/xvdc")
        guest.run("dd if=/dev/urandom of=/dev/xvdc bs=1M count=8 oflag=direct status=none")
        assert blk.sha256(guest, "/dev/xvdc", 8, "iflag=direct") == blk.sha256(host.dom0, disk.file, 8)
        nic = guest.attach_nic(Nic())
        guest.nics.configure(nic)
        assert guest.detach_nic(nic)
        assert guest.detach_disk(disk)
        nox.wait_until(lambda: guest.run("ls /sys/bus/xen/devices").out.split() == ["vbd-51728", "vif-0", "vkbd-0"],
                       lambda: guest.run("ls /sys/bus/xen/devices").out)
        now = nox.granted_pages(guest)
        before = before or now
        assert now <= before, f"{now} grants in use, {before} after the first time"
    nox.at_work(host, guest)
    nox.sound(guest)


@case(**nox.DEVICES, vcpus=4, long=True)
def processors(host, guest):
    "Processors go offline and come back under load; interrupts move, and nothing is lost."
    load = blk.verified_load(guest)
    for turn in range(3):
        for cpu in (3, 2, 1):
            guest.run(f"echo 0 > /sys/devices/system/cpu/cpu{cpu}/online")
            load.wait(1)
        for cpu in (1, 2, 3):
            guest.run(f"echo 1 > /sys/devices/system/cpu/cpu{cpu}/online")
        load.wait(1)
    load.stop()
    nox.at_work(host, guest)
    nox.sound(guest)


LOAD = "modprobe -a xen-guest xen-console xen-blkfront xen-netfront xen-kbdfront"
# In the guest, for its serial port is slow: $1 times.
RELOAD = f"""
for turn in $(seq $1); do
    {LOAD} || exit
    n=0
    until [ -b /dev/xvdb ] && ip link set eth0 up 2> /dev/null; do
        n=$((n + 1)); [ $n -lt 300 ] || {{ echo no xvdb or no eth0, turn $turn; exit 1; }}; sleep 0.2
    done
    dd if=/dev/xvdb of=/dev/null bs=64k count=4 iflag=direct status=none || exit
    {nox.UNLOAD}
    [ ! -e /sys/module/xen_guest ] || {{ echo xen-guest is still there, turn $turn; exit 1; }}
    echo $turn
done
"""


@case(**{**nox.DEVICES, "load": []}, agent_console="serial", long=True)
def a_hundred_reloads(host, guest):
    "All of our modules go and come a hundred times; no grant, no mapping and no memory is left behind."
    nox.unload(guest)
    guest.run("test ! -d /sys/bus/xen && test ! -d /sys/hypervisor/type")
    guest.push(RELOAD, "/tmp/reload")
    # Xenstore's and the console's pages, which the toolstack made.
    given, sums = mapped_grants(host, guest.id), []
    for _ in range(5):
        guest.run("sh /tmp/reload 20")
        nox.wait_until(lambda: mapped_grants(host, guest.id) <= given,
                       lambda: f"{mapped_grants(host, guest.id)} mapped, {given} before", 30)
        guest.run("sync; echo 3 > /proc/sys/vm/drop_caches; sleep 2")
        sums.append(int(guest.run("awk '/^MemAvailable/ { print $2 }' /proc/meminfo").out))
        progress.say(f"    {20 * len(sums)} reloads, {sums[-1]} KiB of memory available")
    assert min(sums[1:]) > sums[0] - 4096, f"available memory in KiB after 20, 40 ... reloads: {sums}"
    guest.run(LOAD)
    guest.wait_for("test -b /dev/xvdb", what="/dev/xvdb")
    guest.nics.configure(0)
    nox.at_work(host, guest)
    nox.sound(guest)


# Parameters, and what the log says then.
TURNS = (("fifo=0", "2-level event channels", "a vector of each vCPU"),
         ("", "FIFO event channels", "a vector of each vCPU"),
         ("vector=0", "vector=0 comes too late", "FIFO event channels", "a vector of each vCPU"))


@case(**{**nox.DEVICES, "load": []}, vcpus=2, agent_console="serial", long=True)
def other_parameters(host, guest):
    "Loaded again, the module begins anew: with other event channels if that is wanted; vectors stay, and it says so."
    for options, *wanted in TURNS:
        nox.unload(guest)
        since = nox.log_length(guest)
        guest.run(f"modprobe xen-guest {options} && modprobe -a xen-console xen-blkfront xen-netfront")
        for text in wanted:
            assert nox.lines(guest, text, since), guest.run(f"dmesg | tail -n +{since + 1}").out
        guest.wait_for("test -b /dev/xvdb", what="/dev/xvdb")
        guest.nics.configure(0)
        nox.at_work(host, guest)
    nox.sound(guest)
