# SPDX-License-Identifier: GPL-2.0-only
"""A console's backend: keeps what the front-end has written in the file `.out`; types what an order says."""
import conif
import control
import events
from offer import Offer


class Connection(events.Connection):
    def taken(self, requests):
        with open(control.file(self.backend.device, "out"), "ab") as out:
            for request in requests:
                out.write(request.data)


class ConsoleBackend(events.EventBackend):
    def make_offer(self):
        return Offer({"protocol": "vt100"}, {}, self.changes)

    def make_connection(self, read):
        return Connection(self, conif.Page, [int(read("ring-ref"))], int(read("port")))
