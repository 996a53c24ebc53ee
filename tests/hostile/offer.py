# SPDX-License-Identifier: GPL-2.0-only
"""What a backend announces in xenstore, and what it announces instead when it lies."""

# The keys of a vbd; those that hold before the rings exist, and those that come with Connected.
EARLY = {
    "max-ring-page-order": "4", "feature-max-indirect-segments": "256", "feature-flush-cache": "1",
    "feature-barrier": "1", "feature-discard": "1", "discard-granularity": "4096", "discard-alignment": "0",
    "discard-secure": "0", "feature-persistent": "0", "multi-queue-max-queues": "1",
}
LATE = {"info": "0", "sector-size": "512", "physical-sector-size": "512"}
MAX_ORDER = 4


class Offer:
    def __init__(self, sectors, changes=()):
        """changes: (key, value) pairs that differ from the above; a value of None removes the key."""
        self.early, self.late = dict(EARLY), dict(LATE, sectors=str(sectors))
        for key, value in changes:
            (self.late if key in self.late else self.early)[key] = value
        self.real = sectors

    @staticmethod
    def _number(text, otherwise):
        return int(text) if text and text.isdigit() else otherwise

    @property
    def sectors(self):
        return self._number(self.late["sectors"], self.real)

    @property
    def block(self):
        size = self._number(self.late["sector-size"], 512)
        return size if size in (512, 1024, 2048, 4096) else 512

    @staticmethod
    def write(store, folder, keys):
        def work():
            for key, value in keys.items():
                if value is None:
                    store.remove(f"{folder}/{key}")
                else:
                    store.write(f"{folder}/{key}", value)
        store.transaction(work)
