# SPDX-License-Identifier: GPL-2.0-only
"""Tells a hang from slowness: an emulated machine is slow, so only the lack of any progress counts."""
import threading
import time

from .progress import BedError

QUIET = 90          # seconds without a byte on any console or agent, and without work on CPU or disk
SPINNING = 600      # seconds without a byte or a disk request while some domain still burns CPU
SAMPLE = 10
ANSWER = 150        # seconds that dom0 may take to say what it has counted
BUSY = 0.05         # share of a CPU that counts as working

COUNTERS = ("xl list | tail -n +2 | sed 's/.* //'; echo; "
            "cat /sys/bus/xen-backend/devices/vbd-*/statistics/*_req "
            "/sys/bus/xen-backend/devices/vif-*/net/*/statistics/*_packets 2>/dev/null; true")


class Stalled(BedError):
    pass


class Watch:
    def __init__(self, dom0):
        self.dom0 = dom0
        now = time.monotonic()
        self.bytes_at = self.work_at = self.cpu_at = self.sampled_at = now
        self.counters = None
        self.lock = threading.Lock()
        self.here = threading.local()

    def touch(self):
        """Something was heard from a machine."""
        self.bytes_at = time.monotonic()

    def judge(self, what):
        """Called now and then by whoever waits; raises Stalled."""
        now = time.monotonic()
        if now - self.bytes_at < SAMPLE * 2 or getattr(self.here, "sampling", False):
            return
        with self.lock:
            if now - self.sampled_at >= SAMPLE:
                self._sample(what)
            now = time.monotonic()
            alive = max(self.bytes_at, self.work_at)
            if now - max(alive, self.cpu_at) > QUIET:
                raise Stalled(f"hang: nothing has moved for {now - max(alive, self.cpu_at):.0f} s "
                              f"(no output, no disk or network work, no CPU time). Waited for {what}")
            if now - alive > SPINNING:
                raise Stalled(f"hang: CPU time passes, but no output and no disk or network work for "
                              f"{now - alive:.0f} s. Waited for {what}")

    def _sample(self, what):
        self.here.sampling = True
        heard = self.bytes_at
        try:
            text = self.dom0.agent.run(COUNTERS, timeout=ANSWER).out
        except TimeoutError:
            raise Stalled(f"hang: dom0 does not answer. Waited for {what}") from None
        finally:
            self.here.sampling = False
            self.bytes_at = heard       # our own question is no progress
        now = time.monotonic()
        seconds, _, requests = text.partition("\n\n")
        sample = ([float(s) for s in seconds.split()], sum(int(n) for n in requests.split()))
        if self.counters:
            busy = sum(sample[0]) - sum(self.counters[0])
            if busy > BUSY * (now - self.sampled_at) * max(1, len(sample[0])):
                self.cpu_at = now
            if sample[1] != self.counters[1]:
                self.work_at = now
        self.counters, self.sampled_at = sample, now
