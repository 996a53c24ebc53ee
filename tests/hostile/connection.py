# SPDX-License-Identifier: GPL-2.0-only
"""One connection: a ring with its channel, from the front-end's offer to its Closed.

`ring` is the one whose requests are served; a device may have others beside it."""
import threading
import time

import xen


class Connection:
    def __init__(self, backend, refs, port):
        self.backend = backend
        self.grants = backend.grants
        self.pages = self.map(refs)
        try:
            self.channel = xen.Channel(backend.domid, port)
        except OSError:
            self.pages.unmap()
            raise
        self.ring = None
        self.muted = False              # answers go out, notifications do not
        self.held = []                  # mappings of data that are not given back yet
        self.closed = False
        self.unanswered = set()         # ids of the requests that were taken

    def fileno(self):
        return self.channel.fileno()

    def map(self, refs):
        """The ring's pages, by what the front-end calls them."""
        return self.grants.map(refs)

    def taken(self, requests):
        """They have come; what cannot wait until they are answered is done here."""

    def carry_out(self, requests):
        """Does what they ask; their answers, in this order."""
        raise NotImplementedError

    def woken(self):
        self.channel.acknowledge()
        self.serve()

    def serve(self, occasion=()):
        """occasion: what lies take for requests, and is none."""
        requests = self.ring.take()
        self.unanswered.update(request.id for request in requests)
        self.backend.requests += len(requests)
        self.taken(requests)
        requests = [*requests, *occasion]
        for lie in self.backend.armed():
            requests = lie.take(self, requests)
            if self.closed:
                return
        self.answer(requests)
        for lie in self.backend.armed():
            lie.served(self)

    def answer(self, requests):
        """Does what the requests ask, and answers them in this order."""
        if self.closed or not requests:
            return
        answers = self.carry_out(requests)
        for lie in self.backend.armed():
            answers = lie.amend(self, requests, answers)
        first = self.ring.answered
        for answer in answers:
            self.ring.put(answer)
        self.unanswered.difference_update(request.id for request in requests)
        for lie in self.backend.armed():
            lie.spoil(self)
        notify = self.ring.publish()
        for lie in self.backend.armed():
            lie.published(self, first, answers)
        self.tell(notify)

    def tell(self, wanted):
        if wanted and not self.muted:
            self.channel.notify()

    def hold(self, request):
        """Maps a request's data as well, until release()."""
        if request.grants:
            self.held.append(self.grants.map(list(request.grants), xen.READ))

    def release(self):
        for mapping in self.held:
            mapping.unmap()
        self.held.clear()

    def storm(self, seconds):
        """Events without end, beside the work."""
        def blow():
            end = time.monotonic() + seconds
            while time.monotonic() < end and not self.closed:
                self.channel.notify()
        threading.Thread(target=blow, daemon=True).start()

    def close(self, keep=False):
        """keep: the mappings stay; the caller has to call let_go()."""
        if not self.closed:
            self.closed = True
            self.channel.close()
        if not keep:
            self.let_go()

    def let_go(self):
        self.release()
        self.pages.unmap()
