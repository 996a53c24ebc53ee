# SPDX-License-Identifier: GPL-2.0-only
"""What a backend needs of Xen: xenstore, grants, frames and event channels, from the libraries of xen-utils."""
import ctypes
import os
import threading
from ctypes import (POINTER, Structure, Union, byref, c_bool, c_char_p, c_int, c_int16, c_size_t, c_uint, c_uint16, c_uint32,
                    c_uint64, c_void_p)

READ, WRITE = 1, 2                      # mmap's PROT_*
COPY_SOURCE_GREF, COPY_DEST_GREF = 1, 2
PAGE = 4096


def _library(name):
    try:
        return ctypes.CDLL(name, use_errno=True)
    except OSError as error:
        raise SystemExit(f"{name}: {error.args[0]}: this program runs in dom0, with xen-utils installed") from None


def _functions(library, **prototypes):
    for name, (result, *arguments) in prototypes.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments


def _error(what):
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), what)


class _Permission(Structure):
    _fields_ = [("id", c_uint), ("perms", c_int)]


class Store:
    """xenstore. A missing node reads as None."""
    NONE, READ = 0, 1

    def __init__(self):
        self._lib, self._libc = _library("libxenstore.so.4"), _library("libc.so.6")
        _functions(self._lib,
                   xs_open=(c_void_p, ctypes.c_ulong), xs_close=(None, c_void_p), xs_fileno=(c_int, c_void_p),
                   xs_read=(c_void_p, c_void_p, c_uint32, c_char_p, POINTER(c_uint)),
                   xs_directory=(c_void_p, c_void_p, c_uint32, c_char_p, POINTER(c_uint)),
                   xs_write=(c_bool, c_void_p, c_uint32, c_char_p, c_char_p, c_uint),
                   xs_mkdir=(c_bool, c_void_p, c_uint32, c_char_p), xs_rm=(c_bool, c_void_p, c_uint32, c_char_p),
                   xs_set_permissions=(c_bool, c_void_p, c_uint32, c_char_p, POINTER(_Permission), c_uint),
                   xs_watch=(c_bool, c_void_p, c_char_p, c_char_p), xs_check_watch=(c_void_p, c_void_p),
                   xs_transaction_start=(c_uint32, c_void_p),
                   xs_transaction_end=(c_bool, c_void_p, c_uint32, c_bool))
        _functions(self._libc, free=(None, c_void_p))
        self._handle = self._lib.xs_open(0)
        if not self._handle:
            raise _error("xenstore")
        self._transaction = 0

    def fileno(self):
        return self._lib.xs_fileno(self._handle)

    def _take(self, pointer, length):
        data = ctypes.string_at(pointer, length)
        self._libc.free(pointer)
        return data

    def read(self, path):
        length = c_uint()
        found = self._lib.xs_read(self._handle, self._transaction, path.encode(), byref(length))
        return self._take(found, length.value).decode(errors="replace") if found else None

    def list(self, path):
        count = c_uint()
        found = self._lib.xs_directory(self._handle, self._transaction, path.encode(), byref(count))
        if not found:
            return []
        names = ctypes.cast(found, POINTER(c_char_p))
        names = [names[i].decode() for i in range(count.value)]
        self._libc.free(found)
        return names

    def write(self, path, value):
        data = value if isinstance(value, bytes) else str(value).encode()
        if not self._lib.xs_write(self._handle, self._transaction, path.encode(), data, len(data)):
            raise _error(path)

    def mkdir(self, path, *permissions):
        """permissions: (domain, NONE or READ); the first names the owner, and what the others may do."""
        if not self._lib.xs_mkdir(self._handle, self._transaction, path.encode()):
            raise _error(path)
        if permissions:
            array = (_Permission * len(permissions))(*permissions)
            if not self._lib.xs_set_permissions(self._handle, self._transaction, path.encode(), array, len(array)):
                raise _error(path)

    def remove(self, path):
        self._lib.xs_rm(self._handle, self._transaction, path.encode())

    def transaction(self, work):
        """Runs work() until nobody else has interfered."""
        while True:
            self._transaction = self._lib.xs_transaction_start(self._handle)
            if not self._transaction:
                raise _error("xenstore transaction")
            done = False
            try:
                work()
                done = True
            finally:
                transaction, self._transaction = self._transaction, 0
                ended = self._lib.xs_transaction_end(self._handle, transaction, not done)
                number = ctypes.get_errno()
            if ended:
                return
            if number != 11:            # EAGAIN
                raise _error("xenstore transaction")

    def watch(self, path):
        if not self._lib.xs_watch(self._handle, path.encode(), b"hostile"):
            raise _error(path)

    def changes(self):
        """Takes every event that waits."""
        count = 0
        while True:
            event = self._lib.xs_check_watch(self._handle)
            if not event:
                return count
            self._libc.free(event)
            count += 1


class _Foreign(Structure):
    _fields_ = [("ref", c_uint32), ("offset", c_uint16), ("domid", c_uint16)]


class _Pointer(Union):
    _fields_ = [("virt", c_void_p), ("foreign", _Foreign)]


class CopySegment(Structure):
    _fields_ = [("source", _Pointer), ("dest", _Pointer), ("len", c_uint16), ("flags", c_uint16), ("status", c_int16)]


class Mapping:
    def __init__(self, source, address, count):
        self.source, self.address, self.count = source, address, count

    def unmap(self):
        if self.address:
            self.source.unmap(self.address, self.count)
        self.address = None


class Grants:
    """Another domain's pages: mapped, or copied by Xen."""

    def __init__(self, domid):
        self.domid = domid
        self._lib = _library("libxengnttab.so.1")
        _functions(self._lib,
                   xengnttab_open=(c_void_p, c_void_p, c_uint),
                   xengnttab_map_domain_grant_refs=(c_void_p, c_void_p, c_uint32, c_uint32, POINTER(c_uint32), c_int),
                   xengnttab_unmap=(c_int, c_void_p, c_void_p, c_uint32),
                   xengnttab_grant_copy=(c_int, c_void_p, c_uint32, POINTER(CopySegment)))
        self._handle = self._lib.xengnttab_open(None, 0)
        if not self._handle:
            raise _error("/dev/xen/gntdev")

    def map(self, refs, protection=READ | WRITE):
        array = (c_uint32 * len(refs))(*refs)
        address = self._lib.xengnttab_map_domain_grant_refs(self._handle, len(refs), self.domid, array, protection)
        if not address:
            raise _error(f"mapping grants {list(refs)} of domain {self.domid}")
        return Mapping(self, address, len(refs))

    def unmap(self, address, count):
        if self._lib.xengnttab_unmap(self._handle, address, count):
            raise _error("unmapping grants")

    def copy(self, pieces, to_guest):
        """pieces: (our address, grant, offset in its page, length). Returns how many of them failed."""
        segments = (CopySegment * len(pieces))()
        for segment, (address, ref, offset, length) in zip(segments, pieces):
            ours, theirs = (segment.source, segment.dest) if to_guest else (segment.dest, segment.source)
            ours.virt = address
            theirs.foreign.ref, theirs.foreign.offset, theirs.foreign.domid = ref, offset, self.domid
            segment.len = length
            segment.flags = COPY_DEST_GREF if to_guest else COPY_SOURCE_GREF
        if self._lib.xengnttab_grant_copy(self._handle, len(pieces), segments):
            raise _error("copying grants")
        return sum(1 for segment in segments if segment.status)


class Frames:
    """Another domain's pages by their frames' numbers."""

    def __init__(self, domid):
        self.domid = domid
        self._lib = _library("libxenforeignmemory.so.1")
        _functions(self._lib,
                   xenforeignmemory_open=(c_void_p, c_void_p, c_uint),
                   xenforeignmemory_map=(c_void_p, c_void_p, c_uint32, c_int, c_size_t, POINTER(c_uint64), POINTER(c_int)),
                   xenforeignmemory_unmap=(c_int, c_void_p, c_void_p, c_size_t))
        self._handle = self._lib.xenforeignmemory_open(None, 0)
        if not self._handle:
            raise _error("/dev/xen/privcmd")

    def map(self, frames, protection=READ | WRITE):
        """All of them, or OSError."""
        array = (c_uint64 * len(frames))(*frames)
        address = self._lib.xenforeignmemory_map(self._handle, self.domid, protection, len(frames), array, None)
        if not address:
            raise _error(f"mapping {len(frames)} frames of domain {self.domid} from {frames[0]:#x} on")
        return Mapping(self, address, len(frames))

    def unmap(self, address, count):
        if self._lib.xenforeignmemory_unmap(self._handle, address, count):
            raise _error("unmapping frames")


class Channel:
    """One event channel, bound to a port of another domain."""

    def __init__(self, domid, port):
        self._lib = _library("libxenevtchn.so.1")
        _functions(self._lib,
                   xenevtchn_open=(c_void_p, c_void_p, c_uint), xenevtchn_close=(c_int, c_void_p),
                   xenevtchn_fd=(c_int, c_void_p),
                   xenevtchn_bind_interdomain=(c_int, c_void_p, c_uint32, c_uint32),
                   xenevtchn_notify=(c_int, c_void_p, c_uint32), xenevtchn_pending=(c_int, c_void_p),
                   xenevtchn_unmask=(c_int, c_void_p, c_uint32))
        self._handle = self._lib.xenevtchn_open(None, 0)
        if not self._handle:
            raise _error("/dev/xen/evtchn")
        self.port = self._lib.xenevtchn_bind_interdomain(self._handle, domid, port)
        if self.port < 0:
            error = _error(f"event channel {port} of domain {domid}")
            self._lib.xenevtchn_close(self._handle)
            raise error
        self._lock = threading.Lock()   # a storm notifies beside the loop, which may close

    def fileno(self):
        return self._lib.xenevtchn_fd(self._handle)

    def notify(self):
        with self._lock:
            if self._handle:
                self._lib.xenevtchn_notify(self._handle, self.port)

    def acknowledge(self):
        """Takes an event; the next one can come from now on."""
        port = self._lib.xenevtchn_pending(self._handle)
        if port >= 0:
            self._lib.xenevtchn_unmask(self._handle, port)

    def close(self):
        with self._lock:
            self._lib.xenevtchn_close(self._handle)
            self._handle = None
