# SPDX-License-Identifier: GPL-2.0-only
"""A network backend: what it announces, and how packets come and go. One queue, one channel, no offloads."""
import ctypes
import selectors

import backend
import connection
import netif
from offer import Offer
from xen import PAGE

KEYS = {
    "feature-rx-copy": "1", "feature-rx-notify": "1", "feature-sg": "1", "feature-gso-tcpv4": "0",
    "feature-gso-tcpv6": "0", "feature-no-csum-offload": "1", "feature-ipv6-csum-offload": "0",
    "feature-split-event-channels": "0", "feature-ctrl-ring": "0", "feature-multicast-control": "0",
    "multi-queue-max-queues": "1",
}


class Connection(connection.Connection):
    """`ring` carries what the guest sends, `receiving` what it gets."""

    def __init__(self, backend_, send_ref, receive_ref, port):
        super().__init__(backend_, [send_ref], port)
        self.ring = netif.SendRing(self.pages.address)
        self.other = self.grants.map([receive_ref])
        self.receiving = netif.ReceiveRing(self.other.address)
        self.packet = bytearray()       # of the slots that were taken, until the last one
        self.buffers = []               # that the guest has given
        self.filling = []               # those of the packet that is on its way to it

    # ---- from the guest

    def serve(self, occasion=()):
        super().serve(occasion)
        self.receive()

    def taken(self, requests):
        for request in requests:
            if isinstance(request, netif.Extra):
                continue
            self.packet += self._fetch(request)
            if not request.flags & netif.MORE_DATA:
                self.backend.tap.write(bytes(self.packet))
                self.packet.clear()

    def _fetch(self, request):
        # The first slot says how long the whole packet is; without more slots, that is its own length.
        length = min(request.size, PAGE - request.offset)
        data = ctypes.create_string_buffer(length)
        if self.grants.copy([(ctypes.addressof(data), request.grant, request.offset, length)], False):
            self.backend.log(f"cannot be read: {request}")
        return data.raw

    def carry_out(self, requests):
        return [netif.Answer(request.id, netif.NULL) if isinstance(request, netif.Extra)
                else netif.Answer(request.id, netif.OKAY) for request in requests]

    # ---- to the guest

    def receive(self):
        """As many packets as there are, and buffers for them; what finds none is dropped."""
        while not self.closed:
            packet = self.backend.tap.read()
            if packet is None:
                return
            self._deliver(packet)

    def _deliver(self, packet):
        needed = -(-len(packet) // PAGE) + self.backend.spare
        if len(self.buffers) < needed:
            self.buffers += self.receiving.take()
        if len(self.buffers) < needed:
            return
        answers, count = [], -(-len(packet) // PAGE)
        self.filling, self.buffers = self.buffers[:count], self.buffers[count:]
        for begin, buffer in zip(range(0, len(packet), PAGE), self.filling):
            data = packet[begin:begin + PAGE]
            more = begin + PAGE < len(packet)
            page = ctypes.create_string_buffer(data, len(data))
            if self.grants.copy([(ctypes.addressof(page), buffer.grant, 0, len(data))], True):
                self.backend.log(f"cannot be filled: {buffer}")
            answers.append(netif.Filled(buffer.id, 0, netif.MORE_DATA * more, len(data)))
        for lie in self.backend.armed():
            answers = lie.deliver(self, answers)
        for answer in answers:
            self.receiving.put(answer)
        for lie in self.backend.armed():
            lie.spoil_receiving(self)
        notify = self.receiving.publish()
        for lie in self.backend.armed():
            lie.delivered(self)
        self.tell(notify)

    def let_go(self):
        super().let_go()
        self.other.unmap()


class NetBackend(backend.Backend):
    ready = backend.CONNECTED
    spare = 2                   # buffers that a lie may use beside those of a packet

    def __init__(self, device, tap, changes=()):
        self.tap = tap
        super().__init__(device, changes)

    def make_offer(self):
        return Offer(KEYS, {}, self.changes)

    def make_connection(self, read):
        return Connection(self, int(read("tx-ring-ref")), int(read("rx-ring-ref")), int(read("event-channel")))

    def start(self):
        super().start()
        self.selector.register(self.tap, selectors.EVENT_READ, self._packets)

    def _packets(self):
        if self.connection:
            self.connection.receive()
        else:
            while self.tap.read() is not None:
                pass
