# SPDX-License-Identifier: GPL-2.0-only
"""The cases: shell scripts that run as root in a copy of a root directory, with this tree as /src."""
import dataclasses
import fnmatch
import pathlib
import re
import subprocess
import time

from xenbed import paths
from xenbed.progress import BedError, step
from xenbuild import linux, toolchain

from . import roots

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "cases"
# "# quick: bookworm" in a script's head: it runs there, and not only when long cases are asked for.
WHERE = re.compile(r"^# (quick|long): (.+)$", re.M)
# "# kernel: noxen": that kernel of ours, built if need be, with the tree that modules are built with, is in /kernel.
KERNEL = re.compile(r"^# kernel: (\w+)$", re.M)
# A build for one kernel takes a minute on a slow machine, and no case has more than a handful.
PATIENCE = 1500


@dataclasses.dataclass(frozen=True)
class Case:
    script: pathlib.Path
    suite: str
    long: bool

    @property
    def name(self):
        return f"packaging.{self.suite}.{self.script.stem}"


def every():
    for script in sorted(FOLDER.glob("*.sh")):
        for kind, suites in WHERE.findall(script.read_text()):
            for suite in suites.split():
                yield Case(script, suite, kind == "long")


def select(only=None, long=False):
    known = sorted(every(), key=lambda case: case.name)
    if not only:
        return [case for case in known if long or not case.long]
    chosen = [case for case in known if fnmatch.fnmatchcase(case.name, only)]
    if not chosen:
        raise BedError(f"no case matches {only!r}; there are {', '.join(case.name for case in known)}")
    return chosen


def _run(case):
    """Prints the script's KTAP as subtests; returns whether it passed."""
    root = roots.root(case.suite)
    mounts = [(paths.SOURCE, "/src")]
    if wanted := KERNEL.search(case.script.read_text()):
        toolchain.ensure_kernel(toolchain.kernel(wanted[1]))
        mounts.append((linux.folder(wanted[1]), "/kernel"))
    log = paths.LOGS / f"{case.name}.log"
    with root.copy() as here, open(log, "w") as out:
        command = [f"/src/{case.script.relative_to(paths.SOURCE)}"]
        try:
            status = root.run_in(here, command, mounts=mounts, stdin=subprocess.DEVNULL,
                                 stdout=out, stderr=subprocess.STDOUT, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            status = f"no end after {PATIENCE} s"
    lines = log.read_text(errors="replace").splitlines()
    for line in lines:
        print(f"  {line}".rstrip(), flush=True)
    if status and not any(line.startswith("not ok") for line in lines):
        print(f"# {case.script.name}: {status if isinstance(status, str) else f'exit status {status}'}; see {log}")
    return status in (0, 4)


def run(chosen):
    print(f"KTAP version 1\n1..{len(chosen)}", flush=True)
    failed = 0
    for number, case in enumerate(chosen, 1):
        began = time.monotonic()
        with step(case.name):
            passed = _run(case)
        failed += not passed
        print(f"# {case.name}: {time.monotonic() - began:.0f} s")
        print(f"{'ok' if passed else 'not ok'} {number} {case.name}", flush=True)
    return 1 if failed else 0
