# SPDX-License-Identifier: GPL-2.0-only
"""A guest as its owner runs it: its kernel and initramfs come from its own disk, by pygrub, and it may boot again."""
import re

from . import stages
from .disk import Disk
from .guest import STOPS, Guest


class Owned(Guest):
    """host.guest(stage="bookworm.installed"): a PV guest with the disk of that stage (see stages.py); its address comes by DHCP."""
    ENDS = re.compile(STOPS)
    ON_REBOOT = "restart"

    def __init__(self, host, name, stage, **description):
        super().__init__(host, name, load=[], **description)
        self.disks.insert(0, Disk("xvda", image=stages.disk(stage)))
        # Making it may take minutes, in which nothing in the host moves.
        host.watch.touch()
        self.root = "xvda1"

    def _boot_lines(self):
        (self.host.share / self.name).mkdir(exist_ok=True)
        self._brought = []
        return ['bootloader="pygrub"']

    def start(self, wait=True):
        self.nics.serve()
        return super().start(wait)

    def reboot(self):
        """By the toolstack: it ends, and its domain's successor boots from what is on the disk now."""
        before = self.id
        self.agent.hello = None
        self.dom0.run(f"xl reboot {self.name}")
        self.dom0.run(f"until id=$(xl domid {self.name} 2>/dev/null) && [ $id != {before} ]; do sleep 1; done", timeout=300)
        self.ready()
