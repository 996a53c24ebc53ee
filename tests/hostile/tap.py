# SPDX-License-Identifier: GPL-2.0-only
"""What is behind a network backend: an interface of dom0's own, so that its stack is who answers."""
import fcntl
import os
import struct
import subprocess

TUNSETIFF = 0x400454CA
TAP, NO_INFORMATION = 2, 0x1000
MTU = 9000


class Tap:
    def __init__(self, name, address):
        """address: as for `ip address add`."""
        self.name = name
        if not os.path.exists("/dev/net/tun"):
            subprocess.run(["modprobe", "tun"], check=True)
        self._file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self._file, TUNSETIFF, struct.pack("=16sH22x", name.encode(), TAP | NO_INFORMATION))
        # No neighbour discovery: who says something first is the guest.
        for command in (f"ip link set {name} mtu {MTU} addrgenmode none", f"ip link set {name} up",
                        f"ip address add {address} dev {name}"):
            subprocess.run(command.split(), check=True)

    def fileno(self):
        return self._file

    def read(self):
        """A packet that dom0 sends; None if there is none."""
        try:
            return os.read(self._file, MTU + 64)
        except BlockingIOError:
            return None

    def write(self, packet):
        """False if dom0 does not take it."""
        try:
            return os.write(self._file, packet) == len(packet)
        except OSError:
            return False
