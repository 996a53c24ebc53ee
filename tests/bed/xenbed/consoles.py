# SPDX-License-Identifier: GPL-2.0-only
"""Consoles of a guest beside the primary one (/local/domain/N/device/console), served by its QEMU in dom0.

xl's channel= fails for PV and PVH guests in xen-utils 4.17, so what a toolstack would write is written here."""
import time

from .progress import BedError


class Consoles:
    """Of a running guest that has a QEMU: one with vfb=True."""

    def __init__(self, guest):
        self.guest, self.dom0 = guest, guest.dom0

    def front(self, number):
        return f"/local/domain/{self.guest.id}/device/console/{number}"

    def back(self, number):
        return f"/local/domain/0/backend/console/{self.guest.id}/{number}"

    def attach(self, number, name="", output="pty", keys=None):
        """output: a character device as QEMU's command line has it. keys: others of the front-end's folder."""
        front, back, domid = self.front(number), self.back(number), self.guest.id
        own = {"backend": back, "backend-id": 0, "type": "ioemu", "output": output, "limit": 1048576, "tty": "",
               **({"name": name} if name else {}), **(keys or {})}
        other = {"frontend": front, "frontend-id": domid, "online": 1, "protocol": "vt100"}
        words = [f"{folder}/{key} '{value}'" for folder, all_keys in ((front, own), (back, other))
                 for key, value in all_keys.items()]
        # The states last: with them the device is there for both ends, and they may read what they need by then.
        self.dom0.run(f"xenstore-write {' '.join(words)} && xenstore-chmod -r {front} n{domid} r0 && "
                      f"xenstore-chmod -r {back} n0 r{domid} && xenstore-write {front}/state 1 {back}/state 1")

    def detach(self, number):
        """As a toolstack does."""
        front, back = self.front(number), self.back(number)
        self.dom0.run(f"xenstore-write {back}/online 0 {back}/state 5")
        self.wait(number, lambda: self.dom0.read(f"{front}/state") in ("6", None), "the front-end closes")
        self.dom0.run(f"xenstore-rm {front}; xenstore-rm {back}", check=False)

    def tty(self, number=0):
        """dom0's terminal of it."""
        path = f"/local/domain/{self.guest.id}/console/tty" if not number else f"{self.front(number)}/tty"
        return self.wait(number, lambda: self.dom0.read(path), "the backend has made a terminal")

    def connected(self, number):
        self.wait(number, lambda: self.dom0.read(f"{self.front(number)}/state") == "4", "the front-end is connected")

    def wait(self, number, condition, what, timeout=60):
        end = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise BedError(f"{self.guest.name}: console {number}: not within {timeout} s: {what}")
            time.sleep(0.2)
