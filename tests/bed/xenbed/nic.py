# SPDX-License-Identifier: GPL-2.0-only
"""A guest's network interface: a vif of xen-netback on a bridge of dom0."""
import dataclasses
import itertools

from .progress import BedError

_numbers = itertools.count(0)

DHCP_LEASES = "/run/dhcp.leases"
DHCP = ("[ -e /run/dhcp.pid ] || dnsmasq --user=root --port=0 --interface=xenbr0 --bind-interfaces --dhcp-authoritative "
        "--dhcp-range=192.168.77.250,192.168.77.254 --pid-file=/run/dhcp.pid --dhcp-leasefile=" + DHCP_LEASES)
DOM0, DOM0_V6 = "192.168.77.1", "fd77::1"      # on xenbr0; see files/dom0-init


@dataclasses.dataclass
class Nic:
    bridge: str = "xenbr0"
    mac: str = ""               # made up when empty
    mtu: int = 0                # what the toolstack announces, 0 for nothing
    model: str = ""             # HVM: an emulated card as well, e.g. e1000
    address: object = True      # False: the interface is left as the driver made it
    options: str = ""           # further words for the xl vif specification

    def prepare(self):
        """Numbers are the host's own: no two guests of a run share an address."""
        if hasattr(self, "number"):
            return
        self.number = next(_numbers)
        self.mac = self.mac or f"00:16:3e:77:{self.number >> 8 & 255:02x}:{self.number & 255:02x}"
        self.host = 10 + self.number % 240

    @property
    def ip(self):
        return f"192.168.77.{self.host}"

    @property
    def ip6(self):
        return f"fd77::{self.host:x}"

    def specification(self):
        words = [f"mac={self.mac}", f"bridge={self.bridge}",
                 f"type=ioemu,model={self.model}" if self.model else "type=vif"]
        if self.mtu:
            words.append(f"mtu={self.mtu}")
        return ",".join(words + ([self.options] if self.options else []))


def made(nic):
    """A Nic out of what a case may write: a Nic, or words as in xl.cfg."""
    if isinstance(nic, Nic):
        return nic
    known, other = {}, []
    for word in filter(None, nic.split(",")):
        key, equals, value = word.partition("=")
        if not equals:
            raise BedError(f"nic {nic!r}: {word!r} is not key=value")
        if key in ("bridge", "mac", "model"):
            known[key] = value
        else:
            other.append(word)
    return Nic(**known, options=",".join(other))


class Nics:
    """What a guest knows about its interfaces; nic is a Nic, or its place in guest.nics."""

    def __init__(self, guest, nics):
        self.guest, self.dom0 = guest, guest.dom0
        self.all = [made(nic) for nic in nics]
        for nic in self.all:
            nic.prepare()

    def find(self, nic):
        return nic if isinstance(nic, Nic) else self.all[nic]

    def handle(self, nic):
        """Its number in xenstore."""
        nic, folder = self.find(nic), f"/local/domain/{self.guest.id}/device/vif"
        for handle in self.dom0.run(f"xenstore-list {folder}", check=False).out.split():
            if self.dom0.read(f"{folder}/{handle}/mac") == nic.mac:
                return int(handle)
        raise BedError(f"{self.guest.name}: no vif with address {nic.mac} in xenstore")

    def interface(self, nic):
        """The guest's name for it, '' while there is none. By the driver's own address, which outlives
        `ip link set address`; bonds, VLANs and bridges above it bear that too, so only what has a device."""
        command = ("for i in /sys/class/net/*/device/nodename; do [ -e $i ] || continue; "
                   "i=${i%/device/nodename}; echo ${i##*/} $(cat $i/device/nodename); done")
        wanted = f"device/vif/{self.handle(nic)}"
        for line in self.guest.run(command).out.splitlines():
            name, _, node = line.partition(" ")
            if node == wanted:
                return name
        return ""

    def wait(self, nic):
        """Until it is there; its name."""
        for _ in range(300):
            name = self.interface(nic)
            if name:
                return name
            self.guest.run("sleep 0.2")
        raise BedError(f"{self.guest.name}: no interface for {self.find(nic).mac} after 60 s")

    def serve(self):
        """Addresses by DHCP on the bridge, above those that Nics have, for guests that ask for theirs."""
        self.dom0.run(DHCP)

    def leased(self, nic):
        """The address that it got there, '' if it asked for none."""
        leases = [line.split() for line in self.dom0.run(f"cat {DHCP_LEASES}").out.splitlines()]
        return next((words[2] for words in leases if words[1] == self.find(nic).mac), "")

    def configure(self, nic):
        """Addresses, up, and dom0 answers through it."""
        nic, name = self.find(nic), self.wait(nic)
        # All interfaces are in one network: each answers for its own address only.
        self.guest.run(f"sysctl -qw net.ipv6.conf.{name}.accept_dad=0 net.ipv6.conf.{name}.accept_ra=0 "
                       f"net.ipv4.conf.{name}.arp_ignore=1 net.ipv4.conf.{name}.arp_announce=2; ip link set {name} up; "
                       f"ip addr replace {nic.ip}/24 dev {name}; ip addr replace {nic.ip6}/64 dev {name} nodad")
        self.guest.wait_for(f"ping -c 1 -W 1 -q -I {name} {DOM0} > /dev/null 2>&1", what=f"dom0 answers through {name}")
        return name

    def attach(self, nic):
        nic = made(nic)
        nic.prepare()
        self.dom0.run(f"xl network-attach {self.guest.name} {nic.specification().replace(',', ' ')}")
        self.all.append(nic)
        return nic

    def detach(self, nic):
        nic = self.find(nic)
        result = self.dom0.run(f"xl network-detach {self.guest.name} {nic.mac}", check=False)
        if result:
            self.all.remove(nic)
        return result
