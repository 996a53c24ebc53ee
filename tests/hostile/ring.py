# SPDX-License-Identifier: GPL-2.0-only
"""A shared ring, seen by its backend (Xen's public io/ring.h); what is in its slots is a protocol's business."""
import ctypes

HEADER = 64
PAGE = 4096
U32 = 1 << 32


class Malformed(Exception):
    """The front-end has put nonsense onto the ring."""


class Ring:
    """parse(slot) makes a request of a slot's bytes, and Answer.pack() the bytes of an answer."""
    SLOT = 0                # bytes

    def __init__(self, address, order=0):
        slots = ((PAGE << order) - HEADER) // self.SLOT
        self.size = 1 << (slots.bit_length() - 1)
        self.address = address
        self.req_prod, self.req_event, self.rsp_prod, self.rsp_event = (
            ctypes.c_uint32.from_address(address + offset) for offset in (0, 4, 8, 12))
        # A front-end that comes with a ring that was in use: what has no answer is to be done.
        self.consumed = self.answered = self.rsp_prod.value
        self.planted = None     # garbage in req_prod that is ours

    def parse(self, slot):
        raise NotImplementedError

    def slot(self, index):
        return self.address + HEADER + index % self.size * self.SLOT

    def take(self, most=U32):
        """The requests that are there."""
        requests = []
        while len(requests) < most:
            produced = self.req_prod.value
            if produced == self.planted:
                break
            if (produced - self.consumed) % U32 > self.size:
                raise Malformed(f"req_prod {produced}, of which {self.consumed} are taken, on {self.size} slots")
            if produced == self.consumed:
                self.req_event.value = (self.consumed + 1) % U32
                if self.req_prod.value == self.consumed:
                    break
                continue
            requests.append(self.parse(ctypes.string_at(self.slot(self.consumed), self.SLOT)))
            self.consumed = (self.consumed + 1) % U32
        return requests

    def put(self, answer):
        """Writes an answer, which publish() makes visible."""
        self.rewrite(self.answered, answer)
        self.answered = (self.answered + 1) % U32

    def rewrite(self, index, answer):
        data = answer.pack()
        ctypes.memmove(self.slot(index), data, len(data))

    def scribble(self, index, byte):
        ctypes.memset(self.slot(index), byte, self.SLOT)

    def publish(self):
        """True if the front-end wants to be told."""
        old = self.rsp_prod.value
        self.rsp_prod.value = self.answered
        return (self.answered - self.rsp_event.value) % U32 < (self.answered - old) % U32
