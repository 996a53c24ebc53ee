# SPDX-License-Identifier: GPL-2.0-only
"""The console's page, seen by its backend (Xen's public io/console.h): two rings of bytes."""
import ctypes

from ring import Malformed, U32

IN_SIZE, OUT_SIZE = 1024, 2048


class Output:
    """What a front-end has written since the last look; stands for a request."""
    id, grants = -1, ()

    def __init__(self, data):
        self.data = data


class Page:
    size = OUT_SIZE

    def __init__(self, address):
        self.address = address
        self.in_cons, self.in_prod, self.out_cons, self.out_prod = (
            ctypes.c_uint32.from_address(address + IN_SIZE + OUT_SIZE + 4 * place) for place in range(4))
        self.sent, self.consumed = self.in_prod.value, self.out_cons.value

    # ---- to the front-end

    def room(self):
        return IN_SIZE - (self.sent - self.in_cons.value) % U32

    def put(self, byte):
        """An event is a byte."""
        ctypes.memmove(self.address + self.sent % IN_SIZE, byte, 1)
        self.sent = (self.sent + 1) % U32

    def publish(self):
        self.in_prod.value = self.sent

    # ---- from the front-end

    def take(self):
        count = (self.out_prod.value - self.consumed) % U32
        if count > OUT_SIZE:
            raise Malformed(f"out_prod {self.out_prod.value}, of which {self.consumed} are read, in {OUT_SIZE} bytes")
        if not count:
            return []
        ring = ctypes.string_at(self.address + IN_SIZE, OUT_SIZE)
        begin = self.consumed % OUT_SIZE
        self.consumed = (self.consumed + count) % U32
        return [Output((ring + ring)[begin:begin + count])]

    def give_back(self):
        """True if there was something to give back."""
        before, self.out_cons.value = self.out_cons.value, self.consumed
        return before != self.consumed
