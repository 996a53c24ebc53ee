# SPDX-License-Identifier: GPL-2.0-only
"""What a backend announces in xenstore, and what it announces instead when it lies."""


class Offer:
    """early holds before the rings exist, late comes with Connected."""

    def __init__(self, early, late, changes=()):
        """changes: (key, value) pairs that differ; a value of None removes the key."""
        self.early, self.late = dict(early), dict(late)
        for key, value in changes:
            (self.late if key in self.late else self.early)[key] = value

    def number(self, key, otherwise):
        text = self.late.get(key, self.early.get(key))
        return int(text) if text and text.isdigit() else otherwise

    @staticmethod
    def write(store, folder, keys):
        def work():
            for key, value in keys.items():
                if value is None:
                    store.remove(f"{folder}/{key}")
                else:
                    store.write(f"{folder}/{key}", value)
        store.transaction(work)
