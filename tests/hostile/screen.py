# SPDX-License-Identifier: GPL-2.0-only
"""A screen's backend: what it announces, and what a viewer sees who believes the front-end's updates."""
import ctypes

import events
import fbif
from offer import Offer
from ring import Malformed, PAGE
from xen import Frames, READ

EARLY = {"feature-resize": "1"}
LATE = {"request-update": "1"}


class Connection(events.Connection):
    def __init__(self, backend, frame, port):
        super().__init__(backend, fbif.Page, [frame], port)
        self.memory = None
        try:
            self.mode, self.length = self.ring.offered()
            self.memory = self._map()
        except (OSError, Malformed) as error:
            self.close()
            raise OSError(f"the screen: {error}") from None
        self.bytes = memoryview((ctypes.c_char * self.length).from_address(self.memory.address)).cast("B")
        self.show(self.mode)

    def map(self, refs):
        return self.backend.frames.map(refs)

    def _map(self):
        count = -(-self.length // PAGE)
        directories = self.backend.frames.map(self.ring.directories(-(-count // fbif.FRAMES)), READ)
        frames = list((ctypes.c_uint64 * count).from_address(directories.address))
        directories.unmap()
        return self.backend.frames.map(frames, READ)

    def show(self, mode):
        """All of the screen, from now on in this mode."""
        self.mode = mode
        self.seen = bytearray(mode.width * mode.height * fbif.BYTES)
        self.look(fbif.Update(0, 0, mode.width, mode.height))

    def look(self, update):
        """Takes a part of the screen over into what is seen."""
        mode, length = self.mode, update.width * fbif.BYTES
        for y in range(update.y, update.y + update.height):
            theirs = mode.offset + y * mode.stride + update.x * fbif.BYTES
            ours = (y * mode.width + update.x) * fbif.BYTES
            self.seen[ours:ours + length] = self.bytes[theirs:theirs + length]

    def taken(self, requests):
        for request in requests:
            if isinstance(request, fbif.Resize):
                if not self.backend.resizes_asked:
                    raise Malformed(f"{request}, and there is no feature-resize")
                self.backend.resizes += 1
                self.show(request.check(self.length))
            elif self.mode.has(request):
                self.backend.updates += 1
                self.look(request)
            else:
                raise Malformed(f"{request} of {self.mode}")

    def pictures(self):
        """What the memory holds, and what is seen: two PPMs."""
        mode = self.mode
        memory = bytearray()
        for y in range(mode.height):
            begin = mode.offset + y * mode.stride
            memory += self.bytes[begin:begin + mode.width * fbif.BYTES]
        return self._ppm(memory), self._ppm(self.seen)

    def _ppm(self, pixels):
        rgb = bytearray(len(pixels) // fbif.BYTES * 3)
        for channel in range(3):
            rgb[channel::3] = pixels[2 - channel::fbif.BYTES]
        return f"P6 {self.mode.width} {self.mode.height} 255\n".encode() + bytes(rgb)

    def let_go(self):
        super().let_go()
        if self.memory:
            self.memory.unmap()


class ScreenBackend(events.EventBackend):
    def __init__(self, device, changes=()):
        self.frames = Frames(device.domid)
        self.updates = self.resizes = 0
        super().__init__(device, changes)

    def make_offer(self):
        return Offer(EARLY, LATE, self.changes)

    def make_connection(self, read):
        return Connection(self, int(read("page-ref")), int(read("event-channel")))

    @property
    def resizes_asked(self):
        return self.offer.number("feature-resize", 0) == 1

    def account(self):
        mode = self.connection.mode if self.connection else None
        return {"updates": self.updates, "resizes": self.resizes, "mode": f"{mode.width}x{mode.height}" if mode else ""}
