# SPDX-License-Identifier: GPL-2.0-only
"""Pictures: PNG and PPM files as rows of pixels, for comparing them."""
import dataclasses
import hashlib
import re
import struct
import zlib

from .progress import BedError


@dataclasses.dataclass(frozen=True)
class Picture:
    width: int
    height: int
    pixels: bytes       # RGB, 3 bytes each, line after line

    def at(self, x, y):
        begin = (y * self.width + x) * 3
        return tuple(self.pixels[begin:begin + 3])

    def colours(self):
        return {self.pixels[i:i + 3] for i in range(0, len(self.pixels), 3)}

    @property
    def digest(self):
        return hashlib.sha256(self.pixels).hexdigest()

    def difference(self, other):
        """'' if they are the same; otherwise where they are not."""
        if (self.width, self.height) != (other.width, other.height):
            return f"{self.width}x{self.height} and {other.width}x{other.height}"
        if self.pixels == other.pixels:
            return ""
        wrong = [i // 3 for i in range(0, len(self.pixels), 3) if self.pixels[i:i + 3] != other.pixels[i:i + 3]]
        x, y = wrong[0] % self.width, wrong[0] // self.width
        return (f"{len(wrong)} of {self.width * self.height} pixels, the first at {x},{y}: {self.at(x, y)} and "
                f"{other.at(x, y)}; lines {y} to {wrong[-1] // self.width}")


def _unfilter(kind, line, above, step):
    """PNG's filters, https://www.w3.org/TR/png/#9Filters."""
    if kind == 0:
        return
    for i in range(len(line)):
        left, up = line[i - step] if i >= step else 0, above[i]
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        else:
            corner = above[i - step] if i >= step else 0
            most = left + up - corner
            guess = min((left, up, corner), key=lambda value: abs(most - value))
        line[i] = (line[i] + guess) & 255


def from_png(data):
    """A PNG of 8 bits a channel, with or without alpha (which is dropped)."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise BedError(f"not a PNG: {data[:16]!r}")
    at, packed, head = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IHDR":
            head = struct.unpack_from(">IIBBBBB", data, at + 8)
        elif kind == b"IDAT":
            packed += data[at + 8:at + 8 + length]
        at += length + 12
    width, height, depth, colour, _, _, interlaced = head
    if depth != 8 or colour not in (2, 6) or interlaced:
        raise BedError(f"a PNG of depth {depth}, type {colour}, interlace {interlaced}: not one that a screenshot is")
    step = 3 if colour == 2 else 4
    raw, above, pixels = zlib.decompress(packed), bytearray(width * step), bytearray()
    for y in range(height):
        begin = y * (width * step + 1)
        line = bytearray(raw[begin + 1:begin + 1 + width * step])
        _unfilter(raw[begin], line, above, step)
        above = line
        if step == 4:
            rgb = bytearray(width * 3)
            for channel in range(3):
                rgb[channel::3] = line[channel::4]
            line = rgb
        pixels += line
    return Picture(width, height, bytes(pixels))


def from_ppm(data):
    """A binary PPM, as the hostile backend writes it."""
    head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    if not head:
        raise BedError(f"not a PPM: {data[:16]!r}")
    width, height = int(head.group(1)), int(head.group(2))
    return Picture(width, height, data[head.end():head.end() + width * height * 3])
