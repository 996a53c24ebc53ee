# SPDX-License-Identifier: GPL-2.0-only
"""The page that a screen or a keyboard shares with its backend: two rings of events, one in each direction; what is
in an event is a protocol's business."""
import ctypes

from ring import Malformed, U32

EVENT = 40              # bytes, of every event


class Page:
    """parse(event) makes a request of the bytes that the front-end has written.

    IN, OUT: where the rings are, (offset, bytes); "in" is what the front-end gets."""
    IN = OUT = (0, 0)

    def __init__(self, address):
        self.address = address
        self.in_cons, self.in_prod, self.out_cons, self.out_prod = (
            ctypes.c_uint32.from_address(address + offset) for offset in (0, 4, 8, 12))
        self.size, self.out_size = self.IN[1] // EVENT, self.OUT[1] // EVENT
        self.sent, self.consumed = self.in_prod.value, self.out_cons.value

    def parse(self, event):
        raise NotImplementedError

    # ---- to the front-end

    def room(self):
        return self.size - (self.sent - self.in_cons.value) % U32

    def put(self, event):
        """Writes an event, which publish() makes visible."""
        ctypes.memmove(self.address + self.IN[0] + self.sent % self.size * EVENT, event.ljust(EVENT, b"\0"), EVENT)
        self.sent = (self.sent + 1) % U32

    def publish(self):
        self.in_prod.value = self.sent

    # ---- from the front-end

    def take(self):
        """What is there; it stays on the ring until give_back()."""
        produced = self.out_prod.value
        if (produced - self.consumed) % U32 > self.out_size:
            raise Malformed(f"out_prod {produced}, of which {self.consumed} are taken, on {self.out_size} slots")
        requests = []
        while self.consumed != produced:
            place = self.address + self.OUT[0] + self.consumed % self.out_size * EVENT
            requests.append(self.parse(ctypes.string_at(place, EVENT)))
            self.consumed = (self.consumed + 1) % U32
        return requests

    def give_back(self):
        """True if there was something to give back."""
        before, self.out_cons.value = self.out_cons.value, self.consumed
        return before != self.consumed
