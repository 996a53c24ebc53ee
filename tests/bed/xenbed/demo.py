# SPDX-License-Identifier: GPL-2.0-only
"""Debian boots on Xen with its root on our block driver, before a person's eyes."""
import concurrent.futures
import sys
import time

from . import debian, image, kernels, lock, login, modules, packages, picture, progress, report, rootfs
from .host import Host, new_log_folder

RULE = "-" * 78
SERVES = {"vbd": "disk", "vif": "network", "vkbd": "keyboard", "vfb": "screen"}
# An HVM guest has an emulated screen.
KINDS = ("vbd", "vif", "vkbd")


def _prepare(kernel_name, which, folder):
    """Downloads first; then dom0's root and the guest's side by side, each mostly one process."""
    packages.ensure_needed()
    kernel = kernels.find(kernel_name)
    image.hypervisor()
    image.busybox()
    ours = None
    if which == "ours":
        ours = folder or modules.built_for(kernel)
        progress.say("our modules: " + ", ".join(f"{p.name} {modules.srcversion(p)}" for p in modules.ours_in(ours).values()))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        jobs = [pool.submit(image.dom0_disk), pool.submit(rootfs.disk_tar)]
        for job in jobs:
            job.result()
    debian.installed(kernel, ours)
    return kernel, ours


def _took(began):
    return time.monotonic() - began - lock.waited


class Stream:
    """The guest's console, to stdout as it comes."""

    def __init__(self, guest):
        self.guest, self.on = guest, True
        guest.on_console = self

    def __call__(self, data):
        if self.on:
            sys.stdout.write(data.decode(errors="replace").replace("\r", ""))
            sys.stdout.flush()


def _screenshot(guest):
    """The login prompt on the guest's screen; where the picture is."""
    path = guest.host.folder / "screen.png"
    guest.wait_for("test -e /sys/kernel/debug/xenfront/vfb-0 || mount -t debugfs debugfs /sys/kernel/debug; "
                   "grep -q '^phase: connected' /sys/kernel/debug/xenfront/vfb-0/state && grep -qF login: /dev/vcs1",
                   what="a login prompt on the screen")
    # The kernel's own driver had the screen first, and QEMU goes on showing what that had.
    guest.screen.select(2)
    path.write_bytes(guest.screen.png())
    if len(picture.from_png(path.read_bytes()).colours()) < 2:
        raise progress.BedError(f"nothing is to be seen on the guest's screen: {path}")
    return path


def demo(guest_type, kernel_name, which, folder):
    began = time.monotonic()
    kernel, ours = _prepare(kernel_name, which, folder)
    guest_type = guest_type or kernel.guest_type
    vfb = guest_type != "hvm"
    kinds = KINDS + (("vfb",) if vfb else ())
    with Host(folder=new_log_folder("demo"), modules=folder) as host:
        guest = host.guest("debian", type=guest_type, kernel=kernel_name, memory=512, modules=which, root="xvda1", load=[],
                           nics=["bridge=xenbr0"], vfb=vfb)
        stream = Stream(guest)
        progress.say(f"creating a {guest_type} guest with the kernel {kernel.release}; its console follows\n{RULE}")
        guest.start(wait=False)
        login.wait_login(guest)
        stream.on = False
        print(f"\n{RULE}", flush=True)
        progress.say(f"the guest's login prompt is there, {_took(began):.0f} s after the start")
        guest.ready()
        shot = _screenshot(guest) if vfb else None
        devices, root = report.look(guest)
        host.clean()
    print(f"root file system: {root}\n\n{report.table(devices)}\n")
    reasons = report.not_ours(devices, ours, kinds)
    if root != "/dev/xvda1":
        reasons.append(f"the root file system is on {root}, not on /dev/xvda1")
    for reason in reasons:
        print(f"NOT SO: {reason}")
    if not reasons:
        print(f"Our drivers serve {', '.join(SERVES[kind] for kind in kinds)} (srcversions as built). {_took(began):.0f} s in all.")
    print("""
By hand:
    make shell                      a running host with this guest: dom0's shell, from there
    xl console debian               the guest's console (leave it with Ctrl-])""")
    if shot:
        print(f"The guest's screen, as a VNC viewer sees it: {shot}")
    print(f"Logs of this run: {host.folder}", flush=True)
    return 1 if reasons else 0
