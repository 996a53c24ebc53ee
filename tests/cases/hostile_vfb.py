# SPDX-License-Identifier: GPL-2.0-only
"""Screens whose backends lie (tests/hostile): what is drawn is what they can see, whatever they say, and what makes no
sense is named in the log once."""
import hashlib
import random
import re

from xenbed import case, picture

import _fbfront as fb
import _hostile
from _hostile import BROKEN, Trial

BAD_OUT = r"backend claims event \d+ when it was sent \d+" + BROKEN
BAD_IN = r"backend claims \d+ events in a ring of 25" + BROKEN
TYPE = r"backend sends an event of type \d+: passed over, as all that follow"
REFUSED = r"backend \S+ refuses what it is offered"
LEFT = r"backend \S+ did not let go of the screen: \d+ KiB stay what they are"
SIZE = "--set width=640 --set height=480"
SENSELESS = ("0", "-1", "2147483648", "text", "", "9" * 40)
BOUNDED = ("width", "height", "videoram")
SLOTS, LARGEST, TURN, TURNS = 51, 1024 * 768 * 4, 4096, 64
# In the guest from its beginning: by way of its console they would take minutes.
DOTS = random.Random(1).randbytes(LARGEST + TURN * TURNS)


class Bench(_hostile.Single):
    tool = "vfb"

    def __init__(self, host, guest):
        super().__init__(host, guest)
        self.turn = 0

    # -- what is drawn ----------------------------------------------------------------------------------

    def create(self, setup=SIZE):
        super().create(setup)
        self.opened()

    def opened(self):
        """The screen's file, on which nobody else draws."""
        folder = "/sys/bus/xen/devices/vfb-0/graphics"
        self.guest.wait_for(f"test -e {folder}/fb*/virtual_size", what="a framebuffer of vfb-0")
        fb.still(self.guest)
        self.fb = self.guest.run(f"ls {folder}").out.strip()
        # Without a console on it nobody has set a mode.
        self.guest.run(f"echo 0 > {folder}/{self.fb}/blank; sleep 1")
        self.width, self.height = map(int, self.guest.run(f"cat {folder}/{self.fb}/virtual_size").out.split(","))
        self.drawn = bytearray(self.width * self.height * 4)

    def put(self, pieces):
        """Pieces of the dots on the screen: (where they begin there, where on the screen, how many bytes)."""
        self.guest.run("; ".join(
            f"dd if=/dots of=/dev/{self.fb} bs=1M iflag=skip_bytes,count_bytes oflag=seek_bytes conv=notrunc "
            f"skip={begin} seek={place} count={length} status=none" for begin, place, length in pieces))
        for begin, place, length in pieces:
            self.drawn[place:place + length] = DOTS[begin:begin + length]

    def draw(self):
        """All of the screen, and other dots each time."""
        self.turn = (self.turn + 1) % TURNS
        self.put([(self.turn * TURN, 0, len(self.drawn))])

    def visible(self, mode):
        """The part of what is drawn that a mode has, as a picture."""
        width, height = map(int, mode.split("x"))
        rows = b"".join(self.drawn[y * self.width * 4:(y * self.width + width) * 4] for y in range(height))
        rgb = bytearray(width * height * 3)
        for channel in range(3):
            rgb[channel::3] = rows[2 - channel::4]
        return picture.Picture(width, height, bytes(rgb))

    # -- what the backend has ---------------------------------------------------------------------------

    def file(self, suffix):
        return f"/run/hostile/{self.domid}-vfb-0.{suffix}"

    def pictures(self):
        """The mode, "" if there is none, and the sums of what is in the memory and of what updates have told of it."""
        mode = self.orders([("lie", 0, "picture")])[0]["mode"]
        found = self.dom0.run(f"sha256sum {self.file('memory')} {self.file('seen')}", check=False).out
        return mode, [line.split()[0] for line in found.splitlines()]

    def shown(self, both=True, timeout=60):
        """That the backend has what is drawn, to the pixel; in its memory and, if both, by what it is told."""
        mode = ""

        def same():
            nonlocal mode
            mode, found = self.pictures()
            if not mode:
                return False
            wanted = self.visible(mode)
            right = hashlib.sha256(f"P6 {wanted.width} {wanted.height} 255\n".encode() + wanted.pixels).hexdigest()
            return len(found) == 2 and all(one == right for one in found[:1 + both])

        def difference():
            if not mode:
                return "the backend is connected"
            found = [self.visible(mode).difference(picture.from_ppm(self.dom0.get(self.file(name)))) or "the same"
                     for name in ("memory", "seen")]
            return f"what is drawn is seen; memory: {found[0]}; updates: {found[1]}"

        fb.wait_until(same, difference, timeout)

    def works(self):
        self.draw()
        self.shown()

    def provoke(self):
        self.draw()

    def updates(self):
        return self.show()["updates"]

    def modes(self):
        return self.guest.run("cat /sys/bus/xen/devices/vfb-0/drm/card*/card*-Virtual-1/modes").out.split()

    # -- what is tried ----------------------------------------------------------------------------------

    def parts(self):
        """Small pieces anywhere: what the updates leave out would not be seen."""
        rng = random.Random(2)
        for _ in range(5):
            self.put([(rng.randrange(LARGEST), place, min(rng.randrange(4, 9000), len(self.drawn) - place))
                      for place in (rng.randrange(len(self.drawn) - 4) for _ in range(6))])
            self.shown()

    def unwatched(self):
        """Nobody looks: no event and no copy; somebody does again: all of it, without anything being drawn."""
        self.lie("period=0")
        fb.wait_until(lambda: fb.account(self.guest)["watched"] == 0, "the driver knows that nobody looks")
        before, events = self.pictures(), self.updates()
        self.draw()
        self.guest.run("sleep 2")
        assert self.pictures() == before, "something was copied"
        assert self.updates() == events, f"{self.updates() - events} updates"
        self.lie("period=40")
        self.shown()

    def full(self):
        """The ring is full: users do not wait, and what they have drawn comes in one update when there is room."""
        before, merged = self.updates(), fb.account(self.guest)["merged"]
        self.orders([("lie", 0, "period=8"), ("lie", 0, "stall=60")])
        for turn in range(40):
            self.put([(turn * 40 + n * 4, (turn * 10 + n) * 4096 % len(self.drawn), 4) for n in range(10)])
            if fb.account(self.guest)["merged"] > merged + 5:
                break
        assert fb.account(self.guest)["merged"] > merged + 5, "the ring is never full"
        assert "stall" not in self.show()["told"], "the machine is too slow for this"
        self.draw()
        fb.wait_until(lambda: "stall" in self.show()["told"], "the backend takes events again", 90)
        self.shown()
        assert self.updates() - before <= SLOTS + 5, f"{self.updates() - before} updates"

    def without_updates(self):
        self.draw()
        self.shown(both=False)
        assert self.updates() == 0, f"{self.updates()} updates that nobody has asked for"

    def one_mode(self):
        assert self.modes() == ["640x480"], self.modes()
        self.works()

    def preferred(self, width, height):
        """Keys that change while it is connected are the mode that users are told to prefer."""
        mode = f"{width}x{height}"
        self.lie(f"live-key=width:{width}+height:{height}")
        fb.wait_until(lambda: fb.account(self.guest)["preferred"] == mode, f"{mode} is preferred")
        fb.wait_until(lambda: self.modes()[:1] == [mode], lambda: f"the first mode is {mode}: {self.modes()}")
        self.guest.run("sleep 1")
        self.works()

    def fixed(self):
        """No other mode any more, while it is connected: users are told that there is only theirs."""
        self.lie("live-key=feature-resize:0")
        fb.wait_until(lambda: self.modes() == [self.show()["mode"]], lambda: f"there is one mode: {self.modes()}")
        self.works()

    def silent(self):
        """Nothing is ever taken from the ring, until the backend comes back."""
        self.lie("silence")
        for turn in range(8):
            self.put([(turn * 40 + n * 4, n * 4096, 4) for n in range(10)])
        self.comes_back("restore")
        self.works()

    def keys(self, setup, lines, mode):
        """A screen of its own, whose keys are named in the log, each once, and count as not there."""
        said, wrong = len(self.lines()), []
        try:
            self.create(setup)
            found = fb.account(self.guest)["preferred"]
            wrong += [f"{found} is preferred, not {mode}"] * (found != mode)
            self.works()
        except AssertionError as error:
            wrong.append(str(error))
        found = self.lines()[said:]
        wrong += [f"no line like \"{line}\"" for line in lines if not any(re.search(line, text) for text in found)]
        wrong += ["the log says: " + " | ".join(found)] * (len(found) != len(lines))
        self.result(setup, "; ".join(wrong))
        self.remove()

    # -- the end ----------------------------------------------------------------------------------------

    def again(self):
        """The backend is started, and has everything."""
        self.start_again(0)
        self.connected()
        self.works()

    def left(self):
        """Its state is removed while it has the screen: that stays what it is, and the next one gets it."""
        before = len(fb.lines(self.guest, LEFT))
        self.state_removed()
        fb.wait_until(lambda: len(fb.lines(self.guest, LEFT)) > before, "the log says that the screen was left behind")
        self.again()

    def senseless_now(self):
        self.lie("live-key=width:0")
        self.guest.run("sleep 2")
        self.works()

    def unbound(self):
        """The driver lets go of it while nobody is there."""
        folder = "/sys/bus/xen/drivers/xen-fbfront"
        self.guest.run(f"echo vfb-0 > {folder}/unbind", timeout=60)
        self.start_again(0)
        self.guest.run(f"echo vfb-0 > {folder}/bind")
        self.connected()
        self.opened()
        self.works()

    def finish(self):
        # A ring that was left to its backend stays granted.
        self.grants_before += len(fb.lines(self.guest, LEFT))
        self.driver_removed("xen-fbfront", "vfb")
        self.orders([("remove", 0, "--patience 40 --force")], check=False)


def hostile(function):
    """Declares a case: a guest without a screen, and what function does to the bench."""
    return case(type="pv", kernel="6.1", extra=fb.ALONE, load=["xen:vfb"], files={"dots": DOTS}, long=True)(
        _hostile.booked(Bench, function))


@hostile
def pixels(bench):
    "An honest backend has what is drawn to the pixel, from updates alone; seldom, often, not at all, and with a full ring."
    bench.create()
    bench.check("all of it", bench.works)
    bench.check("parts of it", bench.parts)
    bench.check("nobody looks", bench.unwatched)
    bench.run([Trial("period=1"), Trial("period=4294967295"), Trial("period=40")])
    bench.check("nobody looks, again", bench.unwatched)
    bench.check("the ring is full", bench.full)
    bench.remove()
    bench.create(f"{SIZE} --set request-update=0")
    bench.check("updates that nobody wants", bench.without_updates)
    bench.remove()
    bench.create(f"{SIZE} --set feature-resize=0")
    bench.check("a backend of one mode", bench.one_mode)
    bench.remove()
    bench.create()


@hostile
def indices(bench):
    "Indices and events that cannot be: named once, and everything is seen again afterwards."
    # On two devices: each break in a row doubles the time to the next connection.
    bench.create()
    bench.run([Trial("type=0", TYPE), Trial("type=2"), Trial("type=255"), Trial("out-cons=-20"),
               Trial("out-cons=1", BAD_OUT), Trial("out-cons=-52", BAD_OUT), Trial("out-cons=2147483648", BAD_OUT)])
    bench.remove()
    bench.create()
    bench.run([Trial("in-prod=26", BAD_IN), Trial("in-prod=2147483648", BAD_IN), Trial("in-prod=-1", BAD_IN),
               Trial("page-garbage", f"{BAD_IN}|{BAD_OUT}")])
    bench.check("storm", bench.storm)


@hostile
def connection(bench):
    "Backends that close, refuse, die, jump about, never take anything, or are gone without a word: nothing is lost."
    bench.create()
    bench.run([Trial("restore", connects=2), Trial("refuse=3", REFUSED, connects=2)])
    bench.run([Trial(f"states={jumps}", LEFT, optional=True)
               for jumps in ("1.4", "4.1.4", "5", "6", "99.4", "abc.4", "-.4", "7.8.4")])
    bench.check("silence", bench.silent)
    bench.orders([("kill", 0, "")])
    bench.check("death", bench.again)
    bench.remove()
    bench.create()
    bench.judge("gone without a word", LEFT, bench.left)
    bench.judge("gone again", LEFT, bench.left)
    bench.state_removed()
    bench.guest.run("sleep 3")
    bench.check("unbound while nobody is there", bench.unbound)


@hostile
def keys(bench):
    "Sizes and memory that make no sense, or not together, and modes that change while it is connected."
    for turn in range(len(SENSELESS)):
        bench.keys(" ".join(f"--set {key}={SENSELESS[turn - place]}" for place, key in enumerate(BOUNDED)),
                   [rf'backend key "{key}": ".*" is not a number from \d+ to \d+' for key in BOUNDED], "1024x768")
    bench.keys("--set width=640", [], "1024x768")
    bench.keys(f"{SIZE} --set videoram=2", [], "640x480")
    bench.keys(f"{SIZE} --set videoram=1", [r'"videoram": 1 MiB are not enough for 640x480'], "512x384")
    bench.keys("--set width=16384 --set height=16384", [r'"videoram": \d+ MiB are not enough for 16384x16384'], "1024x768")
    bench.create()
    bench.check("a smaller mode is preferred", bench.preferred, 512, 384)
    bench.check("the first mode again", bench.preferred, 640, 480)
    bench.check("no other mode any more", bench.fixed)
    bench.judge("live-key=width:0", r'backend key "width": "0" is not a number', bench.senseless_now)
