# SPDX-License-Identifier: GPL-2.0-only
"""Block backends that lie (tests/hostile): each lie is caught, named in the log once, and forgiven, and
nobody but its own disk notices."""
import functools
import re
import time

from xenbed import Disk, case

import _hostile
from _hostile import BROKEN

UNKNOWN_ID = r"backend answered request \d+, which is not with it" + BROKEN
BAD_ANSWER = r"backend answered request \d+ with operation \d+, status -?\d+" + BROKEN
BAD_INDEX = r"backend claims \d+ answers to \d+ requests" + BROKEN
STILL_MAPPED = r"backend still maps \d+ pages of a finished request" + BROKEN
NO_ANSWER = r"request \d+ \(.*\) has had no answer for \d+ s" + BROKEN
UNSUPPORTED = r"backend does not support %s after all: not used any more"
TIMEOUT = 8         # seconds, of the driver; small so that silence is soon over

# The other disk: verified all the time, and no request may take longer than 15 s.
OTHER = ("fio --name=other --filename=/dev/xvda --direct=1 --ioengine=libaio --iodepth=2 --rw=randwrite --bs=16k "
         "--size=2M --io_size=2M --verify=crc32c --verify_fatal=1 --do_verify=1 --rate_iops=30 --time_based "
         "--runtime=3600 --max_latency=15s --minimal --output=/tmp/other.out; cut -c1-60 /tmp/other.out")


class Trial(_hostile.Trial):
    """errors: fio's count of failed requests, negative: the errno that ended fio; block: what the block layer says
    of that; after: a command that follows; interrupts: at most so many."""

    def __init__(self, lie, line=None, errors=0, optional=False, setup="", connects=None, after="", block="",
                 interrupts=0):
        super().__init__(lie, line, optional, setup, connects)
        self.errors, self.after, self.block, self.interrupts = errors, after, block, interrupts

    def excused(self, line):
        return bool(self.block and re.match(self.block, line))


class Bench(_hostile.Bench):
    tool, option = "vbd", "vdev"

    def __init__(self, host, guest):
        super().__init__(host, guest)
        guest.run("modprobe xen-blkfront")
        guest.wait_for("test -b /dev/xvda", what="/dev/xvda")
        self.other = guest.spawn(OTHER)
        self.moved = self.other_moved()
        # The disk's ring and channel at least: otherwise the counts at the end would mean nothing.
        assert self.mapped() > self.mapped_before, "the disk's grants are not seen"

    # -- the hostile disks ------------------------------------------------------------------------------

    @staticmethod
    def place(number):
        """(vdev, name): xvdb, xvdc ..."""
        return 51728 + 16 * number, f"xvd{chr(ord('b') + number)}"

    def lines(self, vdev, name):
        """What the guest's log says about a disk, without what every connection says."""
        text = self.guest.run("dmesg").out
        about = [line.split("] ", 1)[-1] for line in text.splitlines() if re.search(rf"vbd-{vdev}\b|\b{name}\b", line)]
        return [line for line in about if not re.search(
            r"connected again$|: \d+ sectors, \d+ rings|detected capacity change|sectors became", line)]

    def interrupts(self, name):
        """Taken for a disk since it was connected."""
        return sum(map(int, self.guest.run(f"grep -w {name} /proc/interrupts").out.partition(":")[2].split()[:1]))

    def load(self, names, size="1M", sizes="4k-64k"):
        """Starts fio, on all of them at the same time."""
        jobs = " ".join(f"--name={name} --filename=/dev/{name}" for name in names)
        return self.guest.spawn(
            f"fio --thread --direct=1 --ioengine=libaio --iodepth=8 --rw=randwrite --bsrange={sizes} --size={size} "
            f"--fsync=8 --verify=crc32c --verify_fatal=1 --continue_on_error=io --output-format=json {jobs} "
            "> /tmp/fio.json 2> /tmp/fio.err; grep -E '\"(jobname|error|total_err)\"' /tmp/fio.json")

    def verified(self, load, names):
        """fio's count of errors by disk; negative: an errno that ended the job."""
        result = load.wait(timeout=150)
        errors, name = {}, None
        for key, value in re.findall(r'"(\w+)" : "?(\w+)', result.out):
            if key == "jobname":
                name = value
                errors[name] = 0
            elif key == "total_err":
                errors[name] = int(value) or errors[name]
            else:
                errors[name] = -int(value)
        assert set(errors) == set(names), f"fio: {result.out}{self.guest.run('cat /tmp/fio.err').out[-800:]}"
        return errors

    # -- trials -----------------------------------------------------------------------------------------

    def run(self, trials):
        """All at once, each on its own disk: made, told to lie under I/O, judged, taken away."""
        began = time.monotonic()
        places = [self.place(number) for number in range(len(trials))]
        self.orders([("create", vdev, f"--size 4M {trial.setup}") for (vdev, _), trial in zip(places, trials)])
        for _, name in places:
            self.guest.wait_for(f"test -b /dev/{name}", what=f"/dev/{name}", timeout=40)
        old = {vdev: len(self.lines(vdev, name)) for vdev, name in places}
        self.orders([("lie", vdev, trial.lie) for (vdev, _), trial in zip(places, trials)])
        errors = self.with_load(places, trials)
        status = self.told([vdev for vdev, _ in places], trials)
        for (vdev, name), trial, state in zip(places, trials, status):
            said = self.lines(vdev, name)[old[vdev]:]
            wrong = trial.judged(state, said)
            if errors[name] != trial.errors:
                wrong.append(f"{errors[name]} errors, not {trial.errors}")
            if trial.interrupts and self.interrupts(name) > trial.interrupts:
                wrong.append(f"{self.interrupts(name)} interrupts")
            self.result(trial.lie, "; ".join(wrong))
        names = [name for _, name in places]
        again = self.verified(self.load(names, "256k"), names)
        gone = self.orders([("remove", vdev, "--patience 40") for vdev, _ in places], check=False)
        for (_, name), trial, answer in zip(places, trials, gone):
            if again[name] or answer.get("error"):
                self.result(f"{trial.lie}: afterwards", f"errors {again[name]}, {answer.get('error', 'removed')}")
        self.check_other()
        self.comment(f"{len(trials)} lies in {time.monotonic() - began:.0f} s")

    def with_load(self, places, trials):
        """fio on all of them, and beside it whatever the lies need done."""
        names = [name for _, name in places]
        load = self.load(names)
        for (vdev, _), trial in zip(places, trials):
            if trial.lie == "die":
                self.start_again(vdev)
        errors = self.verified(load, names)
        for (_, name), trial in zip(places, trials):
            if trial.after:
                self.guest.run(trial.after.format(disk=f"/dev/{name}"), check=False)
        return errors

    # -- one disk that comes back as another one --------------------------------------------------------

    def make(self, number, setup=""):
        vdev, name = self.place(number)
        self.orders([("create", vdev, f"--size 8M {setup}")])
        self.guest.wait_for(f"test -b /dev/{name}", what=f"/dev/{name}", timeout=40)
        return vdev, name

    def reopen(self, vdev, name, lie, condition, line=None):
        """It goes away under I/O and comes back with another offer. line: why the offer is refused; then
        I/O waits for a better one."""
        old = self.lines(vdev, name)
        connects = self.orders([("lie", vdev, lie)])[0]["connects"]
        load = self.load([name], "2M", "4k-512k")
        if line:
            self.guest.wait_for(f"dmesg | grep -q '{line}'", what=f"\"{line}\" in the log", timeout=40)
            self.orders([("lie", vdev, "restore")])
        errors = self.verified(load, [name])[name]
        held = self.guest.run(f"cd /sys/block/{name}; n=0; until {condition}; do n=$((n+1)); [ $n -gt 50 ] && exit 1; "
                              "sleep 0.2; done", check=False)
        state = self.orders([("show", vdev, "")])[0]
        said = [text for text in self.lines(vdev, name)[len(old):] if not (line and re.search(line, text))]
        wrong = [f"{errors} errors"] * bool(errors) + [f"not so: {condition}"] * (not held)
        wrong += ["the log says: " + " | ".join(said)] * bool(said)
        if state["connects"] != connects + 1 + bool(line) or state["state"] != 4:
            wrong.append(f"{state['connects']} connects, {connects} before, state {state['state']}")
        self.result(lie, "; ".join(wrong))

    # -- everybody else ---------------------------------------------------------------------------------

    def write_through(self, vdev, name):
        """Writes with FUA that are larger than a slot, where barriers are all there is."""
        wrong = [] if self.guest.run(f"grep -qx 1 /sys/block/{name}/queue/fua", check=False) else ["no FUA"]
        done = self.guest.run(f"fio --name=fua --filename=/dev/{name} --direct=1 --sync=dsync --rw=randwrite --bs=256k "
                              "--size=4M --verify=crc32c --verify_fatal=1 --minimal", check=False, timeout=120)
        wrong += [] if done else [done.out[-200:] + done.err[-200:]]
        state = self.orders([("show", vdev, "")])[0]
        wrong += [f"{state['connects']} connects"] * (state["connects"] != 1)
        self.result("write-through by barriers", "; ".join(wrong))

    def other_moved(self):
        words = self.guest.run("cat /sys/block/xvda/stat").out.split()
        return int(words[0]) + int(words[4])

    def check_other(self):
        before, self.moved = self.moved, self.other_moved()
        wrong = "" if self.moved > before else "no request was finished"
        if not self.other.running:
            result = self.other.result()
            wrong = f"its load has ended: {result.out[-300:]}{result.err[-600:]}"
        self.result("the other disk", wrong)

    def finish(self):
        """The driver can be removed, everything is given back, and it can be loaded again."""
        self.guest.run("pkill -INT fio; sleep 2; pkill fio; true")
        self.other.wait(timeout=60)
        text = self.other.result().out
        fields = [line.split(";") for line in text.splitlines() if line.startswith("3;")]
        self.result("the other disk's data", "" if fields and fields[0][4] == "0" else text)
        self.driver_removed("xen-blkfront", "vbd")
        self.guest.wait_for("test -b /dev/xvda && dd if=/dev/xvda of=/dev/null bs=64k count=4 status=none",
                            what="/dev/xvda after modprobe")


def hostile(function, long=False):
    """Declares a case: a guest with one real disk, and what function does to the bench around it."""
    return case(type="pv", kernel="6.1", disks=[Disk("xvda", size="32M")], load=[], long=long,
                module_params={"xen-blkfront": f"request_timeout={TIMEOUT}"})(_hostile.booked(Bench, function))


@hostile
def answers(bench):
    "Odd but right answers pass; wrong ids, operations and states are named once, and I/O goes on."
    # Each load is 30 requests or so, which come in batches of up to eight: what is told N times is told in fewer.
    bench.run([Trial("reverse=5"), Trial("late=3"), Trial("scribble=4"), Trial("storm=3", interrupts=2000)])
    bench.run([Trial("id-huge", UNKNOWN_ID), Trial("id-range", UNKNOWN_ID), Trial("id-unissued", UNKNOWN_ID),
               Trial("id-dup", UNKNOWN_ID), Trial("wrong-op", BAD_ANSWER), Trial("status=-7", BAD_ANSWER),
               Trial("status=1", BAD_ANSWER), Trial("status=32767", BAD_ANSWER)])


@functools.partial(hostile, long=True)
def failures(bench):
    "One request that fails fails alone; what turns out not to be supported is not used again."
    bench.run([Trial("error-write", errors=1, block="I/O error, dev"),
               Trial("eopnotsupp-write", errors=-95, block="operation not supported error, dev .*WRITE"),
               Trial("eopnotsupp-flush", UNSUPPORTED % "flush"),
               Trial("eopnotsupp-barrier", UNSUPPORTED % "barrier write", setup="--set feature-flush-cache=0"),
               Trial("eopnotsupp-discard", UNSUPPORTED % "discard", after="blkdiscard -l 65536 {disk}",
                     block="operation not supported error, dev .*DISCARD")])


@functools.partial(hostile, long=True)
def indices(bench):
    "Indices that jump, answers that are written again, data that stays mapped: named once, and I/O goes on."
    bench.run([Trial("rsp-prod-jump", BAD_INDEX), Trial("rsp-prod-back", BAD_INDEX),
               Trial("rsp-prod-ahead", f"{BAD_INDEX}|{UNKNOWN_ID}|{BAD_ANSWER}"),
               Trial("hold-data", STILL_MAPPED),
               Trial("rewrite=6", f"{UNKNOWN_ID}|{BAD_ANSWER}", optional=True),
               Trial("req-prod=5", NO_ANSWER, optional=True)])


@functools.partial(hostile, long=True)
def silence(bench):
    "No answer, no event, mappings that outlive Closed, death, states that jump about: no I/O is lost."
    bench.run([Trial("silence", NO_ANSWER), Trial("no-notify", NO_ANSWER), Trial("hold-closed=4", connects=2),
               Trial("die", NO_ANSWER, optional=True), Trial("last-moment", NO_ANSWER)])
    # How often it connects anew is a matter of how fast it looks; once is the least.
    bench.run([Trial(f"states={jumps}", optional=True, connects=2)
               for jumps in ("1.4", "4.1.4", "5", "6", "99.4", "abc.4", "-.4", "2.4", "3.4", "7.8.4")])


@functools.partial(hostile, long=True)
def offers(bench):
    "The disk comes back with less, under I/O: requests are split, features forgotten, larger sectors refused."
    vdev, name = bench.make(0)
    about = f"/sys/kernel/debug/xenfront/vbd-{vdev}/state"
    bench.reopen(vdev, name, "fewer-segments", f"grep -qx 'max-segments: 11' {about}")
    bench.reopen(vdev, name, "small-ring", f"grep -qx 'ring-page-order: 0' {about}")
    bench.reopen(vdev, name, "no-flush", "grep -q through queue/write_cache")
    bench.reopen(vdev, name, "no-discard", "grep -qx 0 queue/discard_max_bytes")
    bench.reopen(vdev, name, "smaller-disk=8192", "grep -qx 8192 size")
    bench.reopen(vdev, name, "larger-sectors", "grep -qx 16384 size && grep -q back queue/write_cache",
                 line="backend key .sector-size. grew from 512 to 4096")
    bench.orders([("remove", vdev, "")])
    vdev, name = bench.make(1, "--set sector-size=4096 --set physical-sector-size=4096")
    bench.reopen(vdev, name, "smaller-sectors", "true")
    bench.orders([("remove", vdev, "")])
    vdev, name = bench.make(2, "--set feature-flush-cache=0")
    bench.write_through(vdev, name)
    bench.orders([("remove", vdev, "")])
    bench.check_other()
