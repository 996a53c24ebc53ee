# SPDX-License-Identifier: GPL-2.0-only
"""What a console's backend types and lies about."""
import ctypes
import os

import conif
from pagelies import EventLie, PageLie
from ring import U32


class Line(EventLie):
    name, text, default = "line", "N and a line feed are typed", 1

    def events(self):
        return [bytes([code]) for code in f"{self.argument}\n".encode()]


class Flood(EventLie):
    name, text, default = "flood", "N bytes are typed, of all values by turns", 1000

    def events(self):
        return [bytes([place % 256]) for place in range(self.argument)]


class OutIndex(PageLie):
    name, text, default = "out-index", "out_cons is N ahead of what was read; negative: behind", 5000
    keep = True

    def act(self, connection):
        page = connection.ring
        page.out_cons.value = (page.consumed + self.argument) % U32
        connection.channel.notify()
        return f"out_cons {page.out_cons.value}, really {page.consumed}"


class InIndex(PageLie):
    name, text, default = "in-index", "in_prod is N ahead of what was typed; negative: behind", 5000

    def act(self, connection):
        page = connection.ring
        page.in_prod.value = (page.sent + self.argument) % U32
        connection.channel.notify()
        return f"in_prod {page.in_prod.value}, really {page.sent}"


class ConsoleGarbage(PageLie):
    name, text, keep = "console-garbage", "all of the page is overwritten but for the front-end's indices", True

    def act(self, connection):
        page = connection.ring
        ctypes.memmove(page.address, os.urandom(conif.IN_SIZE + conif.OUT_SIZE), conif.IN_SIZE + conif.OUT_SIZE)
        page.in_prod.value, page.out_cons.value = (page.sent + U32 // 2) % U32, (page.consumed + U32 // 2) % U32
        connection.channel.notify()
        return f"in_prod {page.in_prod.value}, out_cons {page.out_cons.value}"


class Unconnected(PageLie):
    name, text, default = "unconnected", "the page says that nobody serves it, for N seconds", 3.0

    def act(self, connection):
        flag = ctypes.c_uint8.from_address(connection.ring.address + conif.IN_SIZE + conif.OUT_SIZE + 16)
        flag.value = 1

        def end():
            flag.value = 0
            connection.channel.notify()
        connection.backend.after(self.argument, end)
        return "connection is 1"
