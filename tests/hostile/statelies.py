# SPDX-License-Identifier: GPL-2.0-only
"""What the backend lies about in xenstore: states that nobody expects, and a disk that is another one when
it comes back."""
from lies import Lie


class States(Lie):
    name = "states"
    text = "during I/O the state becomes each of N.N.N in turn, 1.5 s apart, then the true one; \"-\" removes it"
    default = "1.4"
    begun, pause = False, 1.5       # xenstore is slow when many work

    def take(self, connection, requests):
        if requests and not self.begun:
            self.begun = True
            backend, jumps = connection.backend, self.argument.split(".")
            for turn, state in enumerate(jumps):
                backend.after(self.pause * turn, lambda state=state: self.write(backend, state))
            backend.after(self.pause * len(jumps), lambda: self.repent(backend))
        return requests

    def repent(self, backend):
        self.write(backend, str(backend.state))
        self.tell(backend, self.argument)

    @staticmethod
    def write(backend, state):
        backend.log(f"state is made \"{state}\"")
        path = f"{backend.folder}/state"
        if state == "-":
            backend.store.remove(path)
        else:
            backend.store.write(path, state)


class Other(Lie):
    """The disk goes away during I/O and comes back with other keys; for good, until "restore"."""
    changes = {}

    def take(self, connection, requests):
        if requests and not self.over:
            self.reopen(connection.backend)
        return requests

    def reopen(self, backend):
        backend.changes = [pair for pair in backend.changes if pair[0] not in self.keys(backend)]
        backend.changes += list(self.keys(backend).items())
        self.tell(backend, f"comes back with {self.keys(backend)}")
        if backend.connection:
            backend.ask_to_close()

    def keys(self, backend):
        return self.changes


class FewerSegments(Other):
    name, text = "fewer-segments", "comes back without indirect segments"
    changes = {"feature-max-indirect-segments": None}


class SmallRing(Other):
    name, text = "small-ring", "comes back with a ring of one page"
    changes = {"max-ring-page-order": "0"}


class NoFlush(Other):
    name, text = "no-flush", "comes back without flush and barrier"
    changes = {"feature-flush-cache": "0", "feature-barrier": "0"}


class NoDiscard(Other):
    name, text = "no-discard", "comes back without discard"
    changes = {"feature-discard": "0"}


class LargerSectors(Other):
    name, text = "larger-sectors", "comes back with sectors of 4096 bytes"
    changes = {"sector-size": "4096", "physical-sector-size": "4096"}


class SmallerSectors(Other):
    name, text = "smaller-sectors", "comes back with sectors of 512 bytes"
    changes = {"sector-size": "512", "physical-sector-size": "512"}


class SmallerDisk(Other):
    name, text, default = "smaller-disk", "comes back with N sectors", 1024

    def keys(self, backend):
        return {"sectors": str(self.argument)}


class Key(Other):
    name, text, default = "key", "comes back with KEY:VALUE in xenstore; without :VALUE the key is gone", "info:0"

    def keys(self, backend):
        key, colon, value = self.argument.partition(":")
        return {key: value if colon else None}


class Restore(Other):
    name, text = "restore", "the truth: comes back as it was made"

    def armed(self, backend):
        backend.changes = list(backend.original)
        self.tell(backend, "comes back as it was")
        # A front-end that refused what it saw waits for a backend that starts afresh.
        if backend.connection:
            backend.ask_to_close()
        else:
            backend.announce()
