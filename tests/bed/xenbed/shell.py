# SPDX-License-Identifier: GPL-2.0-only
"""A running host for a person: dom0's shell on this terminal, the guest's console and screen from there."""
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import tty

from . import debian, image, kernels, modules
from .host import Host, new_log_folder


def shell(guest_type, kernel_name, which, folder):
    kernel = kernels.find(kernel_name)
    image.dom0_disk()
    debian.installed(kernel, None if which == "intree" else folder or modules.built_for(kernel))
    with Host(folder=new_log_folder("shell"), modules=folder) as host:
        guest = host.guest("debian", type=guest_type or kernel.guest_type, kernel=kernel_name, memory=512, modules=which, root="xvda1",
                           load=[], nics=["bridge=xenbr0"], vfb=True)
        guest.start(wait=False)
        # The console is for the person from now on: one reader at a time.
        guest.relay.kill()
        print(f"""
This is dom0's shell ('exit' ends the host, and with it everything in it).
    xl list                         the domains
    xl console {guest.name:20} the guest's console; login root, no password; leave with Ctrl-]
    xl block-attach, xl save ...    the toolstack; /scratch has 40 GB, /share is {host.share} outside
The guest's screen (vfb): VNC on localhost:{host.vnc_port}, e.g. vncviewer localhost:{host.vnc_port}
The hypervisor's and dom0's log: {host.qemu.serial_log}
""", flush=True)
        return attach(host.dom0, "cd /root; exec bash -i")


def attach(dom0, command):
    """This terminal on a command in dom0."""
    def out(data):
        os.write(1, data)

    process = dom0.spawn(f"TERM={os.environ.get('TERM', 'vt100')} PS1='dom0# ' sh -c '{command}'", on_output=out,
                         terminal=True)
    if not sys.stdin.isatty():
        for line in sys.stdin.buffer:
            process.write(line)
        process.write(b"\x04")
        return process.wait().rc
    before = termios.tcgetattr(0)

    def resize(*_):
        rows, columns, *_ = struct.unpack("HHHH", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))
        process.resize(rows, columns)

    signal.signal(signal.SIGWINCH, resize)
    resize()
    try:
        tty.setraw(0)
        while process.running and not dom0.agent.gone:
            if select.select([0], [], [], 0.2)[0]:
                data = os.read(0, 4096)
                if not data:
                    break
                process.write(data)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        print()
    return 0
