# SPDX-License-Identifier: GPL-2.0-only
"""What the cases of keyboard and pointer share."""
import itertools
import re

from _guest import lines, log_length, state, wait_until     # noqa: F401

KEYBOARD, POINTER = "Xen Virtual Keyboard", "Xen Virtual Pointer"

# QEMU's names of keys, and the kernel's.
KEYS = {c: f"KEY_{c.upper()}" for c in "abcdefghijklmnopqrstuvwxyz1234567890"}
KEYS.update({f"f{n}": f"KEY_F{n}" for n in range(1, 13)})
KEYS.update({
    "esc": "KEY_ESC", "ret": "KEY_ENTER", "spc": "KEY_SPACE", "tab": "KEY_TAB", "backspace": "KEY_BACKSPACE",
    "shift": "KEY_LEFTSHIFT", "shift_r": "KEY_RIGHTSHIFT", "ctrl": "KEY_LEFTCTRL", "ctrl_r": "KEY_RIGHTCTRL",
    "alt": "KEY_LEFTALT", "alt_r": "KEY_RIGHTALT", "meta_l": "KEY_LEFTMETA", "up": "KEY_UP", "down": "KEY_DOWN",
    "left": "KEY_LEFT", "right": "KEY_RIGHT", "home": "KEY_HOME", "end": "KEY_END", "pgup": "KEY_PAGEUP",
    "pgdn": "KEY_PAGEDOWN", "insert": "KEY_INSERT", "delete": "KEY_DELETE", "minus": "KEY_MINUS", "equal": "KEY_EQUAL",
    "comma": "KEY_COMMA", "dot": "KEY_DOT", "slash": "KEY_SLASH", "semicolon": "KEY_SEMICOLON",
    "apostrophe": "KEY_APOSTROPHE", "grave_accent": "KEY_GRAVE", "backslash": "KEY_BACKSLASH",
    "bracket_left": "KEY_LEFTBRACE", "bracket_right": "KEY_RIGHTBRACE", "kp_0": "KEY_KP0", "kp_5": "KEY_KP5",
    "kp_add": "KEY_KPPLUS", "kp_enter": "KEY_KPENTER",
})

_files = itertools.count(1)


def node(guest, name):
    """/dev/input/eventN of the device of that name; there is one."""
    guest.run("modprobe evdev")
    found = []

    def there():
        text = guest.run("cat /proc/bus/input/devices").out
        found[:] = [re.search(r"event\d+", part).group(0) for part in text.split("\n\n")
                    if f'Name="{name}"' in part and re.search(r"event\d+", part)]
        return len(found) == 1

    wait_until(there, lambda: f"one {name}, with a node: {found}")
    return f"/dev/input/{found[0]}"


class Events:
    """with Events(guest, KEYBOARD) as events: what evtest reads meanwhile, as (name, value), without its SYN reports."""

    def __init__(self, guest, name):
        self.guest, self.node, self.file = guest, node(guest, name), f"/tmp/events-{next(_files)}"

    def __enter__(self):
        self.process = self.guest.spawn(f"exec stdbuf -oL evtest {self.node} > {self.file} 2>&1")
        wait_until(lambda: self.guest.run(f"grep -q '^Testing' {self.file}", check=False), "evtest listens")
        return self

    def __exit__(self, *_):
        self.process.kill(15)
        self.process.wait()

    def all(self):
        # Names and values alone: the whole lines of ten thousand events would take a minute by way of the console. A key's
        # value 2 is the kernel's own repetition of one that is held, as it is for long enough where all takes long.
        text = self.guest.run(rf"sed -n '/(KEY_.*value 2$/d; s/.*code [0-9]* (\([A-Z0-9_]*\)), value \(-*[0-9]*\)$/\1 \2/p' {self.file}").out
        return [(name, int(value)) for name, value in map(str.split, text.splitlines())]

    def count(self):
        return int(self.guest.run(f"grep ', code .*, value ' {self.file} | grep -vc '(KEY_.*value 2$'", check=False).out or 0)

    def wait(self, number, timeout=60):
        wait_until(lambda: self.count() >= number, lambda: f"{number} events; there are {self.count()}: {self.all()[-8:]}",
                   timeout)
        return self.all()
