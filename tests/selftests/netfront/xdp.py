#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes a small XDP program as an object file that iproute2 (libbpf) loads; no compiler is needed for it.

    xdp.py pass|drop|aborted FILE
    xdp.py drop-proto NUMBER FILE       drops IPv4 of that protocol, passes all else
    xdp.py tx FILE                      sends frames of the ethertype back, addresses exchanged; passes all else
    xdp.py redirect IFINDEX FILE        sends frames of the ethertype out of another interface; passes all else

The section is named xdp, the ethertype is 0x88b5 (for local experiments), as in frames.py.
"""
import struct
import sys

ETHERTYPE = 0x88b5
ABORTED, DROP, PASS, TX, REDIRECT = range(5)
R0, R1, R2, R3, R4, R5 = range(6)
LDX_B, LDX_H, LDX_W = 0x71, 0x69, 0x61
STX_H, STX_W = 0x6b, 0x63
MOV, MOV_REG, ADD, EXIT, CALL = 0xb7, 0xbf, 0x07, 0x95, 0x85
JNE, JGT_REG = 0x55, 0x2d
BPF_REDIRECT = 23


def insn(code, dst=0, src=0, offset=0, value=0):
    return struct.pack("<BBhi", code, src << 4 | dst, offset, value)


def verdict(action):
    return [insn(MOV, R0, value=action), insn(EXIT)]


def frame_of(needed):
    """R2 is the frame; what follows runs for frames of that length, shorter ones pass."""
    return [insn(LDX_W, R2, R1, 0), insn(LDX_W, R3, R1, 4), insn(MOV_REG, R4, R2), insn(ADD, R4, value=needed),
            insn(JGT_REG, R4, R3, 0x7fff)]


def unless(size, offset, value):
    """Passes the frame unless the field has that value (in the machine's order)."""
    return [insn(size, R4, R2, offset), insn(JNE, R4, 0, 0x7fff, value)]


def swapped(value):
    return value >> 8 | (value & 255) << 8


def exchanged():
    """The Ethernet addresses change places."""
    code = []
    for offset in (0, 2, 4):
        code += [insn(LDX_H, R4, R2, offset), insn(LDX_H, R5, R2, offset + 6),
                 insn(STX_H, R2, R5, offset), insn(STX_H, R2, R4, offset + 6)]
    return code


def program(kind, number):
    ours = frame_of(14) + unless(LDX_H, 12, swapped(ETHERTYPE))
    if kind in ("pass", "drop", "aborted"):
        return verdict({"pass": PASS, "drop": DROP, "aborted": ABORTED}[kind])
    if kind == "drop-proto":
        body = frame_of(34) + unless(LDX_H, 12, swapped(0x0800)) + unless(LDX_B, 23, number) + verdict(DROP)
    elif kind == "tx":
        body = ours + exchanged() + verdict(TX)
    else:
        body = ours + [insn(MOV, R1, value=number), insn(MOV, R2), insn(CALL, value=BPF_REDIRECT), insn(EXIT)]
    # The jumps that were left open go to the PASS at the end.
    closed = []
    for place, code in enumerate(body):
        if struct.unpack_from("<h", code, 2)[0] == 0x7fff:
            code = code[:2] + struct.pack("<h", len(body) - place - 1) + code[4:]
        closed.append(code)
    return closed + verdict(PASS)


def elf(code):
    """A relocatable ELF file for BPF: the program, its licence, one symbol."""
    names = b"\0.strtab\0.symtab\0xdp\0license\0prog\0"
    symbols = struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0) + struct.pack(
        "<IBBHQQ", names.index(b"prog\0"), 1 << 4 | 2, 0, 2, 0, len(code))
    parts = [(b"", 0, 0, b"", 0, 0, 0), (b".strtab", 3, 0, names, 0, 0, 0), (b"xdp", 1, 6, code, 0, 0, 0),
             (b"license", 1, 3, b"GPL\0", 0, 0, 0), (b".symtab", 2, 0, symbols, 1, 1, 24)]
    body, headers = b"", b""
    for name, kind, flags, data, link, info, entry in parts:
        body += bytes(-len(body) % 8)
        place = names.index(b"\0" + name + b"\0") + 1 if name else 0
        headers += struct.pack("<IIQQQQIIQQ", place, kind, flags, 0, 64 + len(body) if name else 0, len(data), link, info,
                               8 if name else 0, entry)
        body += data
    body += bytes(-len(body) % 8)
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 1, 247, 1, 0, 0, 64 + len(body), 0, 64, 0, 0,
                                                          64, len(parts), 1)
    return head + body + headers


def main():
    kinds = {"pass": 0, "drop": 0, "aborted": 0, "tx": 0, "drop-proto": 1, "redirect": 1}
    words = sys.argv[1:]
    if not words or words[0] not in kinds or len(words) != kinds[words[0]] + 2:
        sys.exit(f"usage:{__doc__.split(chr(10), 1)[1].rstrip()}")
    if len(words) == 3 and not words[1].isdigit():
        sys.exit(f"xdp.py: {words[1]!r} is not a number")
    with open(words[-1], "wb") as file:
        file.write(elf(b"".join(program(words[0], int(words[1]) if len(words) == 3 else 0))))


if __name__ == "__main__":
    main()
