# SPDX-License-Identifier: GPL-2.0-only
"""The netif protocol, seen by its backend (Xen's public io/netif.h)."""
import dataclasses
import random
import struct

import ring

CSUM_BLANK, VALIDATED, MORE_DATA, EXTRA_INFO = 1, 2, 4, 8      # of a slot, in either direction
EXTRA_GSO, EXTRA_MORE = 1, 1                                    # types, and the flag of an extra info
GSO_TCPV4 = 1
OKAY, ERROR, DROPPED, NULL = 0, -1, -2, 1

TX_REQUEST = struct.Struct("=IHHHH")    # grant, offset, flags, id, size
TX_RESPONSE = struct.Struct("=Hh")      # id, status
RX_REQUEST = struct.Struct("=HHI")      # id, -, grant
RX_RESPONSE = struct.Struct("=HHHh")    # id, offset, flags, status
EXTRA = struct.Struct("=BBHBBH")        # type, flags, and of GSO: size, type, -, features


@dataclasses.dataclass
class Sent:
    """A slot of a packet that the guest sends."""
    grant: int
    offset: int
    flags: int
    id: int
    size: int

    def __str__(self):
        return f"slot of {self.size} bytes, flags {self.flags}, id {self.id}"

    @property
    def grants(self):
        return [self.grant]


@dataclasses.dataclass
class Extra:
    """What stands between the slots; it has no id, and its answer says nothing."""
    type: int
    flags: int
    id: int = -1
    grants: tuple = ()

    def __str__(self):
        return f"extra information of type {self.type}"


@dataclasses.dataclass
class Answer:
    id: int
    status: int

    def pack(self):
        return TX_RESPONSE.pack(self.id % (1 << 16), self.status)

    @classmethod
    def garbage(cls):
        return cls(random.getrandbits(16), 99)


class SendRing(ring.Ring):
    SLOT = 12

    def __init__(self, address):
        super().__init__(address)
        self.extra = False      # the next slot is one of these

    def parse(self, slot):
        if self.extra:
            kind, flags = slot[0], slot[1]
            self.extra = bool(flags & EXTRA_MORE)
            return Extra(kind, flags)
        request = Sent(*TX_REQUEST.unpack(slot))
        self.extra = bool(request.flags & EXTRA_INFO)
        return request


@dataclasses.dataclass
class Buffer:
    """A page for what the guest receives."""
    id: int
    grant: int

    @property
    def grants(self):
        return [self.grant]


@dataclasses.dataclass
class Filled:
    id: int
    offset: int
    flags: int
    status: int             # bytes, or an error

    def pack(self):
        return RX_RESPONSE.pack(self.id % (1 << 16), self.offset, self.flags, self.status)


@dataclasses.dataclass
class FilledExtra:
    """In the place of a buffer's answer."""
    type: int
    flags: int = 0
    size: int = 0
    kind: int = 0

    def pack(self):
        return EXTRA.pack(self.type, self.flags, self.size, self.kind, 0, 0)


class ReceiveRing(ring.Ring):
    SLOT = 8

    def parse(self, slot):
        number, _, grant = RX_REQUEST.unpack(slot)
        return Buffer(number, grant)
