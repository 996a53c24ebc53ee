# SPDX-License-Identifier: GPL-2.0-only
"""A xenstored that lies to a guest whose xenstore client is ours: what is malformed is turned down, every wait has an end,
and with an honest one all works again."""
import time

from xenbed import case

import _hostile
import _noxen as nox

# Lies after which the conversation goes on: the next question is answered.
SURVIVED = """of-another unknown-kind other-kind twice empty no-end error-empty error-without-end error-unknown event-empty
event-of-one-word event-without-end event-of-nobody event-flood""".split()
# Those after which nothing can be believed any more.
ENDED = "too-long endless half silent rsp-prod req-cons".split()
LINES = 12              # of the log, at most, for one lie
ASK = "xenstore-ls device > /dev/null"


class Liar:
    """with Liar(host, guest, "too-long") as liar: the guest's xenstore is served by tests/hostile/store meanwhile."""

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

    def __exit__(self, *_):
        self.process.kill(15)
        result = self.process.wait(timeout=30)
        assert result.rc == 0, result.err


def one(host, guest, lie):
    """What is wrong with how the guest takes it."""
    guest.run("modprobe xen-guest")
    wrong, before = [], int(guest.run("dmesg | wc -l").out)
    with Liar(host, guest, lie) as liar:
        guest.run(ASK, timeout=60)
        liar.arm()
        # Its own answer may be the one that is spoilt.
        asked = guest.spawn(f"timeout 400 {ASK}")
        liar.heard(b"told")
        began = time.monotonic()
        asked.wait(timeout=420)
        if lie in SURVIVED:
            again = guest.run(f"timeout 60 {ASK}", check=False)
            if not again:
                wrong.append(f"the next question: status {again.rc}: {again.err}")
        if time.monotonic() - began > 330:
            wrong.append(f"{time.monotonic() - began:.0f} s until the question had its answer")
        said = guest.run(f"dmesg | tail -n +{before + 1}").out.splitlines()
        if len(said) > LINES:
            wrong.append(f"{len(said)} lines in the log, from {said[0]} to {said[-1]}")
        if lie in ENDED and not any("xen-guest" in line for line in said):
            wrong.append("no line says so")
        guest.run("rmmod xen-guest", timeout=60)
    return "; ".join(wrong)


@case(**nox.NOXEN, load=[], agent_console="serial", vcpus=2, long=True)
def every_lie(host, guest):
    "Malformed answers, events and indices of every kind, each to a client that was just loaded."
    nox.unload(guest)
    for path in sorted(_hostile.TOOL.iterdir()):
        if path.is_file():
            host.dom0.put(path.read_bytes(), f"/run/hostile-tool/{path.name}", 0o755)
    known = host.dom0.run("/run/hostile-tool/store --list").out.split()
    assert sorted(known) == sorted(SURVIVED + ENDED), known
    results = {lie: one(host, guest, lie) for lie in SURVIVED + ENDED}
    guest.selftest_output("\n".join(["KTAP version 1", f"1..{len(results)}", *(
        f"{'not ok' if wrong else 'ok'} {number} {lie}" + (f" # {wrong}" if wrong else "")
        for number, (lie, wrong) in enumerate(results.items(), 1))]) + "\n")
    failed = [f"{lie}: {wrong}" for lie, wrong in results.items() if wrong]
    assert not failed, "\n".join(failed)
    guest.run("modprobe -a xen-guest xen-kbdfront")
    nox.wait_until(lambda: guest.run("cat /sys/bus/xen/devices/vkbd-0/state", check=False).out == "Connected\n", "the keyboard connects")
    nox.sound(guest)
