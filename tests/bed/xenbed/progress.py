# SPDX-License-Identifier: GPL-2.0-only
"""What the bed is doing and for how long, on stderr; stdout belongs to results."""
import contextlib
import sys
import threading
import time

_start = time.monotonic()
_lock = threading.Lock()
_live = ""


class BedError(Exception):
    """The bed cannot go on; the text tells a person what to do about it."""


def elapsed():
    return time.monotonic() - _start


def _tty():
    return sys.stderr.isatty()


def say(text):
    with _lock:
        erase = "\r\033[K" if _tty() and _live else ""
        sys.stderr.write(f"{erase}[{elapsed():6.1f} s] {text}\n")
        if _tty() and _live:
            sys.stderr.write(_live)
        sys.stderr.flush()


def live(text):
    """The one line that is overwritten while something goes on; nothing when not at a terminal."""
    global _live
    with _lock:
        if not _tty() or text == _live:
            return
        _live = text
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()


@contextlib.contextmanager
def step(text):
    """Says what begins, and how long it took when it has ended."""
    began = time.monotonic()
    say(f"{text} ...")
    ticking = threading.Event()

    def tick():
        while not ticking.wait(1):
            live(f"           {text}: {time.monotonic() - began:.0f} s")

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    outcome = "failed"
    try:
        yield
        outcome = "done"
    finally:
        ticking.set()
        ticker.join()
        live("")
        say(f"{text}: {outcome}, {time.monotonic() - began:.1f} s")
