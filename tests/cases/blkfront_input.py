# SPDX-License-Identifier: GPL-2.0-only
"""A backend made of xenstore nodes that no driver stands behind: what it announces is nonsense.

What has to follow: one line in the log that names the key, no disk or a working one, the other disks
untouched, nothing left over.
"""
import re

from xenbed import Disk, case

import _blkfront as blk

NUMBER = 51712 + 16 * 4         # xvde
NODE = "xvde"
(INITIALISING, INIT_WAIT, INITIALISED, CONNECTED, CLOSING, CLOSED) = range(1, 7)

GOOD = {"sectors": 2048, "sector-size": 512, "info": 0}


class Backend:
    """Both ends' folders in xenstore, as a toolstack makes them; the guest's driver finds them at once."""

    def __init__(self, host, guest, number=NUMBER, online=1):
        self.dom0, self.guest = host.dom0, guest
        domain = guest.id
        self.back = f"/local/domain/0/backend/fake/{domain}/{number}"
        self.front = f"/local/domain/{domain}/device/vbd/{number}"
        self.name = f"vbd-{number}"
        self.write(frontend=f"{self.front}", **{"frontend-id": domain, "online": online, "state": INITIALISING})
        self.dom0.run(f"xenstore-chmod -r {self.back} n0 r{domain} && "
                      f"xenstore-write {self.front}/backend {self.back} {self.front}/backend-id 0 "
                      f"{self.front}/virtual-device {number} {self.front}/device-type disk && "
                      f"xenstore-chmod -r {self.front} n{domain} r0")
        self.since = blk.log_length(guest)

    def begin(self):
        self.dom0.run(f"xenstore-write {self.front}/state {INITIALISING}")

    def write(self, **keys):
        """Keys of the backend; None takes one away."""
        gone = "".join(f"xenstore-rm {self.back}/{key} 2>/dev/null; " for key, value in keys.items() if value is None)
        pairs = " ".join(f"{self.back}/{key} '{value}'" for key, value in keys.items() if value is not None)
        self.dom0.run(gone + (f"xenstore-write -- {pairs}" if pairs else "true"))

    def front_state(self):
        return self.dom0.read(f"{self.front}/state")

    def wait_front(self, *states, timeout=40):
        return blk.wait_until(lambda: self.front_state() in map(str, states) and self.front_state(),
                              lambda: f"frontend is in state {self.front_state()}, not {' or '.join(map(str, states))}; "
                                      f"log: {self.said('.')[-4:]}", timeout)

    def said(self, pattern):
        return blk.lines(self.guest, rf"{self.name}.*({pattern})", self.since)

    def offer(self, **keys):
        """Up to what the frontend answers to InitWait."""
        self.write(**keys)
        self.begin()
        self.write(state=INIT_WAIT)
        return self.wait_front(INITIALISED, CLOSING, CLOSED)

    def connect(self, **keys):
        """Up to what it answers to Connected."""
        assert self.offer() == str(INITIALISED)
        self.write(**{**GOOD, **keys})
        self.write(state=CONNECTED)
        return self.wait_front(CONNECTED, CLOSING, CLOSED)

    def remove(self):
        """As a toolstack takes a device away; the guest's driver lets go within seconds."""
        self.dom0.run(f"xenstore-rm {self.front}; xenstore-rm {self.back}")
        blk.wait_until(lambda: not self.guest.run(f"test -e /sys/bus/xen/devices/{self.name} || "
                                                  f"test -e /sys/kernel/debug/xenfront/{self.name} || "
                                                  f"test -e /sys/block/{NODE}", check=False),
                       f"{self.name} goes with its nodes", 40)


def sound(guest):
    """The disk that is real works as before."""
    guest.run("fio --name=quick --filename=/dev/xvdb --direct=1 --ioengine=libaio --iodepth=8 --rw=randwrite --bs=4k-64k "
              "--size=1m --verify=crc32c --verify_fatal=1 --minimal --output=/tmp/quick")
    state = blk.state(guest)
    assert state["phase"] == "connected" and state["connects"] == 1, state


REFUSED = {
    "sectors": ("", "-1", "18446744073709551616", "18446744073709551615", "many", "12x", "0x800", " 2048", None),
    "sector-size": ("", "0", "3", "513", "65536", "-512", "large", None),
    "info": ("garbage", "-1", "4294967296", None),
}


def refused_keys(host, guest):
    """Keys without which there is no disk: one line names the key, and there is no disk."""
    for key, values in REFUSED.items():
        for value in values:
            backend = Backend(host, guest)
            reached = backend.connect(**{key: value})
            shown = f"{key}={value!r}"
            assert reached != str(CONNECTED), f"{shown} was accepted"
            said = backend.said(f'"{key}"')
            assert len(said) == 1, f"{shown}: lines that name the key: {said}"
            guest.run(f"test ! -e /sys/block/{NODE}")
            backend.write(state=CLOSED)
            backend.wait_front(CLOSED)
            # It stays refused, quietly, and starts again only when the backend does.
            assert len(backend.said(".*")) <= 2, f"{shown}: {backend.said('.*')}"
            backend.remove()
    sound(guest)


def refused_then_good(host, guest):
    """A backend that was refused, starts afresh and is sensible then, is taken."""
    backend = Backend(host, guest)
    assert backend.connect(sectors="-1") != str(CONNECTED)
    backend.write(state=CLOSED)
    backend.wait_front(CLOSED)
    backend.write(state=INIT_WAIT, sectors=0)
    backend.wait_front(INITIALISED)
    backend.write(state=CONNECTED)
    backend.wait_front(CONNECTED)
    guest.wait_for(f"test -b /dev/{NODE}")
    backend.remove()
    sound(guest)


# In InitWait: whatever these are, the device goes on with what it means without them, or with its own limit.
SHAPES = [
    ({"multi-queue-max-queues": value}, True) for value in ("0", "4294967296", "-1", "text", "")
] + [
    ({"max-ring-page-order": value}, True) for value in ("-1", "text", "", "18446744073709551616")
] + [
    ({"multi-queue-max-queues": "4294967295"}, False), ({"max-ring-page-order": "31"}, False),
    ({"max-ring-page-order": "4294967295"}, False),
]


def ring_keys(host, guest):
    """How many rings of which size: nonsense is named and replaced, what is too much is bounded."""
    for keys, named in SHAPES:
        (key, value), = keys.items()
        backend = Backend(host, guest)
        assert backend.offer(**keys) == str(INITIALISED), f"{keys}: {backend.said('.')}"
        said = backend.said(f'"{key}"')
        assert len(said) == (1 if named else 0), f"{keys}: {said}"
        nodes = host.dom0.run(f"xenstore-ls {backend.front}").out
        order = re.search(r'ring-page-order = "(\d+)"', nodes)
        assert not order or int(order.group(1)) <= 4, nodes
        if key.startswith("multi"):
            queues = re.search(r'multi-queue-num-queues = "(\d+)"', nodes)
            assert bool(queues) != named and (named or 1 <= int(queues.group(1)) <= 2), nodes
        backend.remove()
    sound(guest)


FEATURES = {
    "feature-max-indirect-segments": ("2147483648", "4294967295", "-1", "text", ""),
    "feature-persistent": ("2", "yes", "-1", ""),
    "feature-flush-cache": ("7", "on"),
    "feature-barrier": ("2",),
    "feature-discard": ("2", "maybe"),
    "discard-granularity": ("-1", "large", "4294967296"),
    "discard-alignment": ("-1", "odd"),
    "physical-sector-size": ("3", "-1", "4294967296", "256", "text"),
}
UNNAMED = {("feature-max-indirect-segments", "2147483648"), ("feature-max-indirect-segments", "4294967295")}


def feature_keys(host, guest):
    """Features and their sizes: nonsense is named once, and counts as not announced."""
    for key, values in FEATURES.items():
        for value in values:
            backend = Backend(host, guest)
            shown = f"{key}={value!r}"
            # A disk of no size is connected and never asked for anything.
            more = {"feature-discard": 1} if key.startswith("discard-") else {}
            reached = backend.connect(**{"sectors": 0, **more, key: value})
            assert reached == str(CONNECTED), f"{shown}: {backend.said('.')}"
            guest.wait_for(f"test -b /dev/{NODE}", what=f"/dev/{NODE} with {shown}")
            said = backend.said(f'"{key}"')
            assert len(said) == (0 if (key, value) in UNNAMED else 1), f"{shown}: {said}"
            state = blk.state_of(guest, backend.name)
            assert state["phase"] == "connected" and 11 <= state["max-segments"] <= 4096, state
            for word in ("flush", "barrier", "persistent-grants"):
                assert state[word] == 0, f"{shown}: {word} is {state[word]}"
            assert state["physical-sector-size"] == 512, state
            assert state["discard"] == (1 if more else 0), state
            backend.remove()
    sound(guest)


def virtual_device(host, guest):
    """Numbers that are no disk of ours, or no numbers: named, and no disk."""
    for value in ("", "text", "-1", "99999999999", "4660", "65535", "4294967295", None):
        backend = Backend(host, guest)
        if value is None:
            host.dom0.run(f"xenstore-rm {backend.front}/virtual-device")
        else:
            host.dom0.run(f"xenstore-write -- {backend.front}/virtual-device '{value}'")
        backend.begin()
        blk.wait_until(lambda: backend.said("virtual-device"), f"a line about virtual-device={value!r}", 20)
        # The bus adds a line of its own about the probe that failed.
        assert len(backend.said('"virtual-device"')) == 1, backend.said(".")
        assert guest.run("ls /sys/block | grep -c xvd").out.strip() == "1"
        backend.remove()
    sound(guest)


JUMPS = ("2 4 2 4", "4", "1 2 3 4 5 6 7 8", "8 7 6 5 4 3 2 1", "0 2 0 4 0", "99 2 99 4 99", "abc 2 abc 4 abc", "6 2 4 6 2 4",
         "2 2 2 4 4 4", "5 5 5", "2 6 2 6 2 6", "4294967295 2 -1 4", "7 2 8 4 7 8")


def state_jumps(host, guest):
    """A backend that jumps from any state to any other; then it behaves, and is taken."""
    for delay in ("0", "0.3"):
        for jumps in JUMPS:
            backend = Backend(host, guest)
            backend.write(**{**GOOD, "sectors": 0})
            backend.begin()
            host.dom0.run(f"for s in {jumps}; do xenstore-write -- {backend.back}/state $s; sleep {delay}; done")
            # From wherever they are: closed first, as a real one would.
            backend.write(state=CLOSED)
            blk.wait_until(lambda: backend.front_state() in ("1", "6"), lambda: f"after {jumps} the frontend is in "
                           f"{backend.front_state()}, not in 1 or 6", 60)
            backend.write(state=INIT_WAIT)
            backend.wait_front(INITIALISED, timeout=60)
            backend.write(state=CONNECTED)
            backend.wait_front(CONNECTED)
            guest.wait_for(f"test -b /dev/{NODE}", what=f"the disk after {jumps}")
            backend.remove()
    sound(guest)


def vanishing_nodes(host, guest):
    """Nodes that go while they are in use: the backend's folder, its state, the frontend's folder."""
    for what in ("{back}", "{back}/state", "{front}", "{front}/backend"):
        for stage in ("offered", "connected"):
            backend = Backend(host, guest)
            if stage == "offered":
                backend.offer()
            else:
                backend.connect(sectors=0)
                guest.wait_for(f"test -b /dev/{NODE}")
            path = what.format(back=backend.back, front=backend.front)
            host.dom0.run(f"xenstore-rm {path}")
            guest.run("sleep 1")
            host.dom0.run(f"xenstore-rm {backend.front} 2>/dev/null; xenstore-rm {backend.back} 2>/dev/null; true")
            blk.wait_until(lambda: not guest.run(f"test -e /sys/bus/xen/devices/{backend.name}", check=False),
                           f"{backend.name} goes after {path} went while {stage}", 60)
    sound(guest)


def never_answers(host, guest):
    """A disk that is announced and never answers a request can be removed all the same."""
    backend = Backend(host, guest)
    assert backend.connect() == str(CONNECTED)
    guest.run("sleep 2")
    backend.remove()
    sound(guest)


def no_leak(host, guest):
    """Forty backends, refused and connected in turn, leave no grant, no event channel, no interrupt and no memory."""
    def resources():
        text = guest.run("echo 3 > /proc/sys/vm/drop_caches; sleep 1; grep -c . /proc/interrupts; "
                         "awk '/^(MemFree|Slab|AnonPages|Shmem|Percpu):/ { print $2 }' /proc/meminfo").out
        return [int(word) for word in text.split()]

    references, ports, samples, early = [], [], [], None
    for turn in range(1, 41):
        backend = Backend(host, guest)
        backend.connect(sectors=0 if turn % 2 else "-1")
        nodes = host.dom0.run(f"xenstore-ls {backend.front}").out
        references += [int(n) for n in re.findall(r'ring-ref\d* = "(\d+)"', nodes)]
        ports += [int(n) for n in re.findall(r'event-channel = "(\d+)"', nodes)]
        backend.remove()
        if turn in (10, 25, 40):
            samples.append(resources())
            early = early or (max(references), max(ports))
    assert samples[0][0] == samples[2][0], f"interrupts: {samples[0][0]} became {samples[2][0]}"
    # The system takes and gives some memory of its own; what leaks goes on leaking. A ring and its reserve are 50 KiB.
    used = [before[1] - after[1] for before, after in zip(samples, samples[1:])]
    assert min(used) < 15 * 16, f"every 15 turns cost {used} KiB (interrupts, free, anonymous, shared, slab, per CPU): {samples}"
    # Thirty turns of a ring and its reserve would have used some 400 references and 30 ports.
    assert max(references) - early[0] < 100, f"grant references grow: {references}"
    assert max(ports) - early[1] < 10, f"event channels grow: {ports}"
    sound(guest)


def watch_storm(host, guest):
    """Ten thousand writes to the backend's folder while the real disk works."""
    backend = Backend(host, guest)
    assert backend.connect(sectors=0) == str(CONNECTED)
    load = blk.verified_load(guest, size="2m")
    host.dom0.run(f"python3 -c \"import sys; sys.path.insert(0, '/bed/files'); import xenstore; s = xenstore.Store(); "
                  f"[s.write('{backend.back}/state', 4 if n % 3 else 7) for n in range(10000)]; "
                  f"s.write('{backend.back}/state', 6)\"")
    load.wait(1)
    load.stop()
    backend.remove()
    sound(guest)


DISKS = [Disk("xvdb", size="32M")]


@case(long=True, disks=DISKS)
def keys(host, guest):
    "Keys without which there is no disk: named in the log, and no disk until the backend is sensible."
    refused_keys(host, guest)
    refused_then_good(host, guest)
    virtual_device(host, guest)


@case(long=True, vcpus=2, disks=DISKS)
def features(host, guest):
    "Keys that a backend may leave out: nonsense is named, what is too much is bounded."
    ring_keys(host, guest)
    feature_keys(host, guest)


@case(long=True, disks=DISKS, expect=[r"I/O error", r"Buffer I/O"])
def states(host, guest):
    "States in any order, nodes that vanish, a disk that never answers."
    state_jumps(host, guest)
    vanishing_nodes(host, guest)
    never_answers(host, guest)


@case(long=True, disks=DISKS)
def many(host, guest):
    "Many backends one after the other, and many changes of one: nothing leaks, nothing stalls."
    no_leak(host, guest)
    watch_storm(host, guest)
