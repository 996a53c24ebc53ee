# SPDX-License-Identifier: GPL-2.0-only
"""In-tree and ours in turn: A B A B ... A, so that every B lies between two A's."""
import collections
import dataclasses
import statistics
import time

from xenbed import progress

from . import subject

INTREE, OURS, FLOOR = "in-tree", "xenfront", "floor"


@dataclasses.dataclass(frozen=True)
class Sample:
    row: str
    who: str
    turn: int
    value: float
    ops: int                # I/Os or packets
    per_op: dict


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
        self.apart = collections.defaultdict(dict)      # (row, who) -> name -> figure
        self.clock = Clock(len(rows) * (3 * rounds + 1) + sum(2 * len(subject.of(row).apart) for row in rows))

    def _turn(self, who, turn, about):
        counters = about.counters(self.guest) if who != FLOOR else None
        for row in self.rows:
            if subject.of(row) is not about:
                continue
            value, ops, per_op = about.job(self.guest, row, self.seconds, counters)
            self.samples.append(Sample(row.name, who, turn, value, ops, per_op))
            self.clock.tick(f"{who}, {row.in_words}: {value:.{about.digits}f} {row.unit}")

    def run(self):
        for about in (subject.Block, subject.Net):
            if any(subject.of(row) is about for row in self.rows):
                self._alternate(about)

    def _alternate(self, about):
        for turn in range(self.rounds):
            self._with(about.intree, INTREE, turn, about)
            self._with(about.ours, OURS, turn, about)
            self._turn(FLOOR, turn, about)
        # The last A closes the last pair and the last control.
        self._with(about.intree, INTREE, self.rounds, about)
        for who, make in ((INTREE, about.intree), (OURS, about.ours)) if about.apart else ():
            with make(self.guest):
                self._count_apart(who, about)

    def _count_apart(self, who, about):
        for row in self.rows:
            if subject.of(row) is about:
                for name, function in about.apart.items():
                    self.apart[row.name, who][name] = function(self.guest, row, self.seconds)
                    self.clock.tick(f"{who}, {row.in_words}: {name} counted")

    def _with(self, make, who, turn, about):
        with make(self.guest):
            self._turn(who, turn, about)


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

    def __init__(self, row, samples, apart):
        self.row, self.about = row, subject.of(row)
        by_turn = collections.defaultdict(dict)
        for sample in samples:
            if sample.row == row.name:
                by_turn[sample.who][sample.turn] = sample
        value = {who: {turn: s.value for turn, s in turns.items()} for who, turns in by_turn.items()}
        self.figures = {who: Spread.of(list(turns.values())) for who, turns in value.items()}
        a, b = value[INTREE], value[OURS]
        self.ratio = Spread.of([b[turn] / ((a[turn] + a[turn + 1]) / 2) for turn in b])
        self.control = Spread.of([a[turn + 1] / a[turn] for turn in b])
        self.per_op = {who: {name: self._median(turns, name) for name in self.about.names}
                       for who, turns in by_turn.items() if who != FLOOR}
        for who, figures in self.per_op.items():
            figures.update(apart.get((row.name, who), {}))

    @staticmethod
    def _median(turns, name):
        found = [s.per_op[name] for s in turns.values() if s.per_op[name] is not None]
        return statistics.median(found) if found else None

    @property
    def verdict(self):
        if self.ratio.median < 1.0:
            return "SLOWER"
        return "reached" if self.ratio.median >= self.row.aim else "below aim"
