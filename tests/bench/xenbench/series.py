# SPDX-License-Identifier: GPL-2.0-only
"""In-tree and ours in turn: A B A B ... A, so that every B lies between two A's."""
import collections
import dataclasses
import statistics
import time

from xenbed import progress

from . import counts, driver, fio, machine

INTREE, OURS, FLOOR = "in-tree", "xenfront", "floor"


@dataclasses.dataclass(frozen=True)
class Sample:
    row: str
    who: str
    turn: int
    value: float
    ios: int
    per_io: dict


class Clock:
    """How long the rest takes, from what the jobs so far took."""

    def __init__(self, jobs):
        self.jobs, self.done, self.began = jobs, 0, time.monotonic()

    def tick(self, what):
        self.done += 1
        spent = time.monotonic() - self.began
        left = spent / self.done * (self.jobs - self.done)
        progress.say(f"{self.done}/{self.jobs} {what}; {left // 60:.0f} min {left % 60:02.0f} s left")


class Series:
    def __init__(self, guest, rows, rounds, seconds):
        self.guest, self.rows, self.rounds, self.seconds = guest, rows, rounds, seconds
        self.samples = []
        self.clock = Clock(len(rows) * (3 * rounds + 1))

    def _turn(self, who, turn, device):
        counters = counts.Counts(self.guest) if who != FLOOR else None
        for row in self.rows:
            before = counters.read() if counters else None
            result = fio.run(self.guest, row, f"/dev/{device}", self.seconds)
            per_io = counts.per_io(before, counters.read(), result.ios) if counters else {}
            self.samples.append(Sample(row.name, who, turn, row.value(result), result.ios, per_io))
            self.clock.tick(f"{who}, {row.in_words}: {row.value(result):.0f} {row.unit}")

    def run(self):
        for turn in range(self.rounds):
            self._with(driver.intree, INTREE, turn)
            self._with(driver.ours, OURS, turn)
            self._turn(FLOOR, turn, machine.FLOOR.rsplit("/", 1)[-1])
        # The last A closes the last pair and the last control.
        self._with(driver.intree, INTREE, self.rounds)

    def _with(self, make, who, turn):
        with make(self.guest):
            self._turn(who, turn, driver.DISK)


@dataclasses.dataclass(frozen=True)
class Spread:
    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values):
        return cls(statistics.median(values), min(values), max(values)) if values else None


class Summary:
    """A row's figures out of the samples of a series."""

    def __init__(self, row, samples):
        self.row = row
        by_turn = collections.defaultdict(dict)
        for sample in samples:
            if sample.row == row.name:
                by_turn[sample.who][sample.turn] = sample
        value = {who: {turn: s.value for turn, s in turns.items()} for who, turns in by_turn.items()}
        self.figures = {who: Spread.of(list(turns.values())) for who, turns in value.items()}
        a, b = value[INTREE], value[OURS]
        self.ratio = Spread.of([b[turn] / ((a[turn] + a[turn + 1]) / 2) for turn in b])
        self.control = Spread.of([a[turn + 1] / a[turn] for turn in b])
        self.per_io = {who: {name: self._median(turns, name) for name in counts.NAMES}
                       for who, turns in by_turn.items() if who != FLOOR}

    @staticmethod
    def _median(turns, name):
        found = [s.per_io[name] for s in turns.values() if s.per_io[name] is not None]
        return statistics.median(found) if found else None

    @property
    def verdict(self):
        if self.ratio.median < 1.0:
            return "SLOWER"
        return "reached" if self.ratio.median >= self.row.aim else "below aim"
