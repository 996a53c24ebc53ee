# SPDX-License-Identifier: GPL-2.0-only
"""KTAP version 1 (Documentation/dev-tools/ktap.rst): written for the bed's cases, read from the guests' tests."""
import re
import sys

RESULT = re.compile(r"^\s*(not )?ok (\d+)\b(?:\s*-?\s*)(.*?)(?:\s+#\s*(SKIP|TODO|XFAIL|TIMEOUT|ERROR)\b\s*(.*))?$", re.I)


class Writer:
    def __init__(self, out=sys.stdout):
        self.out = out
        self.number = 0
        self.counts = {"pass": 0, "fail": 0, "skip": 0}

    def line(self, text):
        self.out.write(text + "\n")
        self.out.flush()

    def begin(self, count):
        self.line("KTAP version 1")
        self.line(f"1..{count}")

    def comment(self, text, depth=0):
        for line in text.splitlines():
            self.line("  " * depth + "# " + line.rstrip())

    def nested(self, text):
        """A guest test's own KTAP, one level deeper; what is no KTAP becomes a comment."""
        for line in text.splitlines():
            line = line.rstrip()
            known = re.match(r"\s*(KTAP version|TAP version|1\.\.\d|ok \d|not ok \d|#)", line)
            if line:
                self.line("  " + (line if known else "# " + line))

    def result(self, name, outcome, why=""):
        self.number += 1
        self.counts[outcome] += 1
        word = "not ok" if outcome == "fail" else "ok"
        directive = f" # SKIP {why}" if outcome == "skip" else (f" # {why}" if why else "")
        self.line(f"{word} {self.number} {name}{directive}")

    def end(self):
        self.comment("Totals: " + " ".join(f"{name}:{count}" for name, count in self.counts.items()))


def failures(text):
    """Names of the results that are 'not ok' and not excused."""
    names = []
    for line in text.splitlines():
        found = RESULT.match(line)
        if found and found.group(1) and (found.group(4) or "").upper() not in ("SKIP", "TODO", "XFAIL"):
            names.append(found.group(3) or f"number {found.group(2)}")
    return names


def results(text):
    return sum(1 for line in text.splitlines() if RESULT.match(line))
