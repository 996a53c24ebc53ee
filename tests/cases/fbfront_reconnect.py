# SPDX-License-Identifier: GPL-2.0-only
"""The backend goes away and comes back, or the guest does: the same device, and the picture is there again."""
from xenbed import case

import _fbfront as fb
from _qemu import Qemu


class Unchanged:
    """with Unchanged(guest): the picture is drawn before, and seen again after what happens inside."""

    def __init__(self, guest, connects=1):
        self.guest, self.connects = guest, connects

    def __enter__(self):
        fb.still(self.guest)
        self.wanted = fb.draw(self.guest)
        fb.shown(self.guest)
        self.before = fb.account(self.guest)["connects"]
        self.card = self.guest.run("stat -c %i /dev/dri/card0").out

    def __exit__(self, kind, *_):
        if kind:
            return
        fb.connected(self.guest)
        assert fb.shown(self.guest).digest == self.wanted, "what was drawn has changed"
        now = fb.account(self.guest)["connects"]
        assert now >= self.before + self.connects, f"connected {now - self.before} times, not {self.connects}"
        assert self.guest.run("stat -c %i /dev/dri/card0").out == self.card, "the device is another one"


@case(vfb=True, extra=fb.ALONE, type=["pv", "pvh"], long=True)
def save_and_restore(host, guest):
    "Saved and restored, and saved and gone on (xl save -c)."
    with Unchanged(guest):
        host.dom0.run(f"xl save -c {guest.name} /scratch/checkpoint && rm /scratch/checkpoint")
        fb.shown(guest)
        guest.save()
        guest.restore()


@case(vfb=True, extra=fb.ALONE, type="pvh", long=True)
def migrate(host, guest):
    "Live migration to the same host."
    with Unchanged(guest):
        guest.migrate()


@case(vfb=True, extra=fb.ALONE, kernel=["6.12", "7.x"], memory=640, long=True)
def newer_kernels(host, guest):
    "Saved and restored with newer kernels, and QEMU killed."
    with Unchanged(guest, 2):
        guest.save()
        guest.restore()
        fb.connected(guest)
        qemu = Qemu(host, guest)
        qemu.signal("KILL")
        qemu.again()
        fb.wait_until(lambda: fb.account(guest)["connects"] > 2, "connected again")


@case(vfb=True, extra=fb.ALONE, long=True)
def qemu_killed(host, guest):
    "The QEMU that shows the screen is killed and started again, three times; drawing goes on meanwhile."
    qemu = Qemu(host, guest)
    busy = guest.spawn("while :; do head -c 3145728 /dev/urandom > /dev/fb0; done")
    for turn in range(3):
        connects = fb.account(guest)["connects"]
        qemu.signal("KILL")
        host.dom0.run(f"sleep {turn}")
        qemu.again()
        fb.wait_until(lambda: fb.account(guest)["connects"] > connects, "connected again")
        assert busy.running, busy.result()
    busy.kill(9)
    busy.wait()
    with Unchanged(guest, 0):
        pass
