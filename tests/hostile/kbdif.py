# SPDX-License-Identifier: GPL-2.0-only
"""The kbdif protocol, seen by its backend (Xen's public io/kbdif.h)."""
import struct

import page
from ring import Malformed

MOTION, KEY, POSITION, TOUCH = 1, 3, 4, 5
MOVE_EVENT = struct.Struct("=B3x3i")            # MOTION or POSITION, x, y, wheel
KEY_EVENT = struct.Struct("=BB2xI")             # type, pressed, code
TOUCH_EVENT = struct.Struct("=BBB5x2i")         # type, what, contact, and of most: x, y
U32 = 1 << 32


def _signed(number):
    return (number + U32 // 2) % U32 - U32 // 2


def key(code, pressed):
    return KEY_EVENT.pack(KEY, pressed, code % U32)


def move(kind, x, y, wheel):
    return MOVE_EVENT.pack(kind, *map(_signed, (x, y, wheel)))


def touch(what, contact, x, y):
    return TOUCH_EVENT.pack(TOUCH, what % 256, contact % 256, _signed(x), _signed(y))


class Page(page.Page):
    IN, OUT = (1024, 2048), (3072, 1024)

    def parse(self, event):
        raise Malformed(f"event of type {event[0]}, and there are none in this direction")
