# SPDX-License-Identifier: GPL-2.0-only
"""KTAP (Documentation/dev-tools/ktap.rst): counts the results of a run.

What is counted are the results that have no results below them.  The result of a test with subtests
repeats what they said, so it counts only when it failed and none of them did.  A plan that was not kept
is one failure more.
"""
import re

RESULT = re.compile(r"^( *)(ok|not ok) (\d+)(?: +(?:- +)?([^#]*?))?(?: *# *(.*))?$")
PLAN = re.compile(r"^( *)1\.\.(\d+)(?: *# *(\w+).*)?$")
VERSION = re.compile(r"^( *)(KTAP version 1|TAP version 1[34])$")


class _Block:
    """The results of one level of indentation, until the result of their parent."""

    def __init__(self, depth):
        self.depth = depth
        self.plan = None
        self.results = 0
        self.failed = 0     # here and below


class Summary:
    def __init__(self):
        self.passed = 0
        self.skipped = 0
        self.failures = []
        self.blocks = []

    def feed(self, line):
        line = line.rstrip("\n")
        version, plan, result = VERSION.match(line), PLAN.match(line), RESULT.match(line)
        if version:
            depth = len(version.group(1))
            # A second document at the same level begins where the first ended.
            self._close(depth)
            self.blocks.append(_Block(depth))
        elif plan:
            self._block(len(plan.group(1))).plan = int(plan.group(2))
            if (plan.group(3) or "").upper() == "SKIP":
                self.skipped += 1
        elif result:
            self._result(result)

    def _result(self, result):
        indent, outcome, number, name, directive = result.groups()
        depth = len(indent)
        below = self._close(depth + 1)
        block = self._block(depth)
        block.results += 1
        name = name or number
        if outcome == "not ok":
            if below is None or not below:
                self.failures.append(name)
                block.failed += 1
        elif below is None:
            if (directive or "").upper().startswith("SKIP"):
                self.skipped += 1
            else:
                self.passed += 1

    def _block(self, depth):
        if not self.blocks or self.blocks[-1].depth < depth:
            self.blocks.append(_Block(depth))
        return self.blocks[-1]

    def _close(self, depth):
        """Ends the blocks that are at least that deep; how much failed in them, None if there were none."""
        failed = None
        while self.blocks and self.blocks[-1].depth >= depth:
            block = self.blocks.pop()
            if block.plan is not None and block.results != block.plan:
                self.failures.append(f"plan: {block.results} results, {block.plan} expected")
                block.failed += 1
            if self.blocks:
                self.blocks[-1].failed += block.failed
            failed = (failed or 0) + block.failed
        return failed

    def close(self):
        self._close(0)

    def __str__(self):
        return f"{self.passed} passed, {len(self.failures)} failed, {self.skipped} skipped"
