# SPDX-License-Identifier: GPL-2.0-only
"""What a backend of any kind lies about in xenstore: states that nobody expects, and a device that is another
one when it comes back."""
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


class Refuse(Lie):
    name, text, default = "refuse", "goes away, and refuses what the front-end offers then, N times", 3

    def armed(self, backend):
        if backend.connection:
            backend.ask_to_close()

    def refuses(self, backend):
        self.argument -= 1
        if not self.argument:
            self.tell(backend, "refused the last offer")
        return True


class Other(Lie):
    """The device goes away and comes back with other keys; for good, until "restore"."""
    changes = {}

    def take(self, connection, requests):
        if requests and not self.over:
            self.reopen(connection.backend)
        return requests

    def change(self, backend):
        backend.changes = [pair for pair in backend.changes if pair[0] not in self.keys(backend)]
        backend.changes += list(self.keys(backend).items())

    def reopen(self, backend):
        self.change(backend)
        self.tell(backend, f"comes back with {self.keys(backend)}")
        if backend.connection:
            backend.ask_to_close()

    def keys(self, backend):
        return self.changes


class Key(Other):
    name = "key"
    text = "comes back with KEY:VALUE+KEY:VALUE... in xenstore; without :VALUE the key is gone"
    default = "info:0"

    def keys(self, backend):
        parts = [part.partition(":") for part in self.argument.split("+")]
        return {key: value if colon else None for key, colon, value in parts}


class LiveKey(Key):
    name, text = "live-key", "as \"key\", without going away: the keys change under the connection"

    def reopen(self, backend):
        self.change(backend)
        backend.offer.write(backend.store, backend.folder, self.keys(backend))
        self.tell(backend, f"has {self.keys(backend)} now")


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
