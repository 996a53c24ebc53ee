# SPDX-License-Identifier: GPL-2.0-only
"""The rows of the table: one job each, and how much better than in-tree it is meant to be."""
import dataclasses
import fnmatch

from xenbed.progress import BedError

from . import netrow


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    rw: str                 # fio's --rw
    size: str               # fio's --bs
    depth: int
    unit: str               # IOPS or MB/s
    aim: float              # ours / in-tree
    in_words: str

    @property
    def writes(self):
        return "write" in self.rw

    def value(self, result):
        """The row's figure out of one fio result."""
        return result.iops if self.unit == "IOPS" else result.mb_per_s


BLOCK = (
    Row("randread-4k-qd1", "randread", "4k", 1, "IOPS", 1.10, "4k random read, QD1"),
    Row("randread-4k-qd32", "randread", "4k", 32, "IOPS", 1.25, "4k random read, QD32"),
    Row("randwrite-4k-qd32", "randwrite", "4k", 32, "IOPS", 1.25, "4k random write, QD32"),
    Row("read-128k-qd8", "read", "128k", 8, "MB/s", 1.15, "128k read, QD8"),
    Row("read-1m-qd4", "read", "1m", 4, "MB/s", 1.40, "1M read, QD4"),
    Row("write-1m-qd4", "write", "1m", 4, "MB/s", 1.40, "1M write, QD4"),
)
ROWS = BLOCK + netrow.ROWS
MEMORY = "memory"           # the one that is not a fio job: see memory.py
MEMORY_AIM_KIB = 1024


def select(text, names=None):
    """The names (of ROWS, and MEMORY) that a comma-separated list of names or globs means."""
    names = names or [row.name for row in ROWS] + [MEMORY]
    if not text:
        return names
    chosen = set()
    for pattern in text.split(","):
        found = fnmatch.filter(names, pattern.strip())
        if not found:
            raise BedError(f"--rows: no row is called {pattern.strip()!r}; there are {', '.join(names)}")
        chosen.update(found)
    return [name for name in names if name in chosen]


def find(name):
    return next(row for row in ROWS if row.name == name)
