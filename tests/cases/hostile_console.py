# SPDX-License-Identifier: GPL-2.0-only
"""Consoles whose backends lie (tests/hostile): indices that cannot be are named once, no writer waits for long, and the
console goes on."""
import time

from xenbed import case

import _console as con
import _hostile
from _hostile import BROKEN

NONSENSE = "backend wrote nonsense into an index" + BROKEN
REFUSED = r"backend \S+ refuses what it is offered"
SILENT = r"hvc1: backend takes no output: what is more than 16 KiB is lost until it does"
FLOWS = r"hvc1: backend takes output again, \d+ bytes were lost"


class Trial(_hostile.Trial):
    def excused(self, line):
        """Breaks in a row have the driver wait ever longer, and it does not let writers wait for that."""
        return "backend takes" in line


class Bench(_hostile.Single):
    tool, number, tty = "console", 1, "hvc1"
    words = 0

    def create(self, setup=""):
        super().create(setup)
        self.guest.wait_for(f"test -c /dev/{self.tty}", what=f"/dev/{self.tty}")
        self.guest.run(f"stty -F /dev/{self.tty} raw -echo")

    def out(self):
        """What the backend has read."""
        return self.dom0.run(f"cat /run/hostile/{self.domid}-{self.tool}-{self.number}.out", check=False).raw

    def works(self):
        """A line each way."""
        Bench.words += 1
        word = f"{1000 + self.words}"
        self.guest.run(f"echo out{word} > /dev/{self.tty}")
        con.wait_until(lambda: f"out{word}\n".encode() in self.out(), f"out{word} is read", 30)
        reader = self.guest.spawn(f"timeout 30 grep -am1 '{word}$' /dev/{self.tty}")
        self.guest.run("sleep 0.5")
        self.lie(f"line={word}")
        assert reader.wait(timeout=40).out.endswith(f"{word}\n"), f"{word} was typed and is not there"

    def provoke(self):
        self.guest.run(f"timeout 1 cat /dev/{self.tty} > /dev/null & echo look > /dev/{self.tty}; wait")

    # -- what is tried ----------------------------------------------------------------------------------

    def held(self, seconds, count=6000):
        """How long a writer is held who writes more than there is room for."""
        began = time.monotonic()
        self.guest.run(f"seq 1 {count} > /dev/{self.tty}", timeout=seconds)
        return time.monotonic() - began

    def stalled(self):
        """A backend that is silent for long."""
        self.lie("stall=30", wait=0)
        self.held(25)
        self.held(10)

    def goes_on(self):
        con.wait_until(lambda: con.lines(self.guest, FLOWS), "it takes output again", 60)
        self.works()

    def flood(self):
        """More than there is room for, which nobody reads for a while."""
        reader = self.guest.spawn(f"exec 3< /dev/{self.tty}; sleep 3; head -c 5000 <&3 | sha256sum")
        self.guest.run("sleep 0.5")
        self.lie("flood=5000", wait=0)
        wanted = self.guest.run("python3 -c 'import sys; sys.stdout.buffer.write(bytes(n % 256 for n in range(5000)))' | "
                                "sha256sum").out
        assert reader.wait(timeout=60).out == wanted, "what was typed came in differently"

    def again(self):
        self.start_again(self.number)
        self.connected()
        self.works()

    def finish(self):
        self.orders([("remove", self.number, "--patience 40 --force")], check=False)
        self.guest.wait_for(f"! test -e /dev/{self.tty}", what="the console is gone")
        self.result("mapped grants", self.same(self.mapped_before, self.mapped))
        self.result("granted pages", self.same(self.grants_before, lambda: _hostile.granted_pages(self.guest)))


class Beside(Bench):
    """On a kernel that has consoles of its own."""
    tty = "xvc1"

    def create(self, setup=""):
        self.orders([("create", self.number, setup)])
        con.wait_until(lambda: self.show()["state"] == 4, "the kernel's own driver has it")
        self.load()

    def load(self):
        self.guest.run("modprobe xen-console takeover=1")
        self.guest.wait_for(f"test -c /dev/{self.tty}", what=f"/dev/{self.tty}")
        self.connected()
        self.guest.run(f"stty -F /dev/{self.tty} raw -echo")

    def again_and_again(self):
        for _ in range(3):
            con.unload(self.guest)
            self.load()
            self.works()


@case(long=True, type="pv", kernel="6.1", load=[])
def taken_over(host, guest):
    "A console that the kernel's own driver has is taken over, works, and does so each time that ours is loaded."
    def tried(bench):
        bench.create()
        bench.check("a line each way", bench.works)
        bench.check("loaded again and again", bench.again_and_again)
    _hostile.booked(Beside, tried)(host, guest)


def hostile(function):
    """Declares a case: a guest whose own console is honest, and what function does to the bench."""
    return case(type="pv", kernel="bare", memory=512, long=True,
                expect=[r"g\.e\. 0x[0-9a-f]+ still in use"])(_hostile.booked(Bench, function))


@hostile
def indices(bench):
    "Indices that cannot be are named, and the console goes on over the next connection."
    bench.create()
    bench.check("a line each way", bench.works)
    bench.run([Trial("out-index=5000", NONSENSE), Trial("out-index=-1", NONSENSE), Trial("out-index=2147483648", NONSENSE),
               Trial("in-index=1025", NONSENSE), Trial("in-index=-1", NONSENSE), Trial("in-index=2147483648", NONSENSE),
               Trial("console-garbage", NONSENSE)])
    bench.check("a flood", bench.flood)
    bench.check("storm", bench.storm)


@hostile
def connection(bench):
    "Backends that are silent, say that nobody serves the console, close, refuse, die, jump about."
    bench.create()
    bench.judge("silence", SILENT, bench.stalled)
    bench.judge("it goes on", FLOWS, bench.goes_on)
    bench.run([Trial("unconnected=2")])
    bench.run([Trial("restore", connects=2), Trial("refuse=3", REFUSED, connects=2), Trial("hold-closed=4", connects=2)])
    bench.run([Trial(f"states={jumps}", optional=True) for jumps in ("1.4", "4.1.4", "5", "6", "99.4", "7.8.4")])
    bench.orders([("kill", bench.number, "")])
    bench.check("death", bench.again)
