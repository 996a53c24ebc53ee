# SPDX-License-Identifier: GPL-2.0-only
"""A xenstored that lies to a guest whose xenstore client is ours: what is malformed is turned down, every wait has an end,
and with an honest one all works again."""
import time

from xenbed import case, progress
from xenbed.progress import BedError

import _hostile
import _noxen as nox

# Lies after which the conversation goes on: the next question is answered.
BODIES = "empty no-end error-empty error-without-end error-unknown".split()
SURVIVED = BODIES + """of-another unknown-kind other-kind twice event-empty event-of-one-word event-without-end event-of-nobody
event-flood""".split()
# Those after which nothing can be believed any more.
ENDED = "too-long endless half silent rsp-prod req-cons".split()
LINES = 12              # of the log, at most, for one lie
# modprobe would load what comes with it, which would have to go again.
LOAD = "insmod $(modinfo -n xen-guest)"
ASK = "xenstore-ls device > /dev/null"


class Liar:
    """with Liar(host, guest, "too-long") as liar: the guest's xenstore is served by tests/hostile/store meanwhile. Without
    xen-guest in the guest, before and afterwards."""

    def __init__(self, host, guest, lie):
        self.dom0, self.command = host.dom0, f"exec /run/hostile-tool/store --domid {guest.id} --lie {lie}"

    def __enter__(self):
        self.process = self.dom0.spawn(self.command)
        self.heard(b"ready")
        return self

    def heard(self, word):
        nox.wait_until(lambda: word in self.process.stdout or not self.process.running, f"it says {word}", 60)
        assert self.process.running, self.process.result()

    def arm(self):
        self.process.kill(10)

    def __exit__(self, kind, *_):
        self.process.kill(15)
        result = self.process.wait(timeout=30)
        assert kind or result.rc == 0, result.err


def asked(guest):
    """A program of the guest's asks, and its answer is the one that is spoilt."""
    return guest.spawn(f"timeout 400 {ASK}")


def seen(guest):
    """The kernel asks, for there is news of a device."""
    guest.dom0.write(f"/local/domain/{guest.id}/device/news", "")


def one(host, guest, lie, begin):
    """What is wrong with how the guest takes it."""
    wrong = []
    with Liar(host, guest, lie) as liar:
        guest.run(f"{LOAD} && {ASK}", timeout=120)
        before = nox.log_length(guest)
        liar.arm()
        process = begin(guest)
        liar.heard(b"told")
        began = time.monotonic()
        if process:
            process.wait(timeout=420)
        took = time.monotonic() - began
        if took > 330:
            wrong.append(f"{took:.0f} s until the question had its answer")
        again = guest.run(f"timeout 60 {ASK}", check=False)
        if bool(again) != (lie in SURVIVED) or again.rc == 124:
            wrong.append(f"the next question: status {again.rc}: {again.err}")
        said = guest.run(f"dmesg | tail -n +{before + 1}").out.splitlines()
        if len(said) > LINES:
            wrong.append(f"{len(said)} lines in the log, from {said[0]} to {said[-1]}")
        if lie in ENDED and not any("xen-guest: xenstore" in line for line in said):
            wrong.append("no line says so")
        guest.run("rmmod xen-guest", timeout=120)
    host.dom0.run(f"xenstore-rm /local/domain/{guest.id}/device/news", check=False)
    return wrong


def trial(host, guest, lie, begin):
    try:
        wrong = one(host, guest, lie, begin)
    except (AssertionError, BedError, TimeoutError) as error:
        # For the next one.
        guest.run("rmmod xen-guest", check=False)
        wrong = [f"{type(error).__name__}: {error}"]
    text = " ".join("; ".join(wrong).split())
    progress.say(f"    {lie}, {begin.__name__}: {text or 'well taken'}")
    return text


@case(**nox.NOXEN, load=[], agent_console="serial", long=True)
def every_lie(host, guest):
    "Malformed answers, events and indices of every kind, each to a client that was just loaded."
    nox.unload(guest)
    for path in sorted(_hostile.TOOL.iterdir()):
        if path.is_file():
            host.dom0.put(path.read_bytes(), f"/run/hostile-tool/{path.name}", 0o755)
    known = host.dom0.run("/run/hostile-tool/store --list").out.split()
    assert sorted(known) == sorted(SURVIVED + ENDED), known
    # Who asks waits for minutes, and is meant to.
    guest.run("echo 0 > /proc/sys/kernel/hung_task_timeout_secs")
    # Which would look to the bed as though nothing went on.
    going = host.dom0.spawn("while sleep 10; do echo; done")
    trials = [(lie, asked) for lie in SURVIVED + ENDED] + [(lie, seen) for lie in BODIES]
    results = {f"{lie}, {begin.__name__}": trial(host, guest, lie, begin) for lie, begin in trials}
    going.kill()
    guest.selftest_output("\n".join(["KTAP version 1", f"1..{len(results)}", *(
        f"{'not ok' if wrong else 'ok'} {number} {name}" + (f" # {wrong}" if wrong else "")
        for number, (name, wrong) in enumerate(results.items(), 1))]) + "\n")
    failed = [f"{name}: {wrong}" for name, wrong in results.items() if wrong]
    assert not failed, "\n".join(failed)
    guest.run("modprobe -a xen-guest xen-kbdfront")
    nox.wait_until(lambda: guest.run("cat /sys/bus/xen/devices/vkbd-0/state", check=False).out == "Connected\n", "the keyboard connects")
    nox.sound(guest)
