# SPDX-License-Identifier: GPL-2.0-only
"""What a screen's backend lies about beside what any device's of events can, and the truth about its pictures."""
import control
import fbif
from lies import Lie
from pagelies import EventLie, PageLie
from ring import U32


class Period(EventLie):
    name, text, default = "period", "the screen is looked at every N ms; 0: not at all", 40

    def events(self):
        return [fbif.refresh_period(self.argument)]


class OutConsumer(PageLie):
    name, text, default = "out-cons", "out_cons is N ahead of what was sent; negative: behind", 1
    keep = True

    def act(self, connection):
        page = connection.ring
        page.out_cons.value = (page.consumed + self.argument) % U32
        connection.channel.notify()
        return f"out_cons {page.out_cons.value}, really {page.consumed}"


class Pictures(Lie):
    name = "picture"
    text = "the truth: what the memory holds is written to .memory, what updates have told of it to .seen, as PPM"

    def take(self, connection, requests):
        for suffix, picture in zip(("memory", "seen"), connection.pictures()):
            control.file(connection.backend.device, suffix).write_bytes(picture)
        self.tell(connection.backend, f"{connection.mode}")
        return requests
