#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel itself says about an interface's queues, by generic netlink (family netdev, Linux 6.9 and newer).

    netdev.py qstats INTERFACE      a line for each queue: rx 0 packets 5 bytes 470
    netdev.py queues INTERFACE      a line for each queue that is in use, and the NAPI that serves it: rx 0 napi 8193

Exit status 4: this kernel has no such thing; 1: the driver has not.
"""
import errno
import socket
import struct
import sys

GENERIC, CTRL, CTRL_GETFAMILY, CTRL_ID, CTRL_NAME = 16, 16, 3, 1, 2
QUEUE_GET, QSTATS_GET = 10, 12
REQUEST, DUMP = 1, 0x300
ERROR, DONE = 2, 3
QSTATS = {"ifindex": 1, "type": 2, "id": 3, "scope": 4, "rx packets": 8, "rx bytes": 9, "tx packets": 10, "tx bytes": 11}
QUEUE = {"id": 1, "ifindex": 2, "type": 3, "napi": 4}
WAYS = ("rx", "tx")


def attribute(kind, data):
    return struct.pack("<HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def attributes(data):
    """Numbers by attribute."""
    found, place = {}, 0
    while place + 4 <= len(data):
        size, kind = struct.unpack_from("<HH", data, place)
        if size < 4:
            break
        found[kind & 0x3fff] = int.from_bytes(data[place + 4:place + size], "little")
        place += (size + 3) & ~3
    return found


def ask(connection, family, command, payload, dump):
    """Messages of the answer."""
    body = struct.pack("<BBH", command, 1, 0) + payload
    connection.send(struct.pack("<IHHII", 16 + len(body), family, REQUEST | (DUMP if dump else 0), 1, 0) + body)
    while True:
        data, place = connection.recv(1 << 18), 0
        while place < len(data):
            size, kind = struct.unpack_from("<IH", data, place)
            message = data[place + 16:place + size]
            place += (size + 3) & ~3
            if kind in (ERROR, DONE):
                code = -struct.unpack_from("<i", message)[0] if len(message) >= 4 else 0
                if code:
                    raise OSError(code, errno.errorcode.get(code, "?"))
                return
            yield attributes(message[4:])
            if not dump:
                return


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("qstats", "queues"):
        sys.exit(f"usage:{__doc__.split(chr(10), 1)[1].rstrip()}")
    connection = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, GENERIC)
    index = struct.pack("<I", socket.if_nametoindex(sys.argv[2]))
    try:
        family = next(ask(connection, CTRL, CTRL_GETFAMILY, attribute(CTRL_NAME, b"netdev\0"), False))[CTRL_ID]
    except (OSError, StopIteration):
        return 4
    names, lines = (QSTATS, []) if sys.argv[1] == "qstats" else (QUEUE, [])
    payload = attribute(names["ifindex"], index)
    if sys.argv[1] == "qstats":
        payload += attribute(QSTATS["scope"], struct.pack("<Q", 1))
    try:
        for found in ask(connection, family, QSTATS_GET if names is QSTATS else QUEUE_GET, payload, True):
            way = WAYS[found[names["type"]]]
            if names is QSTATS:
                lines.append(f"{way} {found[QSTATS['id']]} packets {found.get(QSTATS[f'{way} packets'], '-')} "
                             f"bytes {found.get(QSTATS[f'{way} bytes'], '-')}")
            else:
                lines.append(f"{way} {found[QUEUE['id']]} napi {found.get(QUEUE['napi'], '-')}")
    except OSError as error:
        if error.errno == errno.EINVAL or error.errno == errno.EOPNOTSUPP and names is QUEUE:
            return 4
        sys.exit(f"netdev.py: {sys.argv[2]}: {error}")
    print("\n".join(lines))
    return 0 if lines else 1


if __name__ == "__main__":
    sys.exit(main())
