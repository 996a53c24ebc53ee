# SPDX-License-Identifier: GPL-2.0-only
"""A guest's screen (vfb) and what somebody does who looks at it: VNC viewers, QEMU's own monitor."""
import json
import socket
import struct
import time

from . import paths, picture
from .progress import BedError

# Where QEMU's VNC server is seen from dom0; see Guest.xl_config().
SERVER = "127.0.0.1"
QMP = paths.PACKAGE / "files/qmp"

# X11's names of keys, for VNC.
CONTROL, ALT = 0xffe3, 0xffe9


class Screen:
    """Of a running guest with vfb=True. Each guest of a host has its own display; VNC viewers run in dom0."""

    def __init__(self, guest):
        self.guest, self.dom0 = guest, guest.dom0
        self.talk = None        # with QEMU's monitor

    @property
    def display(self):
        port = self.dom0.read(f"/local/domain/{self.guest.id}/console/vnc-port")
        if not port:
            raise BedError(f"{self.guest.name}: no VNC server in xenstore")
        return int(port) - 5900

    def png(self):
        """What a VNC viewer sees now, as a PNG file."""
        path = f"/tmp/{self.guest.name}-screen.png"
        self.dom0.run(f"gvnccapture -q {SERVER}:{self.display} {path}", timeout=120)
        data = self.dom0.get(path)
        self.dom0.run(f"rm {path}")
        return data

    def picture(self, keep=""):
        """The same as a Picture; keep: also as a file of this name (.png) in the run's folder."""
        data = self.png()
        if keep:
            (self.guest.host.folder / f"{keep}.png").write_bytes(data)
        return picture.from_png(data)

    def qmp(self, command):
        """Has QEMU do a command, a dictionary. The conversation goes on with the next one, as long as it is the same QEMU."""
        line = self._answer(command)
        if line is None:
            self._talk()
            line = self._answer(command)
        if line is None:
            raise BedError(f"QEMU does not answer {command}: {self.talk.result().err.strip()}")
        if "error" in json.loads(line):
            raise BedError(f"QEMU to {command}: {line}")

    def _talk(self):
        script = "/tmp/qmp"
        if not self.dom0.run(f"test -e {script}", check=False):
            self.dom0.put(QMP.read_text(), script, 0o755)
        # libxl has a monitor of its own; this one is for statistics, and answers to everything.
        self.talk = self.dom0.spawn(f"exec {script} /run/xen/qmp-libxenstat-{self.guest.id}")

    def close(self):
        """The guest is gone, and its QEMU."""
        if self.talk:
            self.talk.close_input()
            self.talk = None

    def _answer(self, command):
        """A line, or None when nobody is there."""
        if not self.talk or not self.talk.running:
            return None
        before = self.talk.stdout.count(b"\n")
        self.talk.write(json.dumps(command).encode() + b"\n")
        while self.talk.stdout.count(b"\n") == before:
            if not self.talk.running:
                return None
            self.guest.host.judge(f"{self.guest.name}: QEMU's answer")
            time.sleep(0.05)
        return self.talk.stdout.splitlines()[-1]

    def send(self, *events):
        """Input events of QMP, in one go: they get to the guest in this order."""
        self.qmp({"execute": "input-send-event", "arguments": {"events": list(events)}})

    def viewer(self):
        return Viewer(self)

    def select(self, number):
        """Has QEMU show another of its consoles: a screen that connects once more is a new one, from 1 on."""
        with self.viewer() as viewer:
            viewer.keys([CONTROL, ALT, ord(str(number))])


def key(code, down):
    """A key by QEMU's name (qcode)."""
    return {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": code}}}


def button(name, down):
    return {"type": "btn", "data": {"down": down, "button": name}}


def place(x, y):
    """From 0 to 32767, each."""
    return [{"type": "abs", "data": {"axis": axis, "value": value}} for axis, value in (("x", x), ("y", y))]


class Viewer:
    """The half of a VNC viewer that types (RFC 6143): through the host's port to dom0's server."""

    def __init__(self, screen):
        port = screen.guest.host.vnc_port
        if not port:
            raise BedError("the host was started without a port for VNC")
        if screen.display:
            raise BedError(f"{screen.guest.name} has display {screen.display}; only the first one can be reached")
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)

    def __enter__(self):
        self._read(12)
        self.socket.sendall(b"RFB 003.008\n")
        self._read(self._read(1)[0])
        self.socket.sendall(b"\x01")                # no authentication
        if struct.unpack(">I", self._read(4))[0]:
            raise BedError("QEMU's VNC server asks for a password")
        self.socket.sendall(b"\x01")                # others may look, too
        self.width, self.height = struct.unpack(">HH", self._read(4))
        self._read(16)
        self._read(struct.unpack(">I", self._read(4))[0])
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _read(self, length):
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            if not more:
                raise BedError("QEMU's VNC server has hung up")
            data += more
        return data

    def key(self, symbol, down):
        self.socket.sendall(struct.pack(">BBHI", 4, down, 0, symbol))

    def keys(self, symbols):
        """Pressed one after the other and let go in reverse, as for Ctrl-Alt-2."""
        for symbol in symbols:
            self.key(symbol, True)
        for symbol in reversed(symbols):
            self.key(symbol, False)
        self._answered()

    def pointer(self, x, y, buttons=0):
        self.socket.sendall(struct.pack(">BBHH", 5, buttons, x, y))

    def _answered(self):
        """Until the server has seen all that was sent: it answers in order."""
        self.socket.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, 1, 1))
        self._read(1)
