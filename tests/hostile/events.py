# SPDX-License-Identifier: GPL-2.0-only
"""A backend of a device that speaks in events: screen or keyboard. What the front-end sends is its requests, which
are answered by giving back their slots."""
import collections

import backend
import connection

AGAIN = 0.02            # seconds, until a full ring is looked at again: nobody tells


class Order:
    """Stands for a request where a lie waits for one: such a front-end may have nothing to say for long."""
    id, grants = -1, ()


class Connection(connection.Connection):
    """`ring` is the page, made by `page` of its address."""

    def __init__(self, backend_, page, refs, port):
        super().__init__(backend_, refs, port)
        self.ring = page(self.pages.address)
        self.waiting = collections.deque()      # events for which there was no room yet

    def send(self, events):
        """In this order, each as soon as there is room."""
        self.waiting += events
        self._pour()

    def _pour(self):
        if self.closed:
            return
        while self.waiting and self.ring.room():
            self.ring.put(self.waiting.popleft())
        self.ring.publish()
        self.tell(True)
        if self.waiting:
            self.backend.after(AGAIN, self._pour)

    def answer(self, requests):
        if self.closed or not requests:
            return
        self.unanswered.clear()
        self.tell(self.ring.give_back())


class EventBackend(backend.Backend):
    def arm(self, lie):
        super().arm(lie)
        if self.connection:
            self.attempt(self.connection, lambda: self.connection.serve([Order()]))
