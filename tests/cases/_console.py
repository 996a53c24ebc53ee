# SPDX-License-Identifier: GPL-2.0-only
"""What the cases of consoles share."""
import re

from _guest import lines, log_length, state, wait_until     # noqa: F401


def attribute(guest, tty, name):
    """What the driver tells of a terminal: sent, received, lost, name."""
    text = guest.run(f"cat /sys/class/tty/{tty}/{name}").out.strip()
    return int(text) if text.isdigit() and name != "name" else text
