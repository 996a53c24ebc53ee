# SPDX-License-Identifier: GPL-2.0-only
"""QEMU in dom0, as a guest's backend that can be stopped, killed and started again."""
import re
import shlex

from _guest import wait_until


class Qemu:
    """The process in dom0 that serves what a guest has that the kernel of dom0 does not: qdisks, screen, keyboard."""

    def __init__(self, host, guest):
        self.dom0, self.guest = host.dom0, guest
        self.pid = int(self.dom0.read(f"/local/domain/{guest.id}/image/device-model-pid"))
        words = self.dom0.get(f"/proc/{self.pid}/cmdline").decode().rstrip("\0").split("\0")
        # The toolstack hands over its sockets as descriptors.
        self.command = [re.sub(r"^(socket,id=libxl-cmd),fd=\d+", rf"\1,path=/run/xen/qmp-again-{guest.id}", word)
                        for word in words]

    def signal(self, name):
        self.dom0.run(f"kill -{name} {self.pid}")

    def again(self):
        """What a toolstack does: the backends start from Initialising, and the same command runs."""
        for kind in ("qdisk", "vfb", "vkbd", "console"):
            folder = f"/local/domain/0/backend/{kind}/{self.guest.id}"
            for device in self.dom0.run(f"xenstore-list {folder}", check=False).out.split():
                self.dom0.write(f"{folder}/{device}/state", 1)
                if kind == "console" and device != "0":
                    # QEMU lets go of its own end of a console with the first connection, and with the first sight of a front-end
                    # that closes: it must find one that waits for it.
                    front = self.dom0.read(f"{folder}/{device}/frontend")
                    wait_until(lambda: self.dom0.read(f"{front}/state") == "1", f"{front} waits for its backend")
        log = f"/scratch/qemu-again-{self.guest.id}.log"
        self.dom0.run(f"setsid {shlex.join(self.command)} > {log} 2>&1 < /dev/null & echo $! > /tmp/qemu-again; sleep 1; "
                      f"kill -0 $(cat /tmp/qemu-again) || {{ cat {log}; exit 1; }}")
        self.pid = int(self.dom0.run("cat /tmp/qemu-again").out)
        self.dom0.write(f"/local/domain/{self.guest.id}/image/device-model-pid", self.pid)
