# SPDX-License-Identifier: GPL-2.0-only
"""What the cases of backends that lie share (tests/hostile): their tools in dom0, orders to them, and the books."""
import json
import pathlib
import re
import time

from _guest import granted_pages, mapped_grants, wait_until

TOOL = pathlib.Path(__file__).resolve().parent.parent / "hostile"
BROKEN = "; connecting anew"


class Trial:
    """One lie on a device of its own. line: what the log has to say about it, None for nothing; optional: it need
    not; setup: what the backend announces; connects: how often the front-end has connected at the end."""

    def __init__(self, lie, line=None, optional=False, setup="", connects=None):
        self.lie, self.line, self.optional, self.setup = lie, line, optional, setup
        anew = line and line.endswith(BROKEN) and not optional
        self.connects = connects or (2 if anew else 1)

    @property
    def name(self):
        return self.lie.partition("=")[0]

    def judged(self, state, said):
        """What is wrong with what the backend tells of itself and with the guest's log: a list."""
        wrong = []
        if self.name not in state["told"] and self.name != "die":
            wrong.append("the lie was not told")
        named = [line for line in said if self.line and re.search(self.line, line)]
        rest = [line for line in said if line not in named and not self.excused(line)]
        connects = state["connects"]
        # A lie that need not be noticed is told on every connection: each may end by a line of its own.
        most = max(1, connects - 1) if self.optional else 1
        if len(named) > most or self.line and not named and not self.optional:
            wrong.append(f"{len(named)} lines like \"{self.line}\", {connects} connects")
        if rest:
            wrong.append("the log also says: " + " | ".join(rest))
        if state["state"] != 4 or connects < self.connects or connects > self.connects and not self.optional:
            wrong.append(f"state {state['state']}, {connects} connects, not {self.connects}")
        return wrong

    def excused(self, line):
        return False


class Bench:
    """A guest with a real device at work, and as many hostile ones as are wanted.

    tool, option: the program of tests/hostile, and how it is told a device's number."""
    tool = option = ""

    def __init__(self, host, guest):
        self.host, self.dom0, self.guest, self.domid = host, host.dom0, guest, guest.id
        self.results = []
        for path in sorted(TOOL.iterdir()):
            if path.is_file():
                self.dom0.put(path.read_bytes(), f"/run/hostile-tool/{path.name}", 0o755)
        self.mapped_before = self.mapped()
        self.grants_before = granted_pages(guest)

    # -- the backends -----------------------------------------------------------------------------------

    def orders(self, lines, check=True):
        """The tool's answers; each line is a command for one device: (command, number, more)."""
        text = "".join(f"{command} --domid {self.domid} --{self.option} {number} {more}\n" for command, number, more in lines)
        result = self.dom0.run(f"/run/hostile-tool/{self.tool} batch", input=text.encode(), check=False, timeout=150)
        answers = [json.loads(line) for line in result.out.splitlines()]
        assert len(answers) == len(lines), f"{self.tool} batch: {result.out}{result.err}"
        errors = [answer["error"] for answer in answers if "error" in answer]
        assert not (check and errors), "\n".join(errors)
        return answers

    def told(self, numbers, trials, patience=20):
        """Every backend's account, once all have lied."""
        end = time.monotonic() + patience
        while True:
            status = self.orders([("show", number, "") for number in numbers])
            missing = [trial.lie for trial, state in zip(trials, status)
                       if trial.name != "die" and trial.name not in state["told"]]
            if not missing or time.monotonic() > end:
                return status
            time.sleep(0.5)

    def start_again(self, number):
        """The backend, once it has died."""
        end = time.monotonic() + 60
        while "error" not in self.orders([("show", number, "")], check=False)[0]:
            assert time.monotonic() < end, "the backend does not die"
        self.orders([("start", number, "")])

    def mapped(self):
        return mapped_grants(self.host, self.domid)

    # -- the books --------------------------------------------------------------------------------------

    def result(self, name, wrong):
        self.results.append((name, wrong))

    def comment(self, text):
        self.results.append((f"# {text}", None))

    def driver_removed(self, driver, kind):
        """It can be, everything is given back, and it can be loaded again."""
        # Beside a driver that is built in, the module is not called as its driver.
        folder = f"/sys/bus/xen/drivers/{driver}"
        module = self.guest.run(f"basename $(readlink -f {folder}/module)").out.strip()
        removed = self.guest.run(f"for device in {folder}/{kind}-*; do [ ! -e $device ] || "
                                 f"echo ${{device##*/}} > {folder}/unbind; done; modprobe -r {module} || rmmod {module}",
                                 check=False, timeout=90)
        self.result("modprobe -r", "" if removed else removed.err)
        self.result("mapped grants", self.same(self.mapped_before, self.mapped))
        self.result("granted pages", self.same(self.grants_before, lambda: granted_pages(self.guest)))
        self.guest.run(f"modprobe {module}")

    @staticmethod
    def same(before, count, patience=20):
        """Pages that were parked are given back within seconds."""
        end = time.monotonic() + patience
        while (now := count()) > before and time.monotonic() < end:
            time.sleep(1)
        return "" if now <= before else f"{now}, of which {before} were there before"

    def publish(self, output):
        """The results so far as nested KTAP."""
        number, lines = 0, []
        for name, wrong in self.results:
            if wrong is None:
                lines.append(name)
            else:
                number += 1
                lines.append(f"{'not ok' if wrong else 'ok'} {number} {name}" + (f" # {wrong}" if wrong else ""))
        if output:
            output("\n".join(["KTAP version 1", f"1..{number}", *lines]))

    def verdict(self):
        failed = [f"{name}: {wrong}" for name, wrong in self.results if wrong]
        assert not failed, "\n".join(failed)


class Single(Bench):
    """One device whose kind is the tool's name, and which is told one lie after the other."""
    option, number = "number", 0

    @property
    def name(self):
        """On the guest's bus."""
        return f"{self.tool}-{self.number}"

    # -- the device -------------------------------------------------------------------------------------

    def create(self, setup=""):
        self.orders([("create", self.number, setup)])
        self.connected()

    def remove(self):
        self.orders([("remove", self.number, "--patience 40")])
        self.guest.wait_for(f"! test -e /sys/bus/xen/devices/{self.name}", what="the device is gone")

    def connected(self):
        about = f"/sys/kernel/debug/xenfront/{self.name}/state"
        wait_until(lambda: self.guest.run(f"grep -qx 'phase: connected' {about} && grep -qx 'usable: 1' {about}",
                                          check=False), f"{self.name} is connected", 90)

    def show(self):
        return self.orders([("show", self.number, "")])[0]

    def lie(self, *lies, wait=30):
        """All of them, and in this order."""
        self.orders([("lie", self.number, f"{text} --wait {wait}") for text in lies])

    def state_removed(self):
        """The backend dies, and then its state goes: nobody has said that it is Closed."""
        self.orders([("kill", self.number, "")])
        self.dom0.run(f"xenstore-rm /local/domain/0/backend/hostile/{self.domid}/{self.number}/state")

    def lines(self):
        """What the guest's log says about the device."""
        text = self.guest.run("dmesg").out
        return [line.split("] ", 1)[-1] for line in text.splitlines()
                if re.search(rf"\s{self.name}: (?!\[drm\])", line)]

    def interrupts(self):
        found = self.guest.run(f"grep -w {self.name} /proc/interrupts", check=False).out.partition(":")[2].split()
        return int(found[0]) if found else 0

    # -- trials -----------------------------------------------------------------------------------------

    def works(self):
        """AssertionError if the device is of no use."""
        raise NotImplementedError

    def provoke(self):
        """What makes the driver look at what the backend has done, if an event does not."""

    def reconnected(self, before):
        """before: how often it had connected."""
        wait_until(lambda: self.show()["connects"] > before, "it connects anew", 90)

    def comes_back(self, lie):
        before = self.show()["connects"]
        self.lie(lie)
        self.reconnected(before)
        self.connected()

    def check(self, name, function, *arguments):
        """Something that ought not to fail, nor to make the log say anything."""
        self.judge(name, None, function, *arguments)

    def judge(self, name, line, function, *arguments):
        """line: what the log has to say about it, once."""
        said, wrong = len(self.lines()), []
        try:
            function(*arguments)
        except AssertionError as error:
            wrong.append(str(error))
        found = self.lines()[said:]
        named = [text for text in found if line and re.search(line, text)]
        rest = [text for text in found if text not in named]
        wrong += [f"{len(named)} lines like \"{line}\""] * (len(named) != bool(line))
        wrong += ["the log also says: " + " | ".join(rest)] * bool(rest)
        self.result(name, "; ".join(wrong))

    def run(self, trials):
        """One after the other; it works after each."""
        for trial in trials:
            said, before, wrong = len(self.lines()), self.show(), []
            try:
                self.lie(trial.lie)
                if trial.connects > 1:
                    self.provoke()
                    self.reconnected(before["connects"])
                elif trial.optional:
                    self.guest.run("sleep 3")
                self.connected()
                self.works()
            except AssertionError as error:
                wrong.append(str(error))
            state = self.show()
            state["connects"] -= before["connects"] - 1
            wrong += trial.judged(state, self.lines()[said:])
            self.result(trial.lie, "; ".join(wrong))

    def storm(self, seconds=3):
        """Events with nothing behind them cost few interrupts, and then it works."""
        before = self.interrupts()
        self.lie(f"storm={seconds}")
        self.guest.run(f"sleep {seconds}")
        count = self.interrupts() - before
        assert count < 2000, f"{count} interrupts"
        self.works()


def booked(bench_class, function):
    """The body of a case: function does something to a bench, and all that it found out is judged at the end."""
    def body(host, guest):
        bench = bench_class(host, guest)
        try:
            function(bench)
            bench.finish()
        finally:
            bench.publish(guest.selftest_output)
        bench.verdict()
    body.__name__, body.__doc__ = function.__name__, function.__doc__
    return body
