# SPDX-License-Identifier: GPL-2.0-only
"""The wire between the bed and its agents; this file runs at both ends.

Frames (exec, data, exit status ...) travel on a byte stream. A virtio port is one already. A guest's
console is not: the kernel prints into it, and bytes are lost when a guest is saved, migrated or
crashes. Console makes a reliable stream of it with numbered packets, one line each:

    @!<kind><session:4 hex><number:8 hex>:<base64>:<crc32:8 hex>

S opens a session (the agent has started), D carries data, A says which number is awaited next.
Anything else on the console is text, and is handed on as such.
"""
import base64
import re
import struct
import time
import zlib

HEADER = struct.Struct(">cII")
# exec, stdin, stdout, stderr, result (exit status), kill, hello, window size
EXEC, STDIN, STDOUT, STDERR, RESULT, KILL, HELLO, WINDOW = (bytes([c]) for c in b"XIOERKHW")

PACKET = re.compile(rb"@!([SDA])([0-9a-f]{4})([0-9a-f]{8}):([A-Za-z0-9+/=]*):([0-9a-f]{8})\r?$")
TORN = re.compile(rb"@![SDA][0-9a-f]{4}[0-9a-f]*:?[A-Za-z0-9+/=]*:?[0-9a-f]*")
PAYLOAD = 720
WINDOW_SIZE = 48
RESEND = 3.0


def frame(kind, channel, data=b""):
    return HEADER.pack(kind, channel, len(data)) + data


class Frames:
    """Cuts a byte stream into frames."""

    def __init__(self):
        self.buffer = bytearray()

    def feed(self, data):
        self.buffer += data
        while len(self.buffer) >= HEADER.size:
            kind, channel, length = HEADER.unpack_from(self.buffer)
            if len(self.buffer) < HEADER.size + length:
                return
            payload = bytes(self.buffer[HEADER.size:HEADER.size + length])
            del self.buffer[:HEADER.size + length]
            yield kind, channel, payload


class Stream:
    """A transport that is reliable by itself."""

    def __init__(self):
        self.unsent = bytearray()

    def feed(self, data, now=None):
        return bytes(data), b"", False

    def send(self, data):
        self.unsent += data

    def take(self, now=None):
        data, self.unsent = bytes(self.unsent), bytearray()
        return data

    def pending(self):
        return len(self.unsent)


class Console:
    """A reliable stream over a line-based console; without I/O of its own. The agent's end opens the
    session (opens=True): whoever listens then starts afresh."""

    def __init__(self, opens=False, session=0, now=None):
        self.opens, self.session = opens, session
        self.open = False
        self.line = bytearray()
        self.queue = bytearray()          # bytes not yet in a packet
        self.unacked = {}                 # number -> packet line
        self.next_number = 0
        self.awaited = 0
        self.replies = bytearray()
        self.sent_at = now or time.monotonic()
        self.resent_at = 0.0

    @staticmethod
    def packet(kind, session, number, payload=b""):
        body = b"%c%04x%08x:%s" % (kind, session, number, base64.b64encode(payload))
        return b"@!" + body + b":%08x\n" % zlib.crc32(body)

    def feed(self, data, now=None):
        """Returns (stream bytes, text that was no packet, whether a session began)."""
        now = now or time.monotonic()
        stream, text, began = bytearray(), bytearray(), False
        self.line += data
        *lines, rest = bytes(self.line).split(b"\n")
        self.line = bytearray(rest)
        for line in lines:
            found = PACKET.search(line)
            whole = found and zlib.crc32(line[found.start() + 2:found.end(4)]) == int(found.group(5), 16)
            if not whole:
                text += TORN.sub(b"", line) + b"\n"
                continue
            if line[:found.start()].strip():
                text += TORN.sub(b"", line[:found.start()]) + b"\n"
            began |= self._packet(*found.groups()[:4], stream, now)
        # A prompt or a crash may end without a newline: a long wait must not hide it.
        if len(self.line) > 8192:
            text += self.line
            self.line.clear()
        return bytes(stream), bytes(text), began

    def _packet(self, kind, session, number, payload, stream, now):
        session, number = int(session, 16), int(number, 16)
        if kind == b"S":
            if self.opens:
                return False
            fresh = session != self.session or not self.open
            if fresh:
                rest = self.line
                self.__init__(False, session, now)
                self.line, self.open = rest, True
            self.replies += self.packet(b"A"[0], session, self.awaited)
            return fresh
        if session != self.session:
            return False
        if kind == b"A":
            self._acknowledged(number, now)
        elif number == self.awaited:
            stream += base64.b64decode(payload)
            self.awaited += 1
            self.replies = bytearray(self.packet(b"A"[0], session, self.awaited))
        else:
            self.replies = bytearray(self.packet(b"A"[0], session, self.awaited))
        return False

    def _acknowledged(self, number, now):
        self.open = True
        known = [n for n in self.unacked if n < number]
        for n in known:
            del self.unacked[n]
        if known:
            self.sent_at = now
        elif self.unacked and number in self.unacked and now - self.resent_at > 0.5 and now - self.sent_at > 0.5:
            self.sent_at = now - RESEND   # the other end asks again: something was lost

    def send(self, data):
        self.queue += data

    def take(self, now=None):
        """What to write to the console now."""
        now = now or time.monotonic()
        out = bytearray(self.replies)
        self.replies.clear()
        if not self.open:
            if self.opens and now - self.resent_at > 1.0:
                self.resent_at = now
                out += b"\n" + self.packet(b"S"[0], self.session, 0)
            return bytes(out)
        if self.unacked and now - self.sent_at >= RESEND:
            self.sent_at = self.resent_at = now
            # A newline first: the console may be in the middle of a torn line.
            out += b"\n" + b"".join(self.unacked.values())
        while self.queue and len(self.unacked) < WINDOW_SIZE:
            if not self.unacked:
                self.sent_at = now
            line = self.packet(b"D"[0], self.session, self.next_number, bytes(self.queue[:PAYLOAD]))
            del self.queue[:PAYLOAD]
            self.unacked[self.next_number] = line
            self.next_number += 1
            out += line
        return bytes(out)

    def pending(self):
        return len(self.queue) + len(self.unacked) * PAYLOAD
