# SPDX-License-Identifier: GPL-2.0-only
"""Emulated disks and NICs of an HVM guest whose kernel knows nothing of Xen: taken away before their drivers come, or
left to them; never both."""
from xenbed import Disk, Nic, case

import _blkfront as blk
import _netfront as net
import _noxen as nox
from xenbed.nic import DOM0

EMULATED = {**nox.NOXEN, "disks": [Disk("hda", size="32M"), Disk("xvdb", size="16M")]}


def mark(host, disk):
    host.dom0.run(f"printf '%-16s' {disk.vdev} | dd of={disk.target} conv=notrunc status=none; sync")


def marked(guest, node):
    return guest.run(f"dd if=/dev/{node} bs=16 count=1 iflag=direct,fullblock status=none 2>/dev/null || head -c 16 /dev/{node}").out.strip()


@case(**EMULATED, nics=[Nic(model="e1000"), Nic(model="rtl8139")], load=["xen-blkfront", "xen-netfront"], long=True)
def taken_away(host, guest):
    "Emulated disks and cards are gone before their drivers are loaded; ours are there in their place."
    for disk in guest.disks:
        mark(host, disk)
    for node, name in (("xvda", "hda"), ("xvdb", "xvdb")):
        assert marked(guest, node) == name
    guest.run("modprobe -a ata_piix sd_mod e1000 8139cp 8139too; sleep 3; ! ls /sys/block | grep -q '^[sh]d'")
    interfaces = sorted(guest.run("ls /sys/class/net | grep -v -e ^lo$ -e ^sit").out.split())
    assert interfaces == sorted(guest.interface(nic) for nic in (0, 1)), interfaces
    assert "8086:100e" not in guest.run("lspci -n").out
    for nic in (0, 1):
        net.ping(guest, DOM0, f"-c 3 -i 0.2 -W 3 -I {guest.interface(nic)}")


NEVER = {**EMULATED, "nics": [Nic(model="e1000", address=False)], "load": [], "module_params": {"xen-guest": "unplug=never"}}


def emulated_only(guest):
    """The emulated disk is what it was, and nothing paravirtual is beside it."""
    guest.wait_for("test -b /dev/sda", what="the emulated disk")
    assert marked(guest, "sda") == "hda"
    assert not guest.run("ls /sys/block | grep xvd", check=False).out
    drivers = guest.run("for i in /sys/class/net/*/device/driver; do basename $(readlink $i); done").out.split()
    assert drivers == ["e1000"], drivers


@case(**NEVER, long=True)
def never(host, guest):
    "unplug=never: emulated disk and card stay, there are no paravirtual ones, and the log says why."
    for disk in guest.disks:
        mark(host, disk)
    guest.run("modprobe -a ata_piix sd_mod e1000; modprobe -a xen-blkfront xen-netfront; sleep 3")
    emulated_only(guest)
    assert nox.lines(guest, "xen-guest: .*unplug=never"), nox.lines(guest, "xen-guest")


@case(**NEVER, agent_console="serial", long=True)
def in_use(host, guest):
    "What an emulated device's driver holds is left alone, no paravirtual twin is offered, and a line says what to do."
    for disk in guest.disks:
        mark(host, disk)
    nox.unload(guest)
    guest.run("modprobe -a e1000 ata_piix sd_mod; sleep 2")
    # As on a machine where our modules come too late.
    guest.run("modprobe xen-guest unplug=ide-disks,nics; modprobe -a xen-blkfront xen-netfront; sleep 3")
    emulated_only(guest)
    for driver in ("ata_piix", "e1000"):
        assert len(nox.lines(guest, f"driver {driver} has emulated .*: load xen-guest before it")) == 1, nox.lines(guest, "driver")


@case(**EMULATED, long=True, load=[], module_params={"xen-guest": "unplug=nonsense"}, agent_console="serial")
def nonsense(host, guest):
    "A word that nobody knows in unplug= is named."
    assert nox.lines(guest, "nonsense"), nox.lines(guest, "xen.guest")
