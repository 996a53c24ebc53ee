# SPDX-License-Identifier: GPL-2.0-only
"""Front-ends of screens, keyboards and consoles on memory of this process, for selfcheck."""
import ctypes
import mmap
import random
import struct

import conif
import control
import fbif
import kbdif
from page import EVENT
from ring import PAGE
from screen import ScreenBackend
from keyboard import KeyboardBackend
from terminal import ConsoleBackend
from device import Console as ConsoleDevice, Vfb, Vkbd

SIDE = 64               # of the screen, in pixels
INDEX = "an index that cannot be"


class Frames:
    """Frames are addresses of ours; those of one mapping follow each other."""

    def __init__(self, domid):
        self.domid = domid

    def map(self, frames, protection=None):
        assert frames == list(range(frames[0], frames[0] + len(frames))), "not as the front-end has them"
        return type("Mapping", (), {"address": frames[0] * PAGE, "unmap": lambda self: None})()


class Front:
    """The shared page, and others behind it."""
    layout = None
    pages = 1

    def __init__(self):
        area = mmap.mmap(-1, self.pages * PAGE)
        self.buffer = ctypes.c_char.from_buffer(area)
        self.address, self.consumed, self.produced = ctypes.addressof(self.buffer), 0, 0
        self.bytes = memoryview(area)

    def index(self, offset):
        return ctypes.c_uint32.from_address(self.address + offset)

    def keys(self):
        raise NotImplementedError

    def act(self):
        """Something that the backend is told of."""

    def wrong(self, under_test):
        """What the backend did not get, "" for nothing."""
        return ""

    def send(self, event):
        offset, size = self.layout.OUT
        begin = offset + self.produced % (size // EVENT) * EVENT
        self.bytes[begin:begin + EVENT] = event.ljust(EVENT, b"\0")
        self.produced += 1
        self.index(12).value = self.produced

    def look(self):
        """How many events have come."""
        offset, size = self.layout.IN
        count = self.index(4).value - self.consumed
        if not 0 <= count <= size // EVENT:
            return INDEX
        for _ in range(count):
            begin = offset + self.consumed % (size // EVENT) * EVENT
            self.take(bytes(self.bytes[begin:begin + EVENT]))
            self.consumed += 1
        self.index(0).value = self.consumed
        return count

    def take(self, event):
        pass


class Keyboard(Front):
    """Knows what the events mean that are no lies."""
    layout, backend, device = kbdif.Page, KeyboardBackend, Vkbd
    seen = {"press": 2, "row": 20, "motion": 1, "position": 1, "touch": 1, "type": 1, "in-prod": INDEX,
            "page-garbage": INDEX}

    def keys(self):
        return {"page-gref": "1", "event-channel": "5"}

    def take(self, event):
        kind = event[0]
        assert kind != kbdif.KEY or event[1] in (0, 1) and struct.unpack_from("<I", event, 4)[0] in range(30, 39), event
        assert kind not in (kbdif.MOTION, kbdif.POSITION) or struct.unpack_from("<3i", event, 4) == (1, 1, 0), event
        assert kind != kbdif.TOUCH or event[1:3] == b"\0\0" and struct.unpack_from("<2i", event, 8) == (1, 1), event


class Screen(Front):
    """Draws, and says so."""
    layout, backend, device = fbif.Page, ScreenBackend, Vfb
    memory = 2 * PAGE                   # behind the page and its only directory
    pages = 2 + SIDE * SIDE * 4 // PAGE
    seen = {"period": 1, "type": 1, "in-prod": INDEX, "page-garbage": INDEX}

    def __init__(self):
        super().__init__()
        frame, length = self.address // PAGE, SIDE * SIDE * 4
        struct.pack_into("<iiIIBxxxxxxxQ", self.bytes, 16, SIDE, SIDE, SIDE * 4, length, 32, frame + 1)
        struct.pack_into(f"<{length // PAGE}Q", self.bytes, PAGE, *range(frame + 2, frame + self.pages))

    def keys(self):
        return {"page-ref": str(self.address // PAGE), "event-channel": "5"}

    def act(self):
        x, y = random.randrange(SIDE), random.randrange(SIDE)
        width, height = random.randint(1, SIDE - x), random.randint(1, SIDE - y)
        for line in range(y, y + height):
            begin = self.memory + (line * SIDE + x) * 4
            self.bytes[begin:begin + width * 4] = random.randbytes(width * 4)
        self.send(struct.pack("<Bxxx4i", fbif.UPDATE, x, y, width, height))

    def wrong(self, under_test):
        if not under_test.connection:
            return "no connection"
        memory, seen = under_test.connection.pictures()
        rgb = bytes(self.bytes[self.memory + 4 * i + 2 - c] for i in range(SIDE * SIDE) for c in range(3))
        return "the picture is wrong" * (not memory == seen == b"P6 64 64 255\n" + rgb)

    def take(self, event):
        assert event[0] != fbif.REFRESH_PERIOD or struct.unpack_from("<I", event, 4)[0] == 40, event


class Console(Front):
    """Writes lines, and counts what is typed."""
    layout, backend, device = conif.Page, ConsoleBackend, ConsoleDevice
    seen = {"line": 2, "flood": 1000, "in-index": INDEX, "console-garbage": INDEX}
    written = b""

    def keys(self):
        return {"ring-ref": "1", "port": "5"}

    def act(self):
        line, places = random.randbytes(random.randint(1, 300)), conif.IN_SIZE + conif.OUT_SIZE
        room = conif.OUT_SIZE - (self.produced - self.index(places + 8).value) % (1 << 32)
        # What lies have done to the backend's index is not this front-end's business.
        line = line[:room if 0 <= room <= conif.OUT_SIZE else 0]
        for code in line:
            self.bytes[conif.IN_SIZE + self.produced % conif.OUT_SIZE] = code
            self.produced += 1
        self.index(places + 12).value = self.produced
        self.written += line

    def wrong(self, under_test):
        path = control.file(under_test.device, "out")
        kept = path.read_bytes() if path.exists() else b""
        path.unlink(missing_ok=True)
        return "what was written is not what was read" * (not self.written.startswith(kept))

    def look(self):
        places = conif.IN_SIZE + conif.OUT_SIZE
        count = self.index(places + 4).value - self.index(places).value
        return count if 0 <= count <= conif.IN_SIZE else INDEX
