# SPDX-License-Identifier: GPL-2.0-only
"""What the cases of every driver share: a guest's kernel log, and waiting."""
import shlex
import time


def lines(guest, pattern, since=0):
    """Lines of the guest's kernel log that match, after the first ones."""
    return guest.run(f"dmesg | tail -n +{since + 1} | grep -P {shlex.quote(pattern)}", check=False).out.splitlines()


def log_length(guest):
    return int(guest.run("dmesg | wc -l").out)


def wait_until(condition, what, timeout=60):
    """Until a function is true; its last value is returned. what is a text, or a function that makes one."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(0.3)
