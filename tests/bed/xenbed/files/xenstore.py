# SPDX-License-Identifier: GPL-2.0-only
"""xenstore from a program in dom0, by the wire protocol of xenstored's socket (docs/misc/xenstore.txt)."""
import socket
import struct

HEADER = struct.Struct("<IIII")
(DIRECTORY, READ, GET_PERMS, WATCH, UNWATCH, WRITE, MKDIR, RM, SET_PERMS, EVENT, ERROR) = (
    1, 2, 3, 4, 5, 11, 12, 13, 14, 15, 16)


class Error(Exception):
    pass


class Store:
    def __init__(self, path="/run/xenstored/socket"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.events = []

    def _receive(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise Error("xenstored has closed the connection")
            data += more
        return data

    def _message(self):
        kind, _, _, length = HEADER.unpack(self._receive(HEADER.size))
        return kind, self._receive(length)

    def _ask(self, kind, payload):
        self.socket.sendall(HEADER.pack(kind, 0, 0, len(payload)) + payload)
        while True:
            answer, data = self._message()
            if answer == EVENT:
                self.events.append(data)
            elif answer == ERROR:
                raise Error(data.rstrip(b"\0").decode())
            else:
                return data

    def read(self, path):
        """The value as text, or None when there is no such node."""
        try:
            return self._ask(READ, path.encode() + b"\0").decode(errors="replace")
        except Error as error:
            if str(error) in ("ENOENT", "EACCES"):
                return None
            raise

    def list(self, path):
        try:
            return [n.decode() for n in self._ask(DIRECTORY, path.encode() + b"\0").split(b"\0") if n]
        except Error:
            return []

    def write(self, path, value):
        self._ask(WRITE, path.encode() + b"\0" + (value if isinstance(value, bytes) else str(value).encode()))

    def mkdir(self, path):
        self._ask(MKDIR, path.encode() + b"\0")

    def remove(self, path):
        self._ask(RM, path.encode() + b"\0")

    def permit(self, path, *permissions):
        """permissions as xenstore has them: n0, r5 ... the first names the owner."""
        self._ask(SET_PERMS, path.encode() + b"\0" + b"".join(p.encode() + b"\0" for p in permissions))

    def watch(self, path, token="bed"):
        self._ask(WATCH, path.encode() + b"\0" + token.encode() + b"\0")

    def wait(self):
        """The next changed path under a watch."""
        while not self.events:
            kind, data = self._message()
            if kind == EVENT:
                self.events.append(data)
        return self.events.pop(0).split(b"\0")[0].decode()
