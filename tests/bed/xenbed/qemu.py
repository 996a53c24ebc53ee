# SPDX-License-Identifier: GPL-2.0-only
"""The machine: QEMU in software emulation with Xen as its kernel and dom0 as Xen's."""
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

from . import image, kernels, paths
from .progress import BedError

XEN = ("console=com1 com1=115200 loglvl=warning guest_loglvl=warning console_timestamps=boot noreboot "
       "dom0_mem={dom0},max:{dom0} dom0_max_vcpus=1 spec-ctrl=no bootscrub=0")
DOM0 = "console=hvc0 loglevel=4 mitigations=off oops=panic panic=-1"
MACHINE_MB, DOM0_MB = 6144, 1536
SCRATCH = "40G"


LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def die_with_parent():
    """In the child: a bed that is killed must not leave its QEMU behind, beside which the next one would run."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Qemu:
    """folder keeps what belongs to this run: sockets, the scratch disk, the serial log.

    plugin: a TCG plugin; its options(folder, RAM in bytes) are QEMU's arguments for it.
    """

    def __init__(self, folder, icount=False, memory=MACHINE_MB, xen_args="", ports=(), on_serial=None, cpus=None,
                 plugin=None):
        self.folder, self.icount = folder, icount
        self.serial_log = folder / "xen.log"
        self.on_serial = on_serial or (lambda data: None)
        self.process = None
        self.agent = None
        self.cpus = cpus or (1 if icount else 2)
        self._command = self._compose(memory, xen_args, ports)
        if plugin:
            self._command += plugin.options(folder, memory << 20)

    def _compose(self, memory, xen_args, ports):
        kernel = kernels.find(image.DOM0_KERNEL)
        # Short names in the machine's folder: commas and blanks in a path would split -initrd.
        for name, target in (("xen", image.hypervisor()), ("vmlinuz", kernel.elf), ("initrd", image.dom0_initrd())):
            (self.folder / name).symlink_to(target)
        share = self.folder / "share"
        share.mkdir()
        scratch = self.folder / "scratch.img"
        with open(scratch, "wb") as file:
            file.truncate(int(SCRATCH[:-1]) << 30)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-L", "scratch", "-E", "lazy_itable_init=1,nodiscard",
                        str(scratch)], check=True)
        accel = (["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"] if self.icount else
                 ["-accel", "tcg,thread=multi,tb-size=512"])
        xen = XEN.format(dom0=f"{DOM0_MB}M") + (f" {xen_args}" if xen_args else "")
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{host}-10.0.2.15:{guest}" for host, guest in ports)
        command = ["qemu-system-x86_64", "-M", "q35", *accel, "-cpu", "qemu64,+svm,+npt", "-smp", str(self.cpus),
                   "-m", str(memory), "-nodefaults", "-display", "none", "-no-reboot", "-name", "xenfront-bed",
                   "-kernel", "xen", "-append", xen, "-initrd", f"vmlinuz {DOM0},initrd",
                   "-chardev", "socket,id=serial,path=serial.sock,server=on,wait=on", "-serial", "chardev:serial",
                   "-qmp", "unix:qmp.sock,server=on,wait=off", "-device", "virtio-serial-pci",
                   "-chardev", "socket,id=agent,path=agent.sock,server=on,wait=on",
                   "-device", "virtserialport,chardev=agent,name=bed.agent",
                   "-netdev", f"user,id=net0{forwards}", "-device", "virtio-net-pci,netdev=net0,romfile="]
        command += self._disk("root", image.dom0_disk(), "snapshot=on")
        command += self._disk("scratch", scratch, "discard=unmap,cache=unsafe")
        for tag, path, mode in (("bed", paths.PACKAGE, ",readonly=on"), ("cache", paths.CACHE, ",readonly=on"),
                                ("share", share, "")):
            command += ["-virtfs", f"local,path={path},mount_tag={tag},security_model=none{mode},multidevs=remap"]
        return command

    @staticmethod
    def _disk(name, path, options):
        return ["-drive", f"file={path},if=none,id={name},format=raw,{options}",
                "-device", f"virtio-blk-pci,drive={name}"]

    def start(self):
        env = dict(os.environ, TMPDIR=str(self.folder))
        (self.folder / "qemu.command").write_text(" ".join(f"'{w}'" if " " in w else w for w in self._command) + "\n")
        self.stderr = open(self.folder / "qemu.log", "wb")
        self.process = subprocess.Popen(self._command, cwd=self.folder, env=env, stdin=subprocess.DEVNULL,
                                        stdout=self.stderr, stderr=self.stderr, preexec_fn=die_with_parent)
        serial = self._connect("serial.sock")
        self.agent = self._connect("agent.sock")
        threading.Thread(target=self._read_serial, args=(serial,), daemon=True).start()

    def _connect(self, name):
        """A socket's path may be longer than the 107 bytes an address takes: go there by descriptor."""
        folder = os.open(self.folder, os.O_PATH)
        try:
            for _ in range(200):
                try:
                    connection = socket.socket(socket.AF_UNIX)
                    connection.connect(f"/proc/self/fd/{folder}/{name}")
                    return connection
                except OSError:
                    connection.close()
                    if self.process.poll() is not None:
                        raise BedError("QEMU has ended: " + (self.folder / "qemu.log").read_text()[-800:])
                    time.sleep(0.05)
        finally:
            os.close(folder)
        raise BedError(f"QEMU does not listen on {self.folder / name}")

    def _read_serial(self, serial):
        with open(self.serial_log, "ab", buffering=0) as log:
            while True:
                try:
                    data = serial.recv(65536)
                except OSError:
                    return
                if not data:
                    return
                log.write(data)
                self.on_serial(data)

    def qmp(self, command, **arguments):
        connection = self._connect("qmp.sock")
        with connection, connection.makefile("rw") as stream:
            stream.readline()
            for request in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                stream.write(json.dumps(request) + "\n")
                stream.flush()
                while True:
                    answer = json.loads(stream.readline())
                    if "return" in answer or "error" in answer:
                        break
            return answer

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """Ends this machine, and takes away what is large."""
        if self.running:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        (self.folder / "scratch.img").unlink(missing_ok=True)
        shutil.rmtree(self.folder / "share", ignore_errors=True)
        for name in ("xen", "vmlinuz", "initrd", "serial.sock", "agent.sock", "qmp.sock"):
            (self.folder / name).unlink(missing_ok=True)
