# SPDX-License-Identifier: GPL-2.0-only
"""A backend of any kind: the conversation in xenstore as Linux' backends lead it, and the loop that serves."""
import heapq
import itertools
import selectors
import sys
import time

import ring
from xen import Grants, Store

UNKNOWN, INITIALISING, INIT_WAIT, INITIALISED, CONNECTED, CLOSING, CLOSED = range(7)
STATES = "Unknown Initialising InitWait Initialised Connected Closing Closed".split()


class Ended(Exception):
    """The device is gone for good."""


class Backend:
    ready = INITIALISED         # the front-end's state when its keys are there

    def __init__(self, device, changes=()):
        self.device = device
        self.domid, self.folder, self.front = device.domid, device.backend, device.frontend
        self.store, self.grants = Store(), Grants(device.domid)
        self.original, self.changes = tuple(changes), list(changes)
        self.offer = self.make_offer()
        self.connection = None
        self.state = self.seen = None
        self.lies, self.told = [], []
        self.connects = self.requests = 0
        self.timers, self._order = [], itertools.count()
        self.selector = selectors.DefaultSelector()

    def log(self, text):
        print(f"{time.monotonic():.3f} {text}", file=sys.stderr, flush=True)

    # ---- what a kind of device adds

    def make_offer(self):
        """The keys to announce, by self.changes."""
        raise NotImplementedError

    def make_connection(self, read):
        """By the front-end's keys; read(key) is None for one that is missing."""
        raise NotImplementedError

    def account(self):
        """What `show` has to say beside what it says of every kind."""
        return {}

    # ---- lies

    def arm(self, lie):
        self.lies.append(lie)
        self.log(f"armed: {lie.name}")
        lie.armed(self)

    def armed(self):
        return [lie for lie in self.lies if not lie.over]

    def lied(self, lie, what):
        self.told.append(lie.name)
        self.log(f"lie {lie.name}: {what}")

    def after(self, seconds, work):
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self._order), work))

    # ---- states

    def switch(self, state):
        if state != self.state:
            self.log(f"state {STATES[state]}")
        self.state = state
        self.store.write(f"{self.folder}/state", state)

    def front_state(self):
        text = self.store.read(f"{self.front}/state")
        return int(text) if text and text.isdigit() and int(text) <= CLOSED else UNKNOWN

    def online(self):
        return self.store.read(f"{self.folder}/online") == "1"

    def start(self):
        """Also when an earlier process of ours has died: its front-end sees a backend that starts."""
        self.announce()
        self.store.watch(f"{self.front}/state")
        self.store.watch(f"{self.folder}/online")

    def announce(self):
        self.offer = self.make_offer()
        for lie in self.armed():
            lie.offering(self, self.offer)
        self.offer.write(self.store, self.folder, self.offer.early)
        self.switch(INIT_WAIT)

    def front_changed(self):
        state = self.front_state()
        if state != self.seen:
            self.log(f"front-end {STATES[state]}")
        self.seen = state
        if state == INITIALISING:
            # It may have gone through Closed while nobody looked.
            if self.state != INIT_WAIT:
                self.disconnect()
                self.announce()
        elif state in (INITIALISED, CONNECTED):
            if self.state == INIT_WAIT and state == self.ready:
                self.connect()
        elif state == CLOSING:
            if self.state != CLOSING:
                self.switch(CLOSING)
        elif self.state != INIT_WAIT or not self.online():
            self.disconnect()
            self.switch(CLOSED)
            if not self.online() or state == UNKNOWN:
                raise Ended

    def connect(self):
        if any(lie.refuses(self) for lie in self.armed()):
            self.switch(CLOSING)
            return
        try:
            self.connection = self.make_connection(lambda key: self.store.read(f"{self.front}/{key}"))
        except (OSError, TypeError, ValueError) as error:
            self.log(f"cannot connect: {error}")
            self.switch(CLOSING)
            return
        connection = self.connection
        self.selector.register(connection, selectors.EVENT_READ, lambda: self._woken(connection))
        self.offer.write(self.store, self.folder, self.offer.late)
        self.connects += 1
        self.log(f"{self.connection.ring.size} slots")
        self.switch(CONNECTED)
        self._woken(connection)

    def disconnect(self):
        connection, self.connection = self.connection, None
        if not connection:
            return
        self.selector.unregister(connection)
        keep = [lie for lie in self.armed() if lie.keeps(connection)]
        connection.close(keep=bool(keep))
        for lie in self.armed():
            lie.disconnected(self)

    def ask_to_close(self):
        """As a backend does that is taken away from its device."""
        self.switch(CLOSING)

    # ---- the loop

    def _woken(self, connection):
        if connection is self.connection:       # and was not closed since the event came
            self.attempt(connection, connection.woken)

    def attempt(self, connection, work):
        """What may find nonsense on the ring."""
        try:
            work()
        except ring.Malformed as error:
            self.log(f"front-end is broken: {error}")
            self.selector.unregister(connection)
            connection.close()
            self.connection = None
            self.switch(CLOSING)

    def _store_changed(self):
        if self.store.changes():
            self.front_changed()

    def run(self, control):
        """Until the device is gone."""
        self.start()
        self.selector.register(self.store, selectors.EVENT_READ, self._store_changed)
        self.selector.register(control, selectors.EVENT_READ, lambda: control.answer(self))
        self.front_changed()
        while True:
            wait = max(0, self.timers[0][0] - time.monotonic()) if self.timers else None
            for key, _ in self.selector.select(wait):
                key.data()
            while self.timers and self.timers[0][0] <= time.monotonic():
                heapq.heappop(self.timers)[2]()
            self.lies = self.armed()
