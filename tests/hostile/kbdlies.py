# SPDX-License-Identifier: GPL-2.0-only
"""What a keyboard's backend reports. With other arguments it is no lie at all."""
import kbdif
from pagelies import EventLie


class Press(EventLie):
    name, text, default = "press", "key N is pressed and let go of; 30 is A", 30

    def events(self):
        return [kbdif.key(self.argument, pressed) for pressed in (1, 0)]


class Row(EventLie):
    name, text, default = "row", "N keys, from A to L by turns, are pressed and let go of", 10

    def events(self):
        return [kbdif.key(30 + turn % 9, pressed) for turn in range(self.argument) for pressed in (1, 0)]


class Numbers(EventLie):
    """Of an argument N.N.N."""

    def numbers(self):
        return [int(number) for number in self.argument.split(".")]

    def __init__(self, argument=None):
        super().__init__(argument)
        if len(self.numbers()) != self.default.count(".") + 1:
            raise ValueError(f"lie \"{self.name}\": \"{self.argument}\" is not like {self.default}")


class Motion(Numbers):
    name, text, default = "motion", "the pointer moves by X.Y, the wheel turns by the third", "1.1.0"

    def events(self):
        return [kbdif.move(kbdif.MOTION, *self.numbers())]


class Position(Numbers):
    name, text, default = "position", "the pointer is at X.Y, the wheel turns by the third", "1.1.0"

    def events(self):
        return [kbdif.move(kbdif.POSITION, *self.numbers())]


class Touch(Numbers):
    name, text, default = "touch", "WHAT.CONTACT.X.Y: 0 is down, 1 up, 2 motion, 3 the end of a frame", "0.0.1.1"

    def events(self):
        return [kbdif.touch(*self.numbers())]
