# SPDX-License-Identifier: GPL-2.0-only
"""What the cases of the screen share."""
import re

from _guest import lines, log_length, state, wait_until     # noqa: F401

# Keeps the kernel's own drivers away: no takeover, and QEMU shows our screen as its first one.
ALONE = "initcall_blacklist=xenfb_init,xenkbd_init"
FB0 = "/dev/fb0"


def drawn(guest):
    """What the guest has on its screen, as it reads it itself: the pixels' digest. The pixels would take half a minute
    by way of its console."""
    width, height = size(guest)
    return guest.run(f"fbcat {FB0} | tail -c {width * height * 3} | sha256sum").out.split()[0]


def still(guest):
    """No cursor that blinks, and nothing that is printed: the picture stays what it is."""
    guest.run("dmesg -n 1; echo 0 > /sys/class/graphics/fbcon/cursor_blink; printf '\\033[?25l' > /dev/tty1")


def shown(guest, keep=""):
    """That a VNC viewer sees what the guest has drawn; the picture."""
    found = []

    def same():
        # The kernel may print something at any time.
        found[:] = [drawn(guest), guest.screen.picture(keep)]
        return found[0] == found[1].digest

    wait_until(same, lambda: f"the viewer sees what is drawn; it is {found[1].width}x{found[1].height}, {found[1].digest} "
                             f"and not {found[0]}", 120)
    return found[1]


def draw(guest):
    """Random pixels all over the screen, through /dev/fb0; their digest."""
    width, height = size(guest)
    guest.run(f"head -c {width * height * 4} /dev/urandom > /tmp/dots; cat /tmp/dots > {FB0}; "
              f"head -c {width * height * 4} {FB0} | cmp - /tmp/dots")
    return drawn(guest)


def size(guest):
    words = guest.run("cat /sys/class/graphics/fb0/virtual_size").out.split(",")
    return int(words[0]), int(words[1])


def modes(guest):
    """As a program is told that asks. Without asking there is the answer to whoever asked last, and the kernel's own fbdev
    wants to hear of no mode that is larger than its frame buffer."""
    return guest.run("cd /sys/class/drm/card0-Virtual-1 && echo detect > status && cat modes").out.split()


# modetest's first row, as viewers show it.
SMPTE = [(192, 192, 192), (192, 192, 0), (0, 192, 192), (0, 192, 0), (192, 0, 192), (192, 0, 0), (0, 0, 192)]


class Modetest:
    """with Modetest(guest, "800x600"): the mode is set, and a test pattern is drawn, by a program that waits."""

    def __init__(self, guest, mode):
        self.guest, self.mode = guest, mode

    def __enter__(self):
        found = guest_connector(self.guest)
        self.process = self.guest.spawn(f"modetest -M xen-fbfront -s {found}:{self.mode}")
        return self

    def __exit__(self, *_):
        self.process.write(b"\n")
        self.process.wait(timeout=60)


def guest_connector(guest):
    text = guest.run("modetest -M xen-fbfront -c").out
    return re.search(r"^(\d+)\s.*Virtual", text, re.M).group(1)


def of_size(guest, mode):
    """What the viewer sees, if it is of that size."""
    seen = guest.screen.picture()
    return seen if f"{seen.width}x{seen.height}" == mode else None


def account(guest):
    """The driver's account of the screen; its counters by name."""
    values = state(guest, "vfb-0")
    text = f"updates: {values['updates']}"
    for name, number in re.findall(r"(\w+): (\d+)", text):
        values[name] = int(number)
    return values


def driver(guest):
    return guest.run("readlink -f /sys/bus/xen/devices/vfb-0/driver").out.strip()


def connected(guest):
    wait_until(lambda: guest.run("grep -q '^phase: connected' /sys/kernel/debug/xenfront/vfb-0/state && test -e /dev/fb0",
                                 check=False), "the screen is connected")


def backend(guest):
    return f"/local/domain/0/backend/vfb/{guest.id}/0"
