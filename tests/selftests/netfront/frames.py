#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Numbered raw Ethernet frames of the ethertype for local experiments.

    frames.py send INTERFACE DESTINATION COUNT [SIZE]   DESTINATION is an Ethernet address
    frames.py count INTERFACE FILE                      FILE gets how many different ones have come in, until FILE.stop exists
    frames.py join INTERFACE ADDRESS FILE               joins an Ethernet multicast address until FILE.stop exists

A frame that came in with other contents than it was sent with ends `count` with status 1.
"""
import errno
import hashlib
import os
import select
import socket
import struct
import sys
import time

ETHERTYPE = 0x88b5
PACKET_ADD_MEMBERSHIP, PACKET_MR_MULTICAST = 1, 0
PACKET_OUTGOING = 4
SOL_PACKET, SO_RCVBUFFORCE = 263, 33


def payload(number, size):
    digest = hashlib.sha256(struct.pack("<II", number, size)).digest()
    return struct.pack("<II", number, size) + (digest * (size // 32 + 1))[:size - 8]


def raw(interface, protocol=ETHERTYPE):
    connection = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
    connection.bind((interface, protocol))
    return connection


def ethernet(address):
    return bytes(int(part, 16) for part in address.split(":"))


def send(interface, destination, count, size=100):
    connection = raw(interface)
    with open(f"/sys/class/net/{interface}/address") as file:
        source = ethernet(file.read().strip())
    head = ethernet(destination) + source + struct.pack(">H", ETHERTYPE)
    for number in range(int(count)):
        while True:
            try:
                connection.send(head + payload(number, int(size)))
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                time.sleep(0.002)
        # A queue on the way that is full is not what is tested.
        if number % 32 == 31:
            time.sleep(0.005)


def until_stopped(path, ready, connection, take):
    with open(path, "w") as file:
        file.write(ready)
    while not os.path.exists(f"{path}.stop"):
        if select.select([connection], [], [], 0.2)[0]:
            take()


def count(interface, path):
    connection, seen = raw(interface), set()
    connection.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)

    def take():
        frame, address = connection.recvfrom(65536)
        if address[2] == PACKET_OUTGOING:
            return
        number, size = struct.unpack_from("<II", frame, 14)
        if frame[14:14 + size] != payload(number, size):
            sys.exit(f"frames.py: frame {number} of {size} bytes is not what was sent")
        seen.add(number)
        with open(f"{path}.new", "w") as file:
            file.write(f"{len(seen)}\n")
        os.rename(f"{path}.new", path)
    until_stopped(path, "0\n", connection, take)
    print(len(seen))


def join(interface, address, path):
    connection = raw(interface, 0)
    request = struct.pack("iHH8s", socket.if_nametoindex(interface), PACKET_MR_MULTICAST, 6, ethernet(address))
    connection.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, request)
    until_stopped(path, "joined\n", connection, lambda: connection.recv(65536))


def main():
    jobs = {"send": (send, (3, 4)), "count": (count, (2,)), "join": (join, (3,))}
    words = sys.argv[1:]
    if not words or words[0] not in jobs or len(words) - 1 not in jobs[words[0]][1]:
        sys.exit(f"usage:{__doc__.split(chr(10), 1)[1].rstrip()}")
    jobs[words[0]][0](*words[1:])


if __name__ == "__main__":
    main()
