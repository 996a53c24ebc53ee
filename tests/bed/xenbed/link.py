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
# Packets under way at once: as many as the line takes within LINE_TIME seconds, for an emulated serial port may take less
# than 100 bytes in one.
WINDOW_SIZE = 48
LINE_TIME = 4.0
# Seconds without an acknowledgement until the oldest packet is sent again; more on a slow line, which would carry nothing
# but repetitions.
RESEND, RESEND_MAX = 3.0, 48.0


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
        self.first_sent = {}              # number -> when; of packets that were not sent again
        self.next_number = 0
        self.next_sent = 0                # the packet whose turn it is, for the first time or again
        self.window = 1
        self.resend = RESEND
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
        took = None
        for n in known:
            del self.unacked[n]
            if n in self.first_sent:
                took = now - self.first_sent.pop(n)
        if known:
            self.sent_at = now
            self.next_sent = max(self.next_sent, number)
            if took is not None:
                self.resend = min(max(RESEND, 2 * took), RESEND_MAX)
                self.window = min(self.window + len(known), WINDOW_SIZE) if took < LINE_TIME else max(self.window // 2, 1)
        elif number in self.unacked and now - self.resent_at > self.resend and now - self.sent_at > 0.5:
            self._again(now)              # the other end asks again: something was lost

    def _again(self, now):
        """From the oldest on; the others when that one is acknowledged."""
        self.sent_at = self.resent_at = now
        self.next_sent = min(self.unacked)
        self.first_sent.clear()
        self.window = 1

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
        if self.unacked and now - self.sent_at >= self.resend:
            self._again(now)
            self.resend = min(2 * self.resend, RESEND_MAX)
        while self.queue and len(self.unacked) < self.window:
            if not self.unacked:
                self.sent_at = now
            self.unacked[self.next_number] = self.packet(b"D"[0], self.session, self.next_number, bytes(self.queue[:PAYLOAD]))
            self.first_sent[self.next_number] = now
            del self.queue[:PAYLOAD]
            self.next_number += 1
        end = min(self.next_number, self.next_number - len(self.unacked) + self.window)
        if self.next_sent < end and self.next_sent not in self.first_sent:
            # The console may be in the middle of a torn line.
            out += b"\n"
        while self.next_sent < end:
            out += self.unacked[self.next_sent]
            self.next_sent += 1
        return bytes(out)

    def pending(self):
        return len(self.queue) + len(self.unacked) * PAYLOAD
