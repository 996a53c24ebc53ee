# SPDX-License-Identifier: GPL-2.0-only
"""What is behind the backend: a sparse file, mapped so that Xen copies straight from and to it."""
import ctypes
import mmap
import os

import blkif
from xen import PAGE

SECTOR = 512


class Disk:
    def __init__(self, path, size=None):
        """size in bytes makes a new one; without it the file has to be there."""
        self.path = path
        self._file = os.open(path, os.O_RDWR | (os.O_CREAT if size else 0), 0o600)
        if size:
            os.ftruncate(self._file, size)
        self.sectors = os.fstat(self._file).st_size // SECTOR
        self._map = mmap.mmap(self._file, self.sectors * SECTOR)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))

    def carry_out(self, request, grants, limit, block):
        """Does what a request asks; returns the answer's status. limit: the disk's sectors as announced;
        block: the logical block in bytes."""
        if request.operation == blkif.FLUSH and not request.nr_segments:
            os.fsync(self._file)
            return blkif.OKAY
        if request.indirect:
            self._fetch_segments(request, grants)
        end = request.sector + request.sectors
        if end > min(limit, self.sectors) or (request.sector | request.sectors) % (block // SECTOR):
            return blkif.ERROR
        if request.operation == blkif.DISCARD:
            self._discard(request)
            return blkif.OKAY
        failed = self._copy(request, grants)
        if request.operation in (blkif.BARRIER, blkif.FLUSH):
            os.fsync(self._file)
        return blkif.ERROR if failed else blkif.OKAY

    def _discard(self, request):
        begin = -(-request.sector * SECTOR // PAGE) * PAGE
        end = (request.sector + request.sectors) * SECTOR // PAGE * PAGE
        if end > begin:
            self._map.madvise(mmap.MADV_REMOVE, begin, end - begin)

    def _fetch_segments(self, request, grants):
        page = ctypes.create_string_buffer(PAGE * len(request.indirect))
        address = ctypes.addressof(page)
        if grants.copy([(address + i * PAGE, ref, 0, PAGE) for i, ref in enumerate(request.indirect)], False):
            raise blkif.Malformed(f"indirect pages {request.indirect} of request {request.id}")
        request.segments = blkif.segments(page.raw, request.nr_segments)
        request.sectors = sum(last - first + 1 for _, first, last in request.segments)

    def _copy(self, request, grants):
        address, pieces = self._address + request.sector * SECTOR, []
        for ref, first, last in request.segments:
            if first > last or last >= PAGE // SECTOR:
                return 1
            length = (last - first + 1) * SECTOR
            pieces.append((address, ref, first * SECTOR, length))
            address += length
        return grants.copy(pieces, request.operation == blkif.READ) if pieces else 0
