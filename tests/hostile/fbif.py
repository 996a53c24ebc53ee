# SPDX-License-Identifier: GPL-2.0-only
"""The fbif protocol of an x86-64 front-end, seen by its backend (Xen's public io/fbif.h)."""
import ctypes
import dataclasses
import struct

import page
from ring import Malformed, PAGE

REFRESH_PERIOD, UPDATE, RESIZE = 1, 2, 3
UPDATE_EVENT = struct.Struct("=B3x4i")          # type, x, y, width, height
RESIZE_EVENT = struct.Struct("=B3x5i")          # type, width, height, stride, depth, offset
PERIOD_EVENT = struct.Struct("=B3xI")           # type, ms
HEADER = struct.Struct("=16x2i2IB")             # (indices), width, height, bytes of a line, bytes in all, depth
DIRECTORIES = 40                                # where the frames of the directories are
FRAMES = PAGE // 8                              # in a directory
DEPTH, BYTES = 32, 4                            # of a pixel: XRGB8888


@dataclasses.dataclass
class Update:
    x: int
    y: int
    width: int
    height: int
    id: int = -1
    grants: tuple = ()


@dataclasses.dataclass
class Resize:
    """Another mode; also the one that the page itself has."""
    width: int
    height: int
    stride: int
    depth: int
    offset: int = 0
    id: int = -1
    grants: tuple = ()

    def check(self, memory):
        """That it is one, and inside so many bytes of memory."""
        if (min(self.width, self.height) < 1 or self.depth != DEPTH or self.offset < 0
                or self.stride < self.width * BYTES or self.offset + self.stride * self.height > memory):
            raise Malformed(f"{self} in {memory} bytes")
        return self

    def has(self, update):
        """Whether the update is a part of the screen."""
        return (min(update.x, update.y) >= 0 and min(update.width, update.height) > 0
                and update.x + update.width <= self.width and update.y + update.height <= self.height)


def refresh_period(milliseconds):
    return PERIOD_EVENT.pack(REFRESH_PERIOD, milliseconds % (1 << 32))


class Page(page.Page):
    IN, OUT = (1024, 1024), (2048, 2048)

    def parse(self, event):
        if event[0] == UPDATE:
            return Update(*UPDATE_EVENT.unpack_from(event)[1:])
        if event[0] == RESIZE:
            return Resize(*RESIZE_EVENT.unpack_from(event)[1:])
        raise Malformed(f"event of type {event[0]}")

    def offered(self):
        """(the first mode, bytes of the screen's memory)."""
        width, height, stride, length, depth = HEADER.unpack(ctypes.string_at(self.address, HEADER.size))
        return Resize(width, height, stride, depth).check(length), length

    def directories(self, count):
        """The frames of so many directories."""
        if DIRECTORIES + count * 8 > self.IN[0]:
            raise Malformed(f"{count} directories")
        return list((ctypes.c_uint64 * count).from_address(self.address + DIRECTORIES))
