# SPDX-License-Identifier: GPL-2.0-only
"""A guest's disk, and what stands behind it in dom0."""
import dataclasses
import itertools
import re

from . import paths
from .progress import BedError

_numbers = itertools.count()


@dataclasses.dataclass
class Disk:
    vdev: str                   # xvdb, xvda1, hda, sdb2 ... as in xl.cfg
    backend: str = "phy"        # phy: xen-blkback on a loop device; qdisk: QEMU in dom0; null: blkback on null_blk
    size: str = "64M"
    format: str = "raw"         # qdisk: raw or qcow2
    mode: str = "w"             # w or r
    cdrom: bool = False
    discard: bool = True
    sector: int = 512           # logical sector size (phy, null)
    target: str = ""            # an existing file (qdisk) or block device (phy) in dom0 instead of a new one
    image: object = None        # a file of the cache (pathlib.Path) that the new disk begins as a copy of
    null: dict = dataclasses.field(default_factory=dict)    # null_blk's configfs attributes
    options: str = ""           # further words for the xl disk specification

    def prepare(self, dom0, guest):
        """Makes what is behind it; afterwards .file is the backing file (if any), .target what xl opens."""
        self._undo = []
        self.file = ""
        if self.target:
            return
        if self.backend == "null":
            self._null(dom0)
            return
        self.file = f"/scratch/{guest}-{self.vdev}-{next(_numbers)}.{self.format}"
        if self.image:
            inside = f"/cache/{self.image.relative_to(paths.CACHE)}"
            dom0.run(f"cp --sparse=always {inside} {self.file}")
        elif self.format == "raw":
            dom0.run(f"truncate -s {self.size} {self.file}")
        else:
            dom0.run(f"qemu-img create -q -f {self.format} {self.file} {self.size}")
        self._undo.append(f"rm -f {self.file}")
        self.target = self.file
        if self.backend == "phy":
            read_only = "-r" if self.mode == "r" else ""
            self.target = dom0.run(f"losetup -f --show {read_only} --sector-size {self.sector} {self.file}").out.strip()
            self._undo.append(f"losetup -d {self.target}")
        elif self.backend != "qdisk":
            raise BedError(f"disk {self.vdev}: backend {self.backend!r} is not phy, qdisk or null")

    def _null(self, dom0):
        name = f"bed{next(_numbers)}"
        folder = f"/sys/kernel/config/nullb/{name}"
        size = int(dom0.run(f"numfmt --from=iec {self.size}").out) >> 20
        attributes = {"size": size, "blocksize": self.sector, "irqmode": 0, "completion_nsec": 0, "queue_mode": 2,
                      "submit_queues": 1, "hw_queue_depth": 256, **self.null}
        writes = "".join(f"echo {value} > {folder}/{key}; " for key, value in attributes.items())
        self.target = dom0.run(f"set -e; mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config; "
                               f"mkdir {folder}; {writes} echo 1 > {folder}/power; "
                               f"echo /dev/nullb$(cat {folder}/index)").out.strip()
        if not dom0.run(f"test -b {self.target}", check=False):
            self.target = f"/dev/{name}"            # since 6.3 the device bears the configfs name
        self._undo.append(f"echo 0 > {folder}/power; rmdir {folder}")

    def specification(self):
        backend = "qdisk" if self.backend == "qdisk" else "phy"
        words = [f"format={self.format}", f"vdev={self.vdev}", f"access={'ro' if self.mode == 'r' else 'rw'}",
                 f"backendtype={backend}"]
        if self.cdrom:
            words.append("devtype=cdrom")
        if not self.cdrom and self.mode != "r":
            words.append("discard" if self.discard else "no-discard")
        if self.options:
            words.append(self.options)
        return ",".join(words) + f",target={self.target}"

    @property
    def node(self):
        """The name in a Linux guest, when it is the same as in xl.cfg."""
        return f"/dev/{self.vdev}" if re.match(r"xvd[a-z]+\d*$", self.vdev) else ""

    def release(self, dom0):
        for command in reversed(getattr(self, "_undo", [])):
            dom0.run(f"for i in 1 2 3 4 5; do ( {command} ) 2>/dev/null && break; sleep 0.3; done", check=False)
        self._undo = []
