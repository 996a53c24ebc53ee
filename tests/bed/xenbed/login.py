# SPDX-License-Identifier: GPL-2.0-only
"""Logging in on a guest's console as a person would, then starting the agent from the shell."""
import re
import time

from .progress import BedError

PROMPT = re.compile(rb"[#$] (\x1b\[[0-9;?]*[a-zA-Z])*$")


def tail(guest):
    """What stands on the console's last, unfinished line."""
    return bytes(guest.agent.wire.line)


def wait_for(guest, what, matches, patience=None):
    """patience: seconds after which a prompt is asked for anew, once in so many: the kernel may have written after the first one."""
    began = time.monotonic()
    while not matches(tail(guest)):
        if guest.agent.gone:
            raise guest.agent.gone_error()
        guest.host.judge(f"{guest.name}: waiting for {what}")
        if patience and time.monotonic() - began > patience:
            guest.relay.write(b"\n")
            began = time.monotonic()
        time.sleep(0.2)


def asks(line):
    return line.rstrip().endswith(b"login:")


def wait_login(guest):
    wait_for(guest, "a login prompt", asks, patience=30)


def start_agent(guest):
    wait_login(guest)
    guest.relay.write(b"root\n")
    wait_for(guest, "a shell", PROMPT.search, patience=30)
    guest.relay.write(b"exec python3 -SE /bed/agent.py --console /dev/hvc0\n")
    # It takes the shell's place: the next login prompt is its end.
    wait_for(guest, "its agent", lambda line: guest.agent.hello or asks(line))
    if not guest.agent.hello:
        raise BedError(f"{guest.name}: the agent has ended; the end of its console:\n{guest.log[-800:]}")
