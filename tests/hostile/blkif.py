# SPDX-License-Identifier: GPL-2.0-only
"""The blkif protocol of an x86-64 front-end, seen by its backend (Xen's public io/blkif.h)."""
import dataclasses
import random
import struct

import ring
from ring import Malformed, PAGE

READ, WRITE, BARRIER, FLUSH, DISCARD, INDIRECT = 0, 1, 2, 3, 5, 6
NAMES = {READ: "read", WRITE: "write", BARRIER: "barrier", FLUSH: "flush", DISCARD: "discard", INDIRECT: "indirect"}
OKAY, ERROR, EOPNOTSUPP = 0, -1, -2

SEGMENTS_IN_SLOT = 11
RW = struct.Struct("=BBHIQQ")           # operation, segments, handle, -, id, sector
SEGMENT = struct.Struct("=IBBH")        # grant, first and last sector, -
DISCARD_REQUEST = struct.Struct("=BBHIQQQ")     # operation, flag, -, -, id, sector, sectors
INDIRECT_REQUEST = struct.Struct("=BBHIQQHH8I")  # operation, inner one, segments, -, id, sector, handle, -, grants
RESPONSE = struct.Struct("=QBxh")
SEGMENTS_IN_PAGE = PAGE // SEGMENT.size


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

    @property
    def grants(self):
        """Of the data."""
        return [ref for ref, _, _ in self.segments]


@dataclasses.dataclass
class Answer:
    id: int
    operation: int
    status: int

    def pack(self):
        return RESPONSE.pack(self.id % (1 << 64), self.operation, self.status)

    @classmethod
    def garbage(cls):
        return cls(random.getrandbits(64), random.getrandbits(8), 99)


def segments(data, count):
    return [SEGMENT.unpack_from(data, i * SEGMENT.size)[:3] for i in range(count)]


class Ring(ring.Ring):
    SLOT = 112

    def parse(self, slot):
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
