# SPDX-License-Identifier: GPL-2.0-only
"""What a toolstack does with a guest whose kernel knows nothing of Xen: it ends, restarts, is saved, and moves."""
from xenbed import Disk, Nic, case

import _blkfront as blk
import _kexec as kexec
import _netfront as net
import _noxen as nox

BUSY = {**nox.NOXEN, "memory": 512, "disks": [Disk("xvdb", size="64M"), Disk("xvdc", size="96M")], "nics": [Nic()]}
NEXT = {**nox.DEVICES, "memory": 768, "disks": [*nox.DEVICES["disks"], kexec.disk()]}
LEFT = "has left its event channels"


@case(**BUSY, vcpus=[1, 4], long=True)
def save_and_restore(host, guest):
    "Saved and restored, and saved and gone on (xl save -c), while data is verified, files are written and TCP flows."
    with blk.Uninterrupted(guest, 1) as disks, net.Uninterrupted(guest, 1) as flow:
        host.dom0.run(f"xl save -c {guest.name} /scratch/checkpoint && rm /scratch/checkpoint")
        disks.load.wait(1)
        flow.stream.wait(1)
        before = guest.id
        guest.save()
        guest.restore()
        assert guest.id != before
        disks.files.wait(1)
    nox.all_ours(guest, {kind: nox.KINDS[kind] for kind in ("vbd", "vif")})
    if guest.vcpus > 1:
        # Every processor has its interrupts again.
        assert guest.run("cat /sys/devices/system/cpu/online").out.strip() == f"0-{guest.vcpus - 1}"
    nox.sound(guest)


@case(**BUSY, vcpus=[1, 4], long=True)
def migrate(host, guest):
    "Live migration to the same host, twice, under load."
    with blk.Uninterrupted(guest, 2) as disks, net.Uninterrupted(guest, 2):
        for _ in range(2):
            before = guest.id
            guest.migrate()
            assert guest.id != before
            disks.load.wait(1)
    nox.sound(guest)


@case(**nox.NOXEN, vcpus=2, long=True)
def ten_times(host, guest):
    "Saved and restored ten times in a row; xenstore answers each time, and nothing piles up."
    guest.run("modprobe xen-kbdfront")
    grants = []
    for turn in range(10):
        guest.save()
        guest.restore()
        assert guest.run("xenstore-read domid").out.strip() == str(guest.id)
        nox.wait_until(lambda: guest.run("cat /sys/bus/xen/devices/vkbd-0/state").out == "Connected\n", "the keyboard connects")
        grants.append(nox.granted_pages(guest))
    assert grants[-1] == grants[1], f"grants in use after each: {grants}"
    nox.sound(guest)


@case(**nox.NOXEN, long=True)
def reboot(host, guest):
    "xl reboot: the guest's own reboot runs."
    host.dom0.run(f"xl reboot {guest.name}")
    nox.wait_until(lambda: "reboot: Restarting system" in guest.log, "it restarts", 120)
    nox.wait_until(lambda: not guest.state, "the domain is gone (on_reboot=destroy)", 60)


@case(**nox.NOXEN, long=True)
def halt(host, guest):
    "A halt asked for in xenstore is a poweroff, as with the kernel's own."
    host.dom0.write(f"/local/domain/{guest.id}/control/shutdown", "halt")
    nox.wait_until(lambda: "reboot: Power down" in guest.log, "it goes down", 120)


@case(**nox.NOXEN, long=True)
def sysrq(host, guest):
    "xl sysrq is heard; what is asked for is told the toolstack (control/feature-*)."
    guest.run("echo 1 > /proc/sys/kernel/sysrq")
    host.dom0.run(f"xl sysrq {guest.name} h")
    nox.wait_until(lambda: nox.lines(guest, "sysrq: HELP"), "sysrq is heard")
    assert host.dom0.read(f"/local/domain/{guest.id}/control/sysrq") in ("", None)
    for feature in ("poweroff", "reboot", "suspend"):
        assert host.dom0.read(f"/local/domain/{guest.id}/control/feature-{feature}") == "1", feature


@case(**nox.NOXEN, long=True, expect=[r"control/shutdown"])
def nonsense(host, guest):
    "Words that nobody knows in control/shutdown are named in the log, and change nothing."
    host.dom0.write(f"/local/domain/{guest.id}/control/shutdown", "frobnicate")
    nox.wait_until(lambda: nox.lines(guest, "frobnicate"), "the word is named")
    assert guest.run("echo here").out == "here\n"
    guest.shutdown()


@case(**NEXT, vcpus=[1, 4], long=True)
def another_kernel(host, guest):
    "kexec, twice: the next kernel has disk, network and keyboard, and finds nothing of the one before."
    for _ in range(2):
        kexec.load(host, guest)
        kexec.execute(guest)
        nox.all_ours(guest, nox.KINDS)
        nox.at_work(host, guest)
        assert not nox.lines(guest, LEFT), nox.lines(guest, LEFT)
        assert not nox.lines(guest, "still mapped by others")
    nox.sound(guest)
    guest.save()
    guest.restore()
    nox.at_work(host, guest)
    guest.shutdown()


@case(**{**NEXT, "memory": 1024}, vcpus=4, extra="crashkernel=320M", long=True,
      expect=[r"Kernel panic - not syncing: sysrq triggered crash", r"Call Trace:"])
def crash_kernel(host, guest):
    "After a panic the crash kernel has our disks, and writes there what was in memory."
    kexec.load(host, guest, "-p --append=nr_cpus=1")
    # Emulated timers interrupt vCPU 0 alone: on another one this kernel would not come as far as our modules.
    kexec.crash(guest, cpu=0)
    assert nox.lines(guest, LEFT)
    assert guest.run("head -c 4 /proc/vmcore").raw == b"\x7fELF"
    guest.run("dd if=/proc/vmcore of=/dev/xvdb bs=1M count=64 conv=fsync status=none; cmp -n 67108864 /proc/vmcore /dev/xvdb")
    nox.at_work(host, guest)
    guest.shutdown()


@case(**nox.NOXEN, vcpus=[1, 4], long=True, expect=[r"Kernel panic - not syncing: sysrq triggered crash", r"Call Trace:"])
def panic(host, guest):
    "A panic is seen on the console to its end, and is a crash to the toolstack (on_crash=)."
    guest.spawn("echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger")
    nox.wait_until(lambda: "c" in guest.state, "the domain has crashed", 120)
    # On its way from the console's ring, when the domain has crashed already.
    nox.wait_until(lambda: "---[ end Kernel panic - not syncing: sysrq triggered crash ]---" in guest.log, lambda: guest.log[-1000:], 60)
    # Kept as it is (on_crash=preserve).
    assert guest.id
