#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Data both ways over one TCP connection, every byte of it compared.

    stream.py serve PORT FILE               waits for one connection
    stream.py connect HOST PORT FILE [pieces]

FILE gets the numbers of bytes sent and received so far; once FILE.stop exists, what is on the way is finished and
the program ends with status 0. pieces: sent as many small parts of files, so that packets have odd fragments.
"""
import hashlib
import os
import socket
import struct
import sys
import threading
import time

HEAD = struct.Struct("<QI")
PIECES = (1, 13, 4095, 2, 4097, 61, 1448, 3, 8191, 7, 509, 4096)


def block(number):
    """Head and data: what they are follows from the number."""
    digest = hashlib.sha256(HEAD.pack(number, 0)).digest()
    size = 1 + int.from_bytes(digest[:4], "little") % 150000
    return HEAD.pack(number, size) + (digest * (size // 32 + 1))[:size]


class Stream:
    def __init__(self, connection, path, pieces, stops):
        self.connection, self.path, self.pieces, self.stops = connection, path, pieces, stops
        self.sent = self.received = 0
        self.error = ""
        self.ended = threading.Event()

    def send(self):
        number = 0
        # The one that connected decides; the other end follows when it sees the end of the data.
        while not (os.path.exists(f"{self.path}.stop") if self.stops else self.ended.is_set()) and not self.error:
            data = block(number)
            if self.pieces and number % 2:
                self._send_pieces(data)
            else:
                self.connection.sendall(data)
            self.sent += len(data)
            number += 1
        self.connection.shutdown(socket.SHUT_WR)

    def _send_pieces(self, data):
        file = os.memfd_create("block")
        os.write(file, data)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        place = turn = 0
        while place < len(data):
            place += os.sendfile(self.connection.fileno(), file, place, min(PIECES[turn % len(PIECES)], len(data) - place))
            turn += 1
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        os.close(file)

    def receive(self):
        number = 0
        while True:
            expected = block(number)
            got = bytearray()
            while len(got) < len(expected):
                part = self.connection.recv(min(len(expected) - len(got), 262144))
                if not part:
                    if got:
                        raise ValueError(f"the data ended inside block {number}")
                    self.ended.set()
                    return
                got += part
                self.received += len(part)
            if got != expected:
                place = next(i for i, (a, b) in enumerate(zip(got, expected)) if a != b)
                raise ValueError(f"block {number}: byte {place} of {len(expected)} is {got[place]}, not {expected[place]}")
            number += 1

    def guarded(self, function):
        try:
            function()
        except (OSError, ValueError) as error:
            self.error = self.error or f"{function.__name__}: {error}"
            self.ended.set()

    def run(self):
        threads = [threading.Thread(target=self.guarded, args=(f,), daemon=True) for f in (self.send, self.receive)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads) and not self.error:
            self.note()
            time.sleep(0.1)
        self.note()
        print(f"sent {self.sent}, received and compared {self.received} bytes")
        return f"stream.py: {self.error}" if self.error else 0

    def note(self):
        with open(f"{self.path}.new", "w") as file:
            file.write(f"{self.sent} {self.received}\n")
        os.rename(f"{self.path}.new", self.path)


def main():
    role, words = sys.argv[1], sys.argv[2:]
    if role == "serve":
        listener = socket.create_server(("::", int(words[0])), family=socket.AF_INET6, dualstack_ipv6=True)
        with open(words[1], "w") as file:
            file.write("0 0\n")
        connection, _ = listener.accept()
        path, stops = words[1], False
    else:
        connection = socket.create_connection((words[0], int(words[1])), timeout=60)
        connection.settimeout(None)
        path, stops = words[2], True
    # Dead is only what nothing comes back from for a long time: the machine may be away for a while.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 300000)
    return Stream(connection, path, "pieces" in words[2:], stops).run()


if __name__ == "__main__":
    sys.exit(main())
