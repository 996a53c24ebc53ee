# SPDX-License-Identifier: GPL-2.0-only
"""Network backends that lie (tests/hostile): each lie is caught, named in the log once, and forgiven, packets come
and go afterwards, and nobody but its own interface notices."""
import re
import time

from xenbed import Nic, case

import _hostile
import _netfront as net
from _hostile import BROKEN

UNKNOWN_ID = r"backend answered packet slot \d+, which is not with it" + BROKEN
BAD_INDEX = r"backend claims \d+ answers to \d+ packet slots" + BROKEN
STILL_MAPPED = r"backend still maps a page of a sent packet" + BROKEN
WRONG_BUFFER = r"backend answered buffer \d+ instead of \d+" + BROKEN
NOT_ITS_OWN = r"backend filled a buffer that it does not have" + BROKEN
BAD_BUFFER = r"backend wrote -?\d+ bytes at \d+ of a buffer" + BROKEN
NO_END = r"backend's packet has no end" + BROKEN
BAD_EXTRA = r"backend sent extra information of type \d+" + BROKEN
BAD_BUFFERS = r"backend claims \d+ answers to \d+ buffers" + BROKEN
REFUSED = r"backend \S+ refuses what it is offered"
AT_WORK = r"backend is at work on a buffer that it has answered" + BROKEN
MTU = 9000


class Trial(_hostile.Trial):
    """over: nothing goes any more until the device is removed, which has to work."""

    def __init__(self, lie, line=None, over=False, **more):
        super().__init__(lie, line, **more)
        self.over = over


class Bench(_hostile.Bench):
    tool, option = "vif", "handle"

    def __init__(self, host, guest):
        super().__init__(host, guest)
        guest.run("modprobe xen-netfront")
        guest.nics.configure(0)
        # Little traffic: the backends that lie are slow, and are to be served, too.
        self.other = guest.spawn(f"ping -n -q -i 0.1 -s 1000 {net.DOM0}")
        assert self.mapped() > self.mapped_before, "the interface's grants are not seen"

    @staticmethod
    def network(handle):
        return f"10.66.{handle}"

    def interface(self, handle):
        return self.guest.run(f"ls /sys/bus/xen/devices/vif-{handle}/net 2>/dev/null; true").out.strip()

    def configure(self, handle):
        """The interface, and dom0 answers through it."""
        net.wait_until(lambda: self.interface(handle), f"an interface of vif-{handle}", 40)
        name = self.interface(handle)
        self.guest.run(f"sysctl -qw net.ipv6.conf.{name}.disable_ipv6=1; ip link set {name} mtu {MTU} up; "
                       f"ip addr add {self.network(handle)}.2/24 dev {name}")
        self.answers(handle)
        return name

    def answers(self, handle, timeout=40):
        """Small packets and large ones, each way, without a loss."""
        pings = " && ".join(f"ping -n -q -c 4 -i 0.1 -W 2 -s {size} {self.network(handle)}.1 | grep -q ' 0% packet loss'"
                            for size in (40, 1400, 6000))
        net.wait_until(lambda: self.guest.run(pings, check=False), f"all pings through vif-{handle} are answered", timeout)

    def lines(self, handle, name):
        """What the guest's log says about an interface, without what every connection says."""
        text = self.guest.run("dmesg").out
        about = [line.split("] ", 1)[-1] for line in text.splitlines()
                 if re.search(rf"\bvif-{handle}\b|\b{name}\b", line)]
        return [line for line in about if not re.search(r"connected again$|entered promiscuous|link becomes ready", line)]

    def load(self, handles):
        """Pings of all sizes to all of them, for as long as it takes."""
        return self.guest.spawn("trap 'kill $(jobs -p)' INT; " + " ".join(
            f"ping -n -q -i 0.1 -s {size} {self.network(handle)}.1 > /dev/null 2>&1 &"
            for handle in handles for size in (100, 6000)) + " wait")

    def run(self, trials):
        """All at once, each on its own interface: made, told to lie under traffic, judged, taken away."""
        began = time.monotonic()
        handles = list(range(10, 10 + len(trials)))
        self.orders([("create", handle, f"--address {self.network(handle)}.1/24 {trial.setup}")
                     for handle, trial in zip(handles, trials)])
        names = [self.configure(handle) for handle in handles]
        old = [len(self.lines(handle, name)) for handle, name in zip(handles, names)]
        load = self.load(handles)
        self.orders([("lie", handle, trial.lie) for handle, trial in zip(handles, trials)])
        for handle, trial in zip(handles, trials):
            if trial.name == "die":
                self.start_again(handle)
        self.told(handles, trials)
        load.kill(2)
        load.wait(timeout=30)
        for handle, name, trial, before in zip(handles, names, trials, old):
            wrong = []
            if not trial.over:
                try:
                    self.answers(handle)
                except AssertionError as error:
                    wrong.append(str(error))
            state, = self.orders([("show", handle, "")])
            wrong += trial.judged(state, self.lines(handle, name)[before:])
            self.result(trial.lie, "; ".join(wrong))
        gone = self.orders([("remove", handle, "--patience 40") for handle in handles], check=False)
        for handle, trial, answer in zip(handles, trials, gone):
            if answer.get("error"):
                self.result(f"{trial.lie}: afterwards", answer["error"])
        assert self.other.running, self.other.result()
        self.comment(f"{len(trials)} lies in {time.monotonic() - began:.0f} s")

    def finish(self):
        """The other interface never noticed; the driver can be removed, and everything is given back."""
        self.other.kill(2)
        said = self.other.wait(timeout=30).out
        self.result("the other interface's packets", "" if " 0% packet loss" in said else said)
        net.settled(self.guest)
        # Of mappings that outlive their answer the kernel tells itself, each time that it is asked.
        count = int(self.guest.run("dmesg | grep -c 'g\\.e\\..*still in use'; true").out)
        self.result("the kernel's lines about grants", "" if count < 100 else f"{count} of them")
        state = net.state(self.guest)
        self.result("the other interface", "" if state["connects"] == 1 else f"{state['connects']} connects")
        self.driver_removed("xen-netfront", "vif")
        self.guest.nics.configure(0)


def hostile(function):
    """Declares a case: a guest with one real interface, and what function does to the bench around it."""
    return case(type="pv", kernel="6.1", nics=[Nic(address=False)], load=[], long=True,
                expect=[r"g\.e\. 0x[0-9a-f]+ still in use"])(_hostile.booked(Bench, function))


@hostile
def sent(bench):
    "What becomes of packets that are sent: odd but right answers pass; wrong ones are named, and traffic goes on."
    bench.run([Trial("reverse=5"), Trial("late=1"), Trial("scribble=20"), Trial("storm=3"), Trial("send-error"),
               Trial("send-dropped"), Trial("send-status=99"), Trial("req-prod=5")])
    bench.run([Trial("id-huge", UNKNOWN_ID), Trial("id-range", UNKNOWN_ID), Trial("id-unissued", UNKNOWN_ID),
               Trial("id-dup", UNKNOWN_ID), Trial("rsp-prod-jump", BAD_INDEX), Trial("rsp-prod-back", BAD_INDEX),
               Trial("rsp-prod-ahead", f"{BAD_INDEX}|{UNKNOWN_ID}"), Trial("rewrite=15", UNKNOWN_ID, optional=True)])


@hostile
def received(bench):
    "What is in the buffers: lengths, offsets, chains and extra information that cannot be; packets that are nonsense."
    bench.run([Trial("deliver-id", WRONG_BUFFER), Trial("deliver-status=32767", BAD_BUFFER),
               Trial("deliver-status=5", BAD_BUFFER), Trial("deliver-status=0"), Trial("deliver-status=-1"),
               Trial("deliver-last-status=-1"), Trial("deliver-last-status=32767", BAD_BUFFER),
               Trial("deliver-offset=4095", BAD_BUFFER)])
    bench.run([Trial("deliver-endless", f"{NO_END}|{BAD_BUFFER}|{WRONG_BUFFER}"), Trial("extra-type=77", BAD_EXTRA),
               Trial("extra-type=0", BAD_EXTRA), Trial("extra-endless", f"{NO_END}|{BAD_EXTRA}"),
               Trial("gso-size=0"), Trial("gso-size=1448"), Trial("gso-type=99"), Trial("csum-blank")])
    bench.run([Trial("deliver-prod-jump", BAD_BUFFERS), Trial("deliver-prod-back", BAD_BUFFERS),
               Trial("deliver-prod-ahead", f"{BAD_BUFFERS}|{NOT_ITS_OWN}|{WRONG_BUFFER}"), Trial("hold-buffer", AT_WORK)])


@hostile
def connection(bench):
    "No answer, no event, mappings that outlive answers and the connection, death, states that jump about."
    bench.run([Trial("silence", over=True), Trial("no-notify", over=True), Trial("hold-data", STILL_MAPPED),
               Trial("hold-closed=4", connects=2), Trial("die", optional=True),
               Trial("refuse=3", REFUSED, connects=2)])
    bench.run([Trial(f"states={jumps}", optional=True)
               for jumps in ("1.4", "4.1.4", "5", "6", "99.4", "abc.4", "-.4", "7.8.4")])
