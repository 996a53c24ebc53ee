# SPDX-License-Identifier: GPL-2.0-only
"""The blkif ring of an x86-64 front-end, seen by its backend (Xen's public io/ring.h and io/blkif.h)."""
import ctypes
import dataclasses
import struct

from xen import PAGE

READ, WRITE, BARRIER, FLUSH, DISCARD, INDIRECT = 0, 1, 2, 3, 5, 6
NAMES = {READ: "read", WRITE: "write", BARRIER: "barrier", FLUSH: "flush", DISCARD: "discard", INDIRECT: "indirect"}
OKAY, ERROR, EOPNOTSUPP = 0, -1, -2

HEADER, SLOT = 64, 112
SEGMENTS_IN_SLOT = 11
RW = struct.Struct("=BBHIQQ")           # operation, segments, handle, -, id, sector
SEGMENT = struct.Struct("=IBBH")        # grant, first and last sector, -
DISCARD_REQUEST = struct.Struct("=BBHIQQQ")     # operation, flag, -, -, id, sector, sectors
INDIRECT_REQUEST = struct.Struct("=BBHIQQHH8I")  # operation, inner one, segments, -, id, sector, handle, -, grants
RESPONSE = struct.Struct("=QBxh")
SEGMENTS_IN_PAGE = PAGE // SEGMENT.size
U32 = 1 << 32


class Malformed(Exception):
    """The front-end has put nonsense onto the ring."""


@dataclasses.dataclass
class Request:
    """A request as it was when it was taken: a copy, whatever happens to the slot."""
    id: int
    operation: int              # of an indirect request, the inner one
    sector: int
    segments: list = dataclasses.field(default_factory=list)    # (grant, first, last sector)
    sectors: int = 0
    indirect: tuple = ()        # the grants of the pages that describe the segments
    nr_segments: int = 0

    def __str__(self):
        return f"{NAMES.get(self.operation, self.operation)} of {self.sectors} sectors at {self.sector}, id {self.id}"


@dataclasses.dataclass
class Answer:
    id: int
    operation: int
    status: int


def parse(slot):
    operation = slot[0]
    if operation == DISCARD:
        _, _, _, _, number, sector, sectors = DISCARD_REQUEST.unpack_from(slot)
        return Request(number, operation, sector, sectors=sectors)
    if operation == INDIRECT:
        _, inner, count, _, number, sector, _, _, *grants = INDIRECT_REQUEST.unpack_from(slot)
        pages = (count + SEGMENTS_IN_PAGE - 1) // SEGMENTS_IN_PAGE
        if pages > len(grants) or inner not in (READ, WRITE):
            raise Malformed(f"indirect request with operation {inner} and {count} segments")
        return Request(number, inner, sector, indirect=tuple(grants[:pages]), nr_segments=count)
    _, count, _, _, number, sector = RW.unpack_from(slot)
    if operation not in NAMES or count > SEGMENTS_IN_SLOT:
        raise Malformed(f"request with operation {operation} and {count} segments")
    request = Request(number, operation, sector, nr_segments=count)
    request.segments = segments(slot[RW.size:], count)
    request.sectors = sum(last - first + 1 for _, first, last in request.segments)
    return request


def segments(data, count):
    return [SEGMENT.unpack_from(data, i * SEGMENT.size)[:3] for i in range(count)]


class Ring:
    def __init__(self, address, order):
        slots = ((PAGE << order) - HEADER) // SLOT
        self.size = 1 << (slots.bit_length() - 1)
        self.address = address
        self.req_prod, self.req_event, self.rsp_prod, self.rsp_event = (
            ctypes.c_uint32.from_address(address + offset) for offset in (0, 4, 8, 12))
        # A front-end that comes with a ring that was in use: what has no answer is to be done.
        self.consumed = self.answered = self.rsp_prod.value
        self.planted = None     # garbage in req_prod that is ours

    def slot(self, index):
        return self.address + HEADER + index % self.size * SLOT

    def take(self):
        """The requests that are there."""
        requests = []
        while True:
            produced = self.req_prod.value
            if produced == self.planted:
                return requests
            if (produced - self.consumed) % U32 > self.size:
                raise Malformed(f"req_prod {produced}, of which {self.consumed} are taken, on {self.size} slots")
            if produced == self.consumed:
                self.req_event.value = (self.consumed + 1) % U32
                if self.req_prod.value == self.consumed:
                    return requests
                continue
            requests.append(parse(ctypes.string_at(self.slot(self.consumed), SLOT)))
            self.consumed = (self.consumed + 1) % U32

    def put(self, answer):
        """Writes an answer, which publish() makes visible."""
        self.rewrite(self.answered, answer)
        self.answered = (self.answered + 1) % U32

    def rewrite(self, index, answer):
        data = RESPONSE.pack(answer.id % (1 << 64), answer.operation, answer.status)
        ctypes.memmove(self.slot(index), data, len(data))

    def scribble(self, index, byte):
        ctypes.memset(self.slot(index), byte, SLOT)

    def publish(self):
        """True if the front-end wants to be told."""
        old = self.rsp_prod.value
        self.rsp_prod.value = self.answered
        return (self.answered - self.rsp_event.value) % U32 < (self.answered - old) % U32
