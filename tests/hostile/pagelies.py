# SPDX-License-Identifier: GPL-2.0-only
"""What a backend lies about in a page of events: screen and keyboard. These are told when they are ordered, if there
is a connection."""
import ctypes
import os

from lies import Lie
from ring import PAGE, U32

INDICES = 16            # bytes; the last of them is the front-end's out_prod


class PageLie(Lie):
    """act() does it and says what it did; what the front-end has sent stays on the ring if keep is true."""
    keep = False

    def act(self, connection):
        raise NotImplementedError

    def take(self, connection, requests):
        if self.over:
            return requests
        self.tell(connection.backend, self.act(connection))
        return [] if self.keep else requests


class EventLie(PageLie):
    """Sends events."""

    def events(self):
        raise NotImplementedError

    def act(self, connection):
        events = self.events()
        connection.send(events)
        return f"{len(events)} events, the last one {events[-1].hex()}"


class EventType(EventLie):
    name, text, default = "type", "an event of type N", 255

    def events(self):
        return [bytes([self.argument % 256]).ljust(40, b"\xff")]


class InProducer(PageLie):
    name, text, default = "in-prod", "in_prod is N ahead of the events; negative: behind", 52

    def act(self, connection):
        page = connection.ring
        page.in_prod.value = (page.sent + self.argument) % U32
        connection.channel.notify()
        return f"in_prod {page.in_prod.value}, really {page.sent}"


class PageGarbage(PageLie):
    name, text, keep = "page-garbage", "all of the page is overwritten but for the front-end's out_prod", True

    def act(self, connection):
        page = connection.ring
        ctypes.memmove(page.address, os.urandom(INDICES - 4), INDICES - 4)
        ctypes.memmove(page.address + INDICES, os.urandom(PAGE - INDICES), PAGE - INDICES)
        connection.channel.notify()
        return f"in_prod {page.in_prod.value}, out_cons {page.out_cons.value}"


class Stall(Lie):
    name, text, default = "stall", "what the front-end sends stays on the ring for N seconds; slow, and right", 5.0
    begun = False

    def take(self, connection, requests):
        if not self.begun:
            self.begun, self.waiting = True, []
            connection.backend.after(self.argument, lambda: self.end(connection))
        self.waiting += requests
        return []

    def end(self, connection):
        self.tell(connection.backend, f"{len(self.waiting)} events in {self.argument} s")
        connection.answer(self.waiting)
