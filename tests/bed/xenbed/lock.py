# SPDX-License-Identifier: GPL-2.0-only
"""One QEMU at a time on the machine: two would spoil each other's timing."""
import contextlib
import fcntl
import os
import time

from . import paths, progress

waited = 0.0        # seconds this process has stood in a queue: not what its own work took


@contextlib.contextmanager
def held(name="bed.lock", what="another bed's QEMU"):
    global waited
    paths.CACHE.mkdir(parents=True, exist_ok=True)
    with open(paths.CACHE / name, "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip()
            with progress.step(f"waiting for {what} to end (process {owner or 'unknown'} holds "
                               f"{paths.CACHE / name})"):
                began = time.monotonic()
                fcntl.flock(lock, fcntl.LOCK_EX)
                waited += time.monotonic() - began
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
