# SPDX-License-Identifier: GPL-2.0-only
"""The Xen host: one QEMU with Xen and dom0, and the guests on it."""
import contextlib
import datetime
import itertools
import os
import pathlib
import re
import socket
import time

from . import lock, paths, progress, qemu
from .dom0 import Dom0
from .guest import Guest
from .owned import Owned
from .progress import BedError
from .watch import Stalled, Watch

DEAD = re.compile(rb"\(XEN\) Panic on CPU|Kernel panic - not syncing|\(XEN\) FATAL")
CRASHED = re.compile(rb"\(XEN\)[^\n]*(?:\bd\d+v\d+ Triple fault|Domain \d+ \(vcpu#\d+\) crashed)[^\r\n]*")
# Of what the hypervisor prints about each vCPU that has a VMCB (key v).
PLACE = re.compile(r"^\(XEN\) \[[^]]*\]\s*((?:>>> Domain|VCPU |exitcode = |cpl = |CR0 = |RSP = ).*)", re.M)
BOOT_QUIET = 120


def new_log_folder(name="run"):
    paths.LOGS.mkdir(parents=True, exist_ok=True)
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = paths.LOGS / f"{stamp}-{name}-{os.getpid()}"
    folder.mkdir()
    paths.keep_newest(paths.LOGS, "2*", 200)
    return folder


def free_port(first=5900):
    for port in range(first, first + 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise BedError(f"no free port between {first} and {first + 99}")


class Host:
    """with Host() as host: ... One QEMU, held under the machine-wide lock for as long as it lives."""

    def __init__(self, icount=False, folder=None, modules=None, xen_args="", memory=qemu.MACHINE_MB,
                 cpus=None, plugin=None):
        self.folder = pathlib.Path(folder) if folder else new_log_folder()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.modules = pathlib.Path(modules).resolve() if modules else None
        self.serial = bytearray()
        self.guests = {}
        self.made = []                  # every guest since the list was last emptied, ended ones too
        self.names = itertools.count(1)
        self.heard_at = time.monotonic()
        self.judged = 0                 # the part of the console that was searched for crashes
        self._stack = contextlib.ExitStack()
        self.vnc_port = free_port()     # here, to dom0's first VNC server
        self._options = dict(icount=icount, xen_args=xen_args, ports=[(self.vnc_port, 5900)], memory=memory, cpus=cpus,
                             plugin=plugin)
        self.dom0 = self.watch = None

    def start(self):
        began = time.monotonic()
        # What is built for it is built before the lock: another machine may run meanwhile.
        self.qemu = qemu.Qemu(self.folder, on_serial=self._serial, **self._options)
        self._stack.enter_context(lock.held())
        self._stack.callback(self.qemu.stop)
        self.heard_at = time.monotonic()
        try:
            with progress.step(f"booting Xen and dom0 (logs: {self.folder})"):
                self._heard()           # waiting for the lock was not dom0's silence
                self.qemu.start()
                self.dom0 = Dom0(self.qemu.agent, self._heard)
                self.watch = Watch(self.dom0)
                self._wait_dom0()
                self.dom0.agent.judge = self.judge
        except BaseException:
            self.stop()
            raise
        self.boot_seconds = time.monotonic() - began
        return self

    def _wait_dom0(self):
        while self.dom0.agent.hello is None:
            time.sleep(0.1)
            quiet = time.monotonic() - self.heard_at
            if not self.alive or quiet > BOOT_QUIET:
                raise BedError((f"dom0 has said nothing for {quiet:.0f} s" if self.alive else "the host has died") +
                               f"; the end of {self.qemu.serial_log}:\n{self.serial_text()[-2000:]}")

    def _heard(self):
        self.heard_at = time.monotonic()
        if self.watch:
            self.watch.touch()

    def _serial(self, data):
        self.serial += data
        self._heard()

    def serial_text(self):
        return self.serial.decode(errors="replace").replace("\r", "")

    @property
    def alive(self):
        return self.qemu.running and not DEAD.search(self.serial)

    def judge(self, what):
        if not self.alive:
            self.dom0.agent.end("the host has died")
            raise Stalled(f"the host has died; the end of its console:\n{self.serial_text()[-2000:]}")
        found = CRASHED.search(self.serial, self.judged)
        if found:
            time.sleep(1)               # for the lines that follow
            self.judged = len(self.serial)
            why = found.group(0).decode(errors="replace")
            raise Stalled(f"the hypervisor has ended a guest: {why}. Waited for {what}")
        self.watch.judge(what)

    def places(self):
        """Where each vCPU is, three times, and the time each has used: what a hang looks like from outside."""
        self._heard()           # the hang is known; these commands are given their own time
        seen = len(self.serial)
        listed = self.dom0.run("xl vcpu-list; for n in 1 2 3; do xl debug-keys v; sleep 3; done; xl vcpu-list", timeout=60).out
        return "\n".join([listed, *PLACE.findall(self.serial[seen:].decode(errors="replace").replace("\r", ""))])

    @property
    def share(self):
        """A folder that dom0 sees as /share."""
        return self.folder / "share"

    def guest(self, name=None, **description):
        kind = Owned if "stage" in description else Guest
        guest = kind(self, name or f"g{next(self.names)}", **description)
        if guest.name in self.guests:
            raise BedError(f"there is a guest {guest.name} already")
        self.guests[guest.name] = guest
        self.made.append(guest)
        return guest

    def clean(self):
        """Destroys every guest."""
        for guest in list(self.guests.values()):
            guest.destroy()

    def stop(self):
        if self.dom0 and self.alive:
            for name, command in (("dom0.log", "dmesg"), ("xl-dmesg.log", "xl dmesg"),
                                  ("xl.log", "tail -n +1 /var/log/xen/*.log")):
                with contextlib.suppress(Exception):
                    (self.folder / name).write_bytes(self.dom0.run(command, check=False, timeout=20).raw)
        self._stack.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
