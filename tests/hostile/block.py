# SPDX-License-Identifier: GPL-2.0-only
"""A block backend: what it announces, and what it does with requests."""
import blkif
import connection
from backend import Backend
from offer import Offer

EARLY = {
    "max-ring-page-order": "4", "feature-max-indirect-segments": "256", "feature-flush-cache": "1",
    "feature-barrier": "1", "feature-discard": "1", "discard-granularity": "4096", "discard-alignment": "0",
    "discard-secure": "0", "feature-persistent": "0", "multi-queue-max-queues": "1",
}
LATE = {"info": "0", "sector-size": "512", "physical-sector-size": "512"}
MAX_ORDER = 4


class Connection(connection.Connection):
    def __init__(self, backend, refs, port):
        super().__init__(backend, refs, port)
        self.ring = blkif.Ring(self.pages.address, (len(refs) - 1).bit_length())

    def carry_out(self, requests):
        return [self._one(request) for request in requests]

    def _one(self, request):
        backend = self.backend
        try:
            status = backend.disk.carry_out(request, self.grants, backend.sectors, backend.block)
        except blkif.Malformed as error:
            backend.log(f"malformed: {error}")
            status = blkif.ERROR
        if status != blkif.OKAY:
            backend.log(f"failed: {request}")
        return blkif.Answer(request.id, request.operation, status)


class BlockBackend(Backend):
    def __init__(self, device, disk, changes=()):
        self.disk = disk
        super().__init__(device, changes)

    def make_offer(self):
        return Offer(EARLY, dict(LATE, sectors=str(self.disk.sectors)), self.changes)

    def make_connection(self, read):
        order = read("ring-page-order")
        keys = ["ring-ref"] if order is None else [f"ring-ref{i}" for i in range(1 << min(int(order), MAX_ORDER))]
        if order == "0" and read("ring-ref0") is None:
            keys = ["ring-ref"]
        return Connection(self, [int(read(key)) for key in keys], int(read("event-channel")))

    @property
    def sectors(self):
        return self.offer.number("sectors", self.disk.sectors)

    @property
    def block(self):
        size = self.offer.number("sector-size", 512)
        return size if size in (512, 1024, 2048, 4096) else 512
