# SPDX-License-Identifier: GPL-2.0-only
"""Keyboard and pointer: what is typed and pointed at in a viewer of the guest's screen, as programs in the guest read it."""
from xenbed import case
from xenbed.screen import button, key, place

import _fbfront as fb
import _kbdfront as kbd
from _qemu import Qemu


@case(vfb=True, extra=fb.ALONE, type=["pv", "pvh"], long=["pvh"], load=["xen:vkbd", "xen:vfb", "evdev"])
def every_event(host, guest):
    "Every key, button, place and turn of the wheel, in order, and what a VNC viewer types."
    kbd.wait_until(lambda: kbd.state(guest, "vkbd-0")["phase"] == "connected", "the keyboard is connected")
    with kbd.Events(guest, kbd.KEYBOARD) as typed:
        names = list(kbd.KEYS)
        for first in range(0, len(names), 10):
            guest.screen.send(*[key(name, down) for name in names[first:first + 10] for down in (True, False)])
            # QEMU drops what finds the ring full, of 51.
            typed.wait(2 * len(names[:first + 10]))
        wanted = [(kbd.KEYS[name], down) for name in names for down in (1, 0)]
        assert typed.wait(len(wanted)) == wanted, [pair for pair in zip(typed.all(), wanted) if pair[0] != pair[1]][:4]
        with guest.screen.viewer() as viewer:
            viewer.keys([ord(letter) for letter in "xen"])
        last = typed.wait(len(wanted) + 6)[-6:]
        assert last == [(f"KEY_{letter}", 1) for letter in "XEN"] + [(f"KEY_{letter}", 0) for letter in "NEX"], last

    with kbd.Events(guest, kbd.POINTER) as pointed:
        wanted = []
        for name, code in (("left", "BTN_LEFT"), ("right", "BTN_RIGHT"), ("middle", "BTN_MIDDLE")):
            guest.screen.send(button(name, True), button(name, False))
            wanted += [(code, 1), (code, 0)]
        for x, y in ((100, 200), (32767, 32767), (0, 0), (16384, 8192)):
            guest.screen.send(*place(x, y))
            wanted += [("ABS_X", x), ("ABS_Y", y)]
        for name, turn in (("wheel-up", 1), ("wheel-down", -1)):
            guest.screen.send(button(name, True), button(name, False))
            wanted += [("REL_WHEEL", turn)]
        assert pointed.wait(len(wanted)) == wanted, pointed.all()


@case(vfb=True, extra=fb.ALONE, load=["xen:vkbd", "evdev"], long=True)
def ten_thousand(host, guest):
    "10 000 events in rows as long as the ring takes them: none is lost, none comes twice, all are in order."
    letters, turns = "abcdefghijklmnopqrstuvwxy", 200
    row = [key(name, down) for name in letters for down in (True, False)]
    wanted = [(kbd.KEYS[name], down) for name in letters for down in (1, 0)]
    with kbd.Events(guest, kbd.KEYBOARD) as typed:
        for turn in range(turns):
            guest.screen.send(*row)
            # QEMU drops what finds the ring full, of 51.
            fb.wait_until(lambda: kbd.state(guest, "vkbd-0")["events"] >= (turn + 1) * len(row), "the guest takes them", 30)
        assert typed.wait(turns * len(row)) == wanted * turns


@case(vfb=True, extra=fb.ALONE, load=["xen:vkbd", "evdev"], long=True)
def held(host, guest):
    "A key and a button that are held when the backend goes are let go of; the same devices go on with the next backend."
    before = [kbd.node(guest, name) for name in (kbd.KEYBOARD, kbd.POINTER)]
    qemu = Qemu(host, guest)
    with kbd.Events(guest, kbd.KEYBOARD) as typed, kbd.Events(guest, kbd.POINTER) as pointed:
        guest.screen.send(key("k", True), button("left", True))
        # Nothing else is read of the key: no repetition either, once it is let go of.
        typed.wait(1)
        assert pointed.wait(1) == [("BTN_LEFT", 1)], pointed.all()
        qemu.signal("KILL")
        qemu.again()
        fb.wait_until(lambda: kbd.state(guest, "vkbd-0")["connects"] > 1, "connected again")
        assert pointed.wait(2) == [("BTN_LEFT", 1), ("BTN_LEFT", 0)], pointed.all()
        seen = fb.wait_until(lambda: ("KEY_K", 0) in typed.all() and typed.all(), "the key is let go of")
        assert seen[-1] == ("KEY_K", 0) and seen[0] == ("KEY_K", 1), seen
        guest.screen.send(key("m", True), key("m", False))
        assert typed.wait(len(seen) + 2)[-2:] == [("KEY_M", 1), ("KEY_M", 0)], typed.all()[-4:]
    assert [kbd.node(guest, name) for name in (kbd.KEYBOARD, kbd.POINTER)] == before
