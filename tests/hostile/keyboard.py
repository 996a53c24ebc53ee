# SPDX-License-Identifier: GPL-2.0-only
"""A keyboard's backend, with a pointer and a touch screen. Everything it says is an order's: see kbdlies.py."""
import events
import kbdif
from offer import Offer

KEYS = {
    "feature-disable-keyboard": "0", "feature-disable-pointer": "0", "feature-abs-pointer": "1", "width": "800",
    "height": "600", "feature-multi-touch": "1", "multi-touch-num-contacts": "2", "multi-touch-width": "800",
    "multi-touch-height": "600",
}


class KeyboardBackend(events.EventBackend):
    def make_offer(self):
        return Offer(KEYS, {}, self.changes)

    def make_connection(self, read):
        return events.Connection(self, kbdif.Page, [int(read("page-gref"))], int(read("event-channel")))
