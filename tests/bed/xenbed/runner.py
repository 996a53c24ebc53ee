# SPDX-License-Identifier: GPL-2.0-only
"""Runs cases, several on one host as long as the host stays sound."""
import contextlib
import fnmatch
import time
import traceback

from . import ktap, logs, progress, stages
from .case import Skip, arguments, load
from .host import Host, new_log_folder
from .mux import AgentGone
from .progress import BedError
from .watch import Stalled


class Outcome:
    def __init__(self, result, why="", detail="", spoiled=False):
        self.result, self.why, self.detail, self.spoiled = result, why, detail, spoiled


class Runner:
    def __init__(self, modules="ours", folder=None, modules_folder=None, keep_going=True):
        self.modules, self.modules_folder, self.keep_going = modules, modules_folder, keep_going
        self.folder = folder or new_log_folder("run")
        self.out = ktap.Writer()
        self.host = None
        self.boots = 0

    # -- the host --------------------------------------------------------------------------------------

    def ready_host(self, case):
        kind = case.icount, case.cpus
        if self.host and (case.fresh and self.used or self.host_kind != kind or not self.host.alive):
            self.stop_host()
        if not self.host:
            self.boots += 1
            folder = self.folder / f"host{self.boots}"
            self.host = Host(icount=case.icount, cpus=case.cpus, folder=folder, modules=self.modules_folder).start()
            self.host_kind, self.used = kind, False
            self.serial_seen = len(self.host.serial)
            self.dmesg_seen = len(self.host.dom0.dmesg())
        self.used = True
        return self.host

    def stop_host(self):
        if self.host:
            self.host.stop()
            self.host = None

    # -- one case --------------------------------------------------------------------------------------

    def run_case(self, case):
        host = self.ready_host(case)
        host.made = []
        marker = len(host.serial)
        outcome = self.execute(case, host)
        if outcome.result != "skip":
            outcome = self.judge_logs(case, host, marker, outcome)
        if not outcome.spoiled and host.alive:
            try:
                host.clean()
            except (BedError, TimeoutError) as error:
                outcome = Outcome("fail", outcome.why or "its guests cannot be destroyed",
                                  f"{outcome.detail}\n{error}", spoiled=True)
        if outcome.spoiled or not host.alive:
            self.stop_host()
        return outcome

    def execute(self, case, host):
        try:
            if case.guest is None:
                case.function(host)
            else:
                guest = host.guest(**arguments(case, self.modules))
                guest.selftest_output = self.out.nested
                guest.start()
                case.function(host, guest)
            return Outcome("pass")
        except Skip as skip:
            return Outcome("skip", str(skip))
        except Stalled as error:
            return Outcome("fail", str(error).splitlines()[0], str(error), spoiled=True)
        except AgentGone as error:
            return Outcome("fail", str(error).splitlines()[0], str(error), spoiled=not host.alive)
        except (AssertionError, BedError, TimeoutError) as error:
            where = traceback.extract_tb(error.__traceback__)
            lines = [f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}: {f.line}" for f in where if "/cases/" in f.filename]
            first = str(error).splitlines()[0] if str(error) else (lines[-1] if lines else type(error).__name__)
            return Outcome("fail", first, "\n".join(lines + [str(error)]))
        except Exception as error:
            return Outcome("fail", f"{type(error).__name__}: {error}", traceback.format_exc())

    def judge_logs(self, case, host, marker, outcome):
        """A case whose own assertions held still fails when a kernel or the hypervisor complained."""
        texts = [(f"guest {g.name}", text) for g in host.made for text in (g.log, g.serial) if text]
        texts.append(("xen and dom0", host.serial[marker:].decode(errors="replace").replace("\r", "")))
        if host.alive and not outcome.spoiled:
            try:
                dmesg = host.dom0.dmesg()
                texts.append(("dom0", dmesg[min(self.dmesg_seen, len(dmesg)):]))
                self.dmesg_seen = len(dmesg)
            except (BedError, TimeoutError) as error:
                outcome = Outcome("fail", "dom0 does not answer", str(error), spoiled=True)
        for where, text in texts:
            found = logs.bad_lines(text, case.expect, xen=where.startswith("xen"))
            if found:
                outcome = Outcome("fail", outcome.why or f"{where} said: {found[0][1].strip()}",
                                  f"{outcome.detail}\n{where}'s log:\n{logs.excerpt(text, found)}".strip(),
                                  outcome.spoiled or where != f"guest {where[6:]}")
        if outcome.result == "fail":
            for guest in host.made:
                for text, path in ((guest.log, guest.log_path), (guest.serial, guest.serial_path)):
                    if text:
                        outcome.detail += f"\nend of guest {guest.name}'s log ({path}):\n{logs.tail(text)}"
            if outcome.spoiled or not host.alive:
                outcome.detail += f"\nend of the host's console ({host.qemu.serial_log}):\n{logs.tail(host.serial_text())}"
            if outcome.spoiled and host.alive:
                with contextlib.suppress(BedError, TimeoutError):
                    outcome.detail += f"\nwhere the vCPUs are:\n{host.places()}"
        return outcome

    # -- all of them -----------------------------------------------------------------------------------

    @staticmethod
    def prepare(chosen):
        """What takes minutes to be made is made before the machine is held."""
        for stage in sorted({c.guest["stage"] for c in chosen if c.guest and "stage" in c.guest}):
            try:
                stages.disk(stage)
            except BedError as error:
                progress.say(str(error))        # and those cases will fail

    def run(self, chosen):
        # One machine after the other.
        chosen = sorted(chosen, key=lambda case: (case.icount, -case.cpus))
        self.out.begin(len(chosen))
        self.out.comment(f"logs: {self.folder}")
        self.prepare(chosen)
        began = time.monotonic()
        try:
            for number, case in enumerate(chosen, 1):
                left = ""
                if number > 1:
                    rest = (time.monotonic() - began) / (number - 1) * (len(chosen) - number + 1)
                    left = f", about {rest / 60:.0f} min left"
                progress.say(f"[{number}/{len(chosen)}{left}] {case.name}: {case.description}")
                self.report(case)
        finally:
            self.stop_host()
        self.out.end()
        progress.say(f"{self.out.counts['pass']} passed, {self.out.counts['fail']} failed, {self.out.counts['skip']} "
                     f"skipped in {time.monotonic() - began:.0f} s; logs: {self.folder}")
        return 1 if self.out.counts["fail"] else 0

    def report(self, case):
        began = time.monotonic()
        try:
            outcome = self.run_case(case)
        except BedError as error:
            outcome = Outcome("fail", str(error).splitlines()[0], str(error), spoiled=True)
            self.stop_host()
        if outcome.detail and outcome.result == "fail":
            self.out.comment(outcome.detail)
        self.out.result(case.name, outcome.result, outcome.why)
        progress.say(f"  {outcome.result}: {case.name} ({time.monotonic() - began:.0f} s)" +
                     (f": {outcome.why}" if outcome.why else ""))


def select(patterns, long=False):
    """The cases whose name, or file's name, matches one of the patterns; without patterns all but the long ones."""
    every = load()
    if not patterns:
        return [c for c in every if long or not c.long]
    chosen = [c for c in every if any(
        # A whole name as it is shown means that case, though brackets are a glob's.
        c.name == p or fnmatch.fnmatchcase(n, p) for p in patterns
        for n in (c.name.replace("[", "(").replace("]", ")"), c.name.partition("[")[0], c.name.partition(".")[0]))]
    if not chosen:
        names = sorted({c.name.partition("[")[0] for c in every})
        raise BedError(f"no case matches {' '.join(patterns)}; there are:\n    " + "\n    ".join(names))
    return chosen
