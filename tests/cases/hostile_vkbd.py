# SPDX-License-Identifier: GPL-2.0-only
"""Keyboards whose backends lie (tests/hostile): what cannot be is passed over and named in the log once, and what can
be arrives, each event once and in order."""
import re

from xenbed import case

import _fbfront as fb
import _hostile
import _kbdfront as kbd
from _hostile import BROKEN, Trial
from _kbdfront import KEYBOARD, POINTER

TOUCH = "Xen Virtual Multi-touch"
BAD_IN = r"backend claims \d+ events in a ring of 51" + BROKEN
KEY = r"backend reports key \d+: passed over, as all that follow"
TYPE = r"backend reports an event of type \d+: passed over, as all that follow"
CONTACT = r"backend reports contact \d+: passed over, as all that follow"
REFUSED = r"backend \S+ refuses what it is offered"
SENSELESS = ("0", "-1", "2147483648", "text", "", "9" * 40)
BOUNDED = ("width", "height", "multi-touch-num-contacts", "multi-touch-width", "multi-touch-height")
FAR = "2147483647.2147483647"
A = [("KEY_A", 1), ("KEY_A", 0)]


class Bench(_hostile.Single):
    tool = "vkbd"

    def account(self):
        """The driver's: events, and how many of them were unknown types, keys and contacts."""
        values = kbd.state(self.guest, "vkbd-0")
        odd = re.findall(r"\d+", f"{values['unknown types']}")
        return {**values, **dict(zip(("unknown types", "unknown keys", "unknown contacts"), map(int, odd)))}

    def works(self):
        """A key arrives, and nothing else does."""
        with kbd.Events(self.guest, KEYBOARD) as typed:
            self.lie("press=30")
            assert typed.wait(2) == A, typed.all()

    def names(self):
        text = self.guest.run("cat /proc/bus/input/devices").out
        return {name for name in (KEYBOARD, POINTER, TOUCH) if f'Name="{name}"' in text}

    # -- what is tried ----------------------------------------------------------------------------------

    def counted(self, counter, lies, odd):
        """So many of the events of these lies are passed over."""
        before = self.account()[counter]
        self.lie(*lies)
        kbd.wait_until(lambda: self.account()[counter] >= before + odd, lambda: f"{odd} {counter}: {self.account()}")
        assert self.account()[counter] == before + odd, self.account()

    def unknown_keys(self):
        with kbd.Events(self.guest, KEYBOARD) as typed:
            codes = (0, 0x100, 0x300, 0xffff, 0x7fffffff, 0xffffffff)
            self.counted("unknown keys", ["press=30", *(f"press={code}" for code in codes), "press=30"], 2 * len(codes))
            assert typed.wait(4) == A + A, typed.all()
            # The last key that there is: evtest has no name for it.
            self.counted("unknown keys", ["press=767"], 0)
            typed.wait(6)

    def unknown_types(self):
        self.counted("unknown types", [f"type={number}" for number in (0, 2, 6, 7, 255)], 5)
        self.works()

    def everywhere(self):
        """Places off the screen are on its edge; and where it is absolute, it does not move by anything."""
        with kbd.Events(self.guest, POINTER) as pointed:
            least = "-2147483648"
            self.lie("position=100.200.0", "position=-1.-1.0", f"position={FAR}.0", f"position={least}.{least}.0",
                     f"position=10.10.{least}", "position=10.10.2147483647", "motion=5.5.5", "position=20.20.0")
            wanted = [("ABS_X", 100), ("ABS_Y", 200), ("ABS_X", 0), ("ABS_Y", 0), ("ABS_X", 799), ("ABS_Y", 599),
                      ("ABS_X", 0), ("ABS_Y", 0), ("ABS_X", 10), ("ABS_Y", 10), ("REL_WHEEL", 32767),
                      ("REL_WHEEL", -32767), ("ABS_X", 20), ("ABS_Y", 20)]
            assert pointed.wait(len(wanted)) == wanted, pointed.all()

    def touched(self, events):
        """Where contacts are seen: (x, y), in order."""
        places = [value for name, value in events.all() if name.startswith("ABS_MT_POSITION")]
        return list(zip(places[::2], places[1::2]))

    def contacts(self):
        with kbd.Events(self.guest, TOUCH) as felt:
            self.counted("unknown contacts", ["touch=0.0.10.20", "touch=3.0.0.0", "touch=0.2.5.5", "touch=0.255.5.5",
                                              "touch=6.0.5.5", "touch=255.1.5.5", "touch=4.0.-1.-1", "touch=5.0.-1.-1",
                                              f"touch=0.1.{FAR}", "touch=3.1.0.0", "touch=1.0.0.0", "touch=1.1.0.0",
                                              "touch=3.0.0.0"], 4)
            kbd.wait_until(lambda: felt.all().count(("ABS_MT_TRACKING_ID", -1)) == 2,
                           lambda: f"both are lifted: {felt.all()}")
            assert self.touched(felt) == [(10, 20), (799, 599)], felt.all()

    def row(self):
        """More than the ring holds, at once: all of it is taken."""
        before = self.account()["events"]
        self.lie("row=500")
        kbd.wait_until(lambda: self.account()["events"] >= before + 1000,
                       lambda: f"all events are taken: {self.account()['events'] - before}")
        assert self.account()["events"] == before + 1000, self.account()

    def early(self):
        """A key that is pressed before the driver has made a keyboard of it is no unknown key."""
        self.create("--lie press=30")
        assert self.account()["unknown keys"] == 0, self.account()
        self.works()

    def without_keyboard(self):
        assert self.names() == {POINTER, TOUCH}, self.names()
        with kbd.Events(self.guest, POINTER) as pointed:
            self.counted("unknown keys", ["press=30"], 2)
            self.lie("position=7.8.0")
            assert pointed.wait(2) == [("ABS_X", 7), ("ABS_Y", 8)], pointed.all()

    def without_pointer(self):
        assert self.names() == {KEYBOARD, TOUCH}, self.names()
        self.counted("unknown keys", ["press=272"], 2)
        self.works()

    def nothing_to_point_with(self):
        self.counted("unknown types", ["position=7.8.9", "motion=7.8.9"], 2)

    def again(self):
        self.start_again(0)
        self.connected()
        self.works()

    def left(self):
        """Its state is removed while it has the page: that stays granted."""
        self.state_removed()
        self.guest.run("sleep 3")
        self.again()
        self.grants_before += 1

    def keys(self, values):
        """Devices of their own, whose keys are named in the log, each once, and count as not there."""
        said, wrong = len(self.lines()), []
        setup = " ".join(f"--set {key}={value}" for key, value in zip(BOUNDED, values))
        try:
            self.create(setup)
            state = self.account()
            if (state["screen"], state["contacts"]) != ("800x600", 1):
                wrong.append(f"screen {state['screen']}, contacts {state['contacts']}")
            self.works()
        except AssertionError as error:
            wrong.append(str(error))
        found = self.lines()[said:]
        wrong += [f"no line about {key}" for key in BOUNDED if not any(
            re.search(rf'backend key "{key}": ".*" is not a number from 1 to \d+', text) for text in found)]
        wrong += ["the log says: " + " | ".join(found)] * (len(found) != len(BOUNDED))
        self.result(setup, "; ".join(wrong))
        self.remove()

    def more_contacts(self):
        """A backend that comes back with more of them than users were told of: they are told by another device."""
        self.comes_back("key=multi-touch-num-contacts:5")
        with kbd.Events(self.guest, TOUCH) as felt:
            self.lie("touch=0.0.10.20", "touch=3.0.0.0", "touch=0.4.300.400", "touch=3.0.0.0", "touch=1.0.0.0",
                     "touch=1.4.0.0", "touch=3.0.0.0")
            kbd.wait_until(lambda: ("ABS_MT_TRACKING_ID", -1) in felt.all(), "the first one is lifted")
            assert self.touched(felt) == [(10, 20), (300, 400)], felt.all()

    def held(self):
        """A contact that is down when the backend goes is lifted."""
        with kbd.Events(self.guest, TOUCH) as felt:
            self.lie("touch=0.1.30.40", "touch=3.0.0.0")
            kbd.wait_until(lambda: self.touched(felt) == [(30, 40)], lambda: f"the contact is felt: {felt.all()}")
            self.comes_back("restore")
            kbd.wait_until(lambda: ("ABS_MT_TRACKING_ID", -1) in felt.all(), lambda: f"it is lifted: {felt.all()}", 10)
            self.lie("touch=0.0.50.60", "touch=3.0.0.0", "touch=1.0.0.0", "touch=3.0.0.0")
            kbd.wait_until(lambda: self.touched(felt) == [(30, 40), (50, 60)], lambda: f"the next one is felt: {felt.all()}")

    def relative_now(self):
        """What an absolute pointer is cannot change while it is connected."""
        with kbd.Events(self.guest, POINTER) as pointed:
            for number, keys in enumerate(("feature-abs-pointer:0", "feature-abs-pointer:1+feature-disable-pointer:1",
                                           "feature-disable-pointer:0+feature-raw-pointer:1"), 1):
                self.lie(f"live-key={keys}")
                self.guest.run("sleep 1")
                self.lie(f"position={number}.{number}.0", f"position={FAR}.0")
            wanted = [(axis, value) for number in (1, 2, 3) for axis, value in (
                ("ABS_X", number), ("ABS_Y", number), ("ABS_X", 799), ("ABS_Y", 599))]
            assert pointed.wait(len(wanted)) == wanted, pointed.all()

    def another_size(self):
        """A backend that comes back with a larger screen: users are told of it."""
        self.comes_back("key=width:1600+height:1200")
        with kbd.Events(self.guest, POINTER) as pointed:
            self.lie("position=1500.1100.0")
            assert pointed.wait(2) == [("ABS_X", 1500), ("ABS_Y", 1100)], pointed.all()
            text = self.guest.run(f"cat {pointed.file}").out
            most = re.findall(r"\(ABS_[XY]\)(?:\n.*)*?\n\s+Max\s+(\d+)", text)
            assert most == ["1599", "1199"], most

    def finish(self):
        self.driver_removed("xen-kbdfront", "vkbd")
        self.orders([("remove", 0, "--patience 40 --force")], check=False)


def hostile(function):
    """Declares a case: a guest without a keyboard, and what function does to the bench."""
    return case(type="pv", kernel="6.1", extra=fb.ALONE, load=["xen:vkbd", "evdev"], long=True,
                expect=[r"g\.e\. 0x[0-9a-f]+ still in use"])(_hostile.booked(Bench, function))


@hostile
def events(bench):
    "Keys, places, contacts and types that cannot be are passed over, and what comes between them arrives."
    bench.create()
    bench.check("a key", bench.works)
    bench.judge("unknown keys", KEY, bench.unknown_keys)
    bench.judge("unknown types", TYPE, bench.unknown_types)
    bench.check("places off the screen", bench.everywhere)
    bench.judge("unknown contacts", CONTACT, bench.contacts)
    bench.check("a thousand events", bench.row)
    bench.check("storm", bench.storm)
    bench.remove()
    bench.check("a key before there is a keyboard", bench.early)
    for key, function in (("keyboard", bench.without_keyboard), ("pointer", bench.without_pointer)):
        bench.remove()
        bench.create(f"--set feature-disable-{key}=1")
        bench.judge(f"no {key}", KEY, function)
    bench.judge("nothing to point with", TYPE, bench.nothing_to_point_with)


@hostile
def indices(bench):
    "Indices that cannot be are named, and keys arrive over the next connection, from the same devices."
    bench.create()
    bench.run([Trial("in-prod=52", BAD_IN), Trial("in-prod=2147483648", BAD_IN), Trial("in-prod=-1", BAD_IN),
               Trial("page-garbage", BAD_IN)])
    with kbd.Events(bench.guest, KEYBOARD) as typed:
        bench.run([Trial("restore", connects=2)])
        bench.check("who listens does not notice",
                    lambda: kbd.wait_until(lambda: typed.all() == A, lambda: f"a key arrives: {typed.all()}"))


@hostile
def connection(bench):
    "Backends that close, refuse, die, jump about, keep what is mapped, or are gone without a word."
    bench.create()
    bench.run([Trial("refuse=3", REFUSED, connects=2), Trial("hold-closed=4", connects=2)])
    bench.run([Trial(f"states={jumps}", optional=True)
               for jumps in ("1.4", "4.1.4", "5", "6", "99.4", "7.8.4")])
    bench.orders([("kill", 0, "")])
    bench.check("death", bench.again)
    bench.check("gone without a word", bench.left)


@hostile
def keys(bench):
    "Sizes and numbers that make no sense, and backends that come back with others."
    for turn in range(len(SENSELESS)):
        bench.keys([SENSELESS[turn - place] for place in range(len(BOUNDED))])
    bench.create()
    bench.check("another kind of pointer", bench.relative_now)
    bench.remove()
    bench.create()
    bench.check("a contact that is held", bench.held)
    bench.check("a larger screen", bench.another_size)
    bench.check("more contacts", bench.more_contacts)
