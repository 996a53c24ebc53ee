# SPDX-License-Identifier: GPL-2.0-only
"""A domain's xenstore ring served from user space: requests go on to xenstored, answers come back (Xen's public
io/xs_wire.h, docs/misc/xenstore-ring.txt).

The domain is xenstored's all the while, which would delete what a domain owns that it lets go of: the guest is shown
another page and another channel. So it must not have opened xenstore when this begins, nor when it ends."""
import collections
import ctypes
import select
import socket
import struct

import xen
from ring import Malformed, U32

HEADER = struct.Struct("<IIII")         # type, request, transaction, length
SIZE = 1024
DIRECTORY, READ, WATCH, UNWATCH, EVENT, ERROR = 1, 2, 4, 5, 15, 16
# Requests that do not begin with a path: transactions' begin and end.
WITHOUT_PATH = (6, 7, 10)
# The last is a page for another purpose, which nobody has here.
HVM_PARAM_STORE_PFN, HVM_PARAM_STORE_EVTCHN, HVM_PARAM_PAGING_RING_PFN = 1, 2, 27
SOCKET = "/run/xenstored/socket"

Message = collections.namedtuple("Message", "kind request transaction body")


def packed(message):
    return HEADER.pack(message.kind, message.request, message.transaction, len(message.body)) + message.body


def messages(buffer):
    """Takes the whole messages off a bytearray."""
    while len(buffer) >= HEADER.size:
        kind, request, transaction, length = HEADER.unpack_from(buffer)
        if len(buffer) < HEADER.size + length:
            return
        body = bytes(buffer[HEADER.size:HEADER.size + length])
        del buffer[:HEADER.size + length]
        yield Message(kind, request, transaction, body)


class Page:
    """Two rings of bytes."""

    def __init__(self, address):
        self.address = address
        self.req_cons, self.req_prod, self.rsp_cons, self.rsp_prod = (
            ctypes.c_uint32.from_address(address + 2 * SIZE + 4 * place) for place in range(4))

    def take(self):
        count = (self.req_prod.value - self.req_cons.value) % U32
        if count > SIZE:
            raise Malformed(f"req_prod {self.req_prod.value}, req_cons {self.req_cons.value}")
        ring, begin = ctypes.string_at(self.address, SIZE), self.req_cons.value % SIZE
        self.req_cons.value = (self.req_cons.value + count) % U32
        return (ring + ring)[begin:begin + count]

    def put(self, data):
        """As much of it as there is room for; how much."""
        room = SIZE - (self.rsp_prod.value - self.rsp_cons.value) % U32
        data = bytes(data[:max(0, room)])
        begin = self.rsp_prod.value % SIZE
        first = min(len(data), SIZE - begin)
        ctypes.memmove(self.address + SIZE + begin, data[:first], first)
        ctypes.memmove(self.address + SIZE, data[first:], len(data) - first)
        self.rsp_prod.value = (self.rsp_prod.value + len(data)) % U32
        return len(data)


class Toolstack:
    """What only libxenctrl and libxenstore can say and do."""

    def __init__(self, domid):
        self.domid = domid
        control, store = ctypes.CDLL("libxenctrl.so.4.17"), ctypes.CDLL("libxenstore.so.4")
        control.xc_interface_open.restype = store.xs_open.restype = ctypes.c_void_p
        self._control = ctypes.c_void_p(control.xc_interface_open(None, None, 0))
        self._store = ctypes.c_void_p(store.xs_open(ctypes.c_ulong(0)))
        self._get, self._set, self._libstore = control.xc_hvm_param_get, control.xc_hvm_param_set, store
        self._unbound = control.xc_evtchn_alloc_unbound
        self._get.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint64)]
        self._set.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint64]
        self._unbound.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32]

    def parameter(self, number):
        value = ctypes.c_uint64()
        if self._get(self._control, self.domid, number, ctypes.byref(value)):
            raise OSError(f"HVM parameter {number} of domain {self.domid}")
        return value.value

    def set_parameter(self, number, value):
        if self._set(self._control, self.domid, number, value):
            raise OSError(f"HVM parameter {number} of domain {self.domid} cannot be {value}")

    def new_port(self):
        """A port of the domain's that dom0 may bind."""
        port = self._unbound(self._control, self.domid, 0)
        if port < 0:
            raise OSError(f"domain {self.domid} gets no event channel")
        return port

    def introduce(self, frame, port):
        """A domain that xenstored has already begins anew: another channel, empty rings, no watches."""
        if not self._libstore.xs_introduce_domain(self._store, ctypes.c_uint(self.domid), ctypes.c_ulong(frame),
                                                  ctypes.c_uint(port)):
            raise OSError(f"xenstored does not take domain {self.domid} anew")


class Proxy:
    """with Proxy(domid, lie) as proxy: proxy.serve()"""

    def __init__(self, domid, lie=None):
        self.domid, self.lie, self.armed = domid, lie, False
        self.prefix = f"/local/domain/{domid}/".encode()
        self.toolstack = Toolstack(domid)
        self.asked, self.said, self.out = bytearray(), bytearray(), bytearray()
        self.mute = False
        self.tokens = []                # the guest's watches, as it knows them: (path, token)

    def __enter__(self):
        self.frame = self.toolstack.parameter(HVM_PARAM_STORE_PFN)
        ours, port = self.toolstack.parameter(HVM_PARAM_PAGING_RING_PFN), self.toolstack.new_port()
        self.mapping = xen.Frames(self.domid).map([ours])
        ctypes.memset(self.mapping.address, 0, xen.PAGE)
        self.page = Page(self.mapping.address)
        self.channel = xen.Channel(self.domid, port)
        self.toolstack.set_parameter(HVM_PARAM_STORE_PFN, ours)
        self.toolstack.set_parameter(HVM_PARAM_STORE_EVTCHN, port)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(SOCKET)
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.channel.close()
        self.mapping.unmap()
        # The guest has closed what it had of xenstored's channel.
        port = self.toolstack.new_port()
        self.toolstack.set_parameter(HVM_PARAM_STORE_PFN, self.frame)
        self.toolstack.set_parameter(HVM_PARAM_STORE_EVTCHN, port)
        self.toolstack.introduce(self.frame, port)

    def arm(self):
        self.armed = True

    def serve(self):
        while True:
            if not self.mute:
                self._from_guest()
            ready, _, _ = select.select([self.channel, self.socket], [], [], 1)
            if self.channel in ready:
                self.channel.acknowledge()
                self.pour()
            if self.socket in ready:
                data = self.socket.recv(65536)
                if not data:
                    raise OSError("xenstored has hung up")
                self.said += data
                for message in messages(self.said):
                    self._to_guest(message)

    # ---- requests

    def _from_guest(self):
        data = self.page.take()
        if not data:
            return
        self.channel.notify()
        self.asked += data
        for message in messages(self.asked):
            self.socket.sendall(packed(message._replace(body=self._absolute(message))))

    def _absolute(self, message):
        """xenstored takes us for dom0: paths have to be whole. A watch remembers in its token what the guest knows it by."""
        path, nul, rest = message.body.partition(b"\0")
        if message.kind in WITHOUT_PATH or not nul:
            return message.body
        whole = path if path[:1] in (b"/", b"@") else self.prefix + path
        if message.kind in (WATCH, UNWATCH):
            if message.kind == WATCH:
                self.tokens.append((path, rest.rstrip(b"\0")))
            rest = (b"R" if whole != path else b"A") + rest
        return whole + b"\0" + rest

    # ---- answers

    def _to_guest(self, message):
        if message.kind == EVENT:
            path, token = message.body.split(b"\0")[:2]
            if token[:1] == b"R" and path.startswith(self.prefix):
                path = path[len(self.prefix):]
            message = message._replace(body=path + b"\0" + token[1:] + b"\0")
        elif self.armed and self.lie:
            lie, self.lie = self.lie, None
            lie(self, message)
            print("told", flush=True)
            return
        self.say(packed(message))

    def say(self, data):
        if not self.mute:
            self.out += data
            self.pour()

    def pour(self):
        if self.out:
            del self.out[:self.page.put(self.out)]
            self.channel.notify()
