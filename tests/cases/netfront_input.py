# SPDX-License-Identifier: GPL-2.0-only
"""Xenstore entries that are nonsense: a clear message, and a working or an absent interface.

The backend is real: netback serves the interface as soon as the entries are sensible again.
"""
from xenbed import Nic, case
from xenbed.nic import DOM0

import _netfront as net


class Vif:
    """The guest's vif with entries of the toolstack's and of the backend's changed."""

    def __init__(self, host, guest):
        self.dom0, self.guest, self.nic = host.dom0, guest, guest.nics.find(0)
        self.name, self.folder = net.read_bus(guest), net.driver(guest)
        self.back = guest.nic_backend()
        self.front = host.dom0.read(f"{self.back}/frontend")
        self.kept = {}

    def unbind(self):
        self.guest.run(f"echo {self.name} > {self.folder}/unbind")

    def write(self, side, **keys):
        """Before anything is changed it is noted, for restore()."""
        for key, value in keys.items():
            path = f"{getattr(self, side)}/{key}"
            self.kept.setdefault(path, self.dom0.read(path))
            self._set(path, value)

    def _set(self, path, value):
        self.dom0.run(f"xenstore-rm {path} 2>/dev/null || true" if value is None else f"xenstore-write -- {path} '{value}'")

    def restore(self):
        for path, value in self.kept.items():
            self._set(path, value)
        self.kept = {}

    def bind(self):
        self.since = net.log_length(self.guest)
        # A probe that is refused is an error of the write, too.
        return bool(self.guest.run(f"echo {self.name} > {self.folder}/bind", check=False))

    def interface(self):
        return self.guest.run(f"ls /sys/bus/xen/devices/{self.name}/net 2>/dev/null; true").out.strip()

    def said(self, pattern):
        return net.lines(self.guest, rf"(?i)({self.name}|xen.?net|vif).*({pattern})", self.since)

    def works(self):
        """Configures what is there and waits for dom0's answer; the interface's name, or ''."""
        name = ""
        for turn in range(20):
            name = name or self.interface()
            if not name and turn == 8:
                break
            if name:
                self.guest.run(f"ip link set {name} up; ip addr replace {self.nic.ip}/24 dev {name}", check=False)
                if self.guest.run(f"ping -c 1 -W 1 -q -I {name} {DOM0}", check=False):
                    return name
            self.guest.run("sleep 0.3")
        return ""


def tried(vif, side, shown, must_work, keyword, **keys):
    """One nonsense: the driver is bound with it and says so; the interface works or is not there; then it is as before."""
    guest = vif.guest
    vif.unbind()
    vif.write(side, **keys)
    vif.bind()
    name = vif.works()
    if must_work:
        assert name, f"{shown}: the interface does not work; log: {vif.said('.')[-4:]}"
    elif not name:
        there = vif.interface()
        carrier = guest.run(f"cat /sys/class/net/{there}/carrier 2>/dev/null || echo 0").out.strip() if there else "0"
        assert carrier == "0", f"{shown}: {there} is there, has a carrier, and does not work"
    said = vif.said(keyword)
    if net.ours(guest):
        assert said, f"{shown}: no line names {keyword}; log: {vif.said('.')[-4:]}"
        assert len(said) <= 2, f"{shown}: {len(said)} lines: {said}"
    guest.run(f"[ ! -e /sys/bus/xen/devices/{vif.name}/driver ] || echo {vif.name} > {vif.folder}/unbind")
    vif.restore()
    assert vif.bind(), f"after {shown}: the driver does not take sensible entries"
    assert vif.works(), f"after {shown}: no interface with sensible entries; log: {vif.said('.')[-4:]}"
    return name


@case(long=True, nics=[Nic()])
def addresses(host, guest):
    "An Ethernet address that is none, or that no interface may have: named; refused, or another one taken."
    vif = Vif(host, guest)
    for value in ("", "garbage", "00:16:3e:77:00", "00:16:3e:77:00:01:02", "00:16:3e:77:00:0g", "01:00:5e:00:00:01",
                  "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "-1", None):
        shown = f"mac={value!r}"
        vif.unbind()
        vif.write("front", mac=value)
        vif.bind()
        name = vif.works()
        if name:
            taken = guest.run(f"cat /sys/class/net/{name}/address").out.strip()
            first = int(taken[:2], 16)
            assert not first & 1 and taken != "00:00:00:00:00:00", f"{shown}: the interface has {taken}"
        if net.ours(guest):
            assert vif.said("mac|address"), f"{shown}: no line says so; log: {vif.said('.')[-4:]}"
        guest.run(f"[ ! -e /sys/bus/xen/devices/{vif.name}/driver ] || echo {vif.name} > {vif.folder}/unbind")
        vif.restore()
        assert vif.bind() and vif.works(), f"after {shown}: no interface with a sensible address"
    net.settled(guest)


BAD_NUMBERS = ("", "garbage", "-1", "12x", "4294967296", "18446744073709551616", " 1")
# The least and the most that must be taken as it is are tried in announced_mtu.
BAD_MTUS = ("0", "1", "67", "65536", "4294967296", "-1", "garbage", "")


@case(long=True, nics=[Nic()])
def mtus(host, guest):
    "An MTU out of range or no number at all: named, and an interface with one that works."
    vif = Vif(host, guest)
    for value in BAD_MTUS:
        name = tried(vif, "front", f"mtu={value!r}", True, "mtu", mtu=value)
        mtu = int(guest.run(f"cat /sys/class/net/{name}/mtu").out)
        assert 68 <= mtu <= 65535, f"mtu={value!r}: the interface has MTU {mtu}"
    net.settled(guest)


@case(long=True, guest=False)
def announced_mtu(host):
    "The MTU that the toolstack announces is the interface's; dom0's side has it, too."
    for mtu in (1280, 1400, 9000):
        guest = host.guest(nics=[Nic(mtu=mtu)]).start()
        host.dom0.run(f"ip link set xenbr0 mtu {max(mtu, 1500)}")
        if net.ours(guest):
            found = int(guest.run(f"cat /sys/class/net/{guest.interface()}/mtu").out)
            assert found == mtu, f"the interface has MTU {found}, announced is {mtu}"
            net.ping(guest, DOM0, f'-c 5 -i 0.1 -W 3 -M "do" -s {min(mtu, 9000) - 28}')
        net.file_both_ways(guest, host.dom0, DOM0, 4)
        net.settled(guest)
        guest.destroy()
        host.dom0.run("ip link set xenbr0 mtu 1500")


FEATURES = ("feature-sg", "feature-gso-tcpv4", "feature-gso-tcpv6", "feature-ipv6-csum-offload", "feature-no-csum-offload",
            "feature-split-event-channels", "feature-multicast-control", "feature-dynamic-multicast-control",
            "feature-xdp-headroom", "feature-ctrl-ring", "multi-queue-max-queues")


@case(long=True, vcpus=2, nics=[Nic()])
def features(host, guest):
    "Features that are no yes and no no: named, taken as not there, and the interface works."
    vif = Vif(host, guest)
    for number, key in enumerate(FEATURES):
        # One for each, in turn: all keys are read by the same function.
        value = BAD_NUMBERS[number % len(BAD_NUMBERS)]
        tried(vif, "back", f"{key}={value!r}", True, key, **{key: value})
    net.settled(guest)


@case(long=True, nics=[Nic()])
def needed(host, guest):
    "Without feature-rx-copy there is no interface, and the log says why; numbers of queues that cannot be."
    vif = Vif(host, guest)
    for value in ("0", "garbage", None):
        name = tried(vif, "back", f"feature-rx-copy={value!r}", False, "rx.copy|copying", **{"feature-rx-copy": value})
        assert not name, f"feature-rx-copy={value!r}: the interface works by a backend that does not copy"
    for value in ("0", "-1", "99999999", "4294967297"):
        tried(vif, "back", f"multi-queue-max-queues={value!r}", True, "multi-queue-max-queues|queue",
              **{"multi-queue-max-queues": value})
    net.settled(guest)


STATES = ("5 6", "6 5 6", "2 2 2", "0 2", "abc 2", "99 2", "7 8 7 8 2", "3 2 4 2", "1 6 2 5 6", "4294967295 2")


@case(long=True, nics=[Nic(), Nic(address=False)])
def states(host, guest):
    "A backend of xenstore entries only that jumps from any state to any other; the real interface does not notice."
    with net.Uninterrupted(guest) as flow:
        for number, delay in ((7, 0), (8, 0.3)):
            back = f"/local/domain/0/backend/fake/{guest.id}/{number}"
            front = f"/local/domain/{guest.id}/device/vif/{number}"
            for jumps in STATES:
                host.dom0.run(f"xenstore-write {back}/frontend {front} {back}/frontend-id {guest.id} {back}/online 1 "
                              f"{back}/state 1 {back}/feature-rx-copy 1 && xenstore-chmod -r {back} n0 r{guest.id} && "
                              f"xenstore-write {front}/backend {back} {front}/backend-id 0 {front}/handle {number} "
                              f"{front}/mac 00:16:3e:66:00:0{number} && xenstore-chmod -r {front} n{guest.id} r0 && "
                              f"xenstore-write {front}/state 1")
                guest.wait_for(f"test -e /sys/bus/xen/devices/vif-{number}", what=f"vif-{number}")
                host.dom0.run(f"for s in {jumps}; do xenstore-write -- {back}/state $s; sleep {delay}; done")
                # Closed first, as a real one would; then an offer, which has to be taken.
                host.dom0.run(f"xenstore-write {back}/state 6; sleep 1; xenstore-write {back}/state 2")
                net.wait_until(lambda: host.dom0.read(f"{front}/state") in ("3", "4"),
                               lambda: f"after {jumps}: the frontend is in {host.dom0.read(f'{front}/state')}", 40)
                host.dom0.run(f"xenstore-rm {front}; xenstore-rm {back}")
                net.wait_until(lambda: not guest.run(f"test -e /sys/bus/xen/devices/vif-{number}", check=False),
                               f"vif-{number} goes with its nodes", 40)
            flow.stream.wait(1)
