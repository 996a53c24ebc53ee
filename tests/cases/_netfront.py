# SPDX-License-Identifier: GPL-2.0-only
"""What the cases of the network driver share."""
import itertools
import json
import re
import time

from xenbed import Skip, paths
from xenbed.nic import DOM0, DOM0_V6

from _guest import lines, log_length, state as device_state, wait_until     # noqa: F401

NETBACK = "/sys/bus/xen-backend/drivers/vif"
FILES = paths.SELFTESTS / "netfront"
TOOLS = "/selftests/netfront"       # in a guest; put() brings them into dom0

PORTS = itertools.count(5100)


def selftests(guest, *scripts, nic=0, **variables):
    """Runs scripts of selftests/netfront one after the other; a script that skips all of itself is a failure."""
    values = {"if": guest.interface(nic), "peer": DOM0, "peer6": DOM0_V6, **variables}
    words = " ".join(f"TEST_{name.upper()}={value}" for name, value in values.items())
    problems = []
    for script in scripts:
        try:
            guest.selftest(f"netfront/{script}.sh", words)
        except Skip as skip:
            problems.append(f"{script} was skipped: {skip}")
        except AssertionError as error:
            problems.append(str(error))
    assert not problems, "\n".join(problems)


def put(dom0, name):
    """A tool of the selftests, in dom0."""
    if not dom0.run(f"test -e {TOOLS}/{name}", check=False):
        dom0.run(f"mkdir -p {TOOLS}")
        dom0.put((FILES / name).read_text(), f"{TOOLS}/{name}")


def read_bus(guest, nic=0):
    """The vif's name on the guest's bus: vif-0."""
    return f"vif-{guest.nics.handle(nic)}"


def state(guest, nic=0):
    """The driver's account of a vif."""
    return device_state(guest, read_bus(guest, nic))


def ours(guest):
    """Whether this project's driver serves the guest (the cases can be run with the kernel's own, too)."""
    return guest.modules == "ours"


def settled(guest, breaks=0, nic=0):
    """The driver says that all is well; the kernel's own driver says nothing."""
    if ours(guest):
        now = state(guest, nic)
        assert (now["phase"], now["usable"], now["breaks"]) == ("connected", 1, breaks), now


def driver(guest, nic=0):
    """The driver's folder on the guest's bus."""
    return guest.run(f"readlink -f /sys/bus/xen/devices/{read_bus(guest, nic)}/driver").out.strip()


def rebind(guest, nic=0, settings=":"):
    """The guest's driver lets go of the vif and takes it again; settings is shell in dom0 in between."""
    name, folder = read_bus(guest, nic), driver(guest, nic)
    guest.run(f"echo {name} > {folder}/unbind")
    guest.dom0.run(settings)
    guest.run(f"echo {name} > {folder}/bind")
    return guest.nics.configure(nic)


def ping(machine, address, options="-c 3 -i 0.5 -W 3"):
    """What ping says, and that nothing is lost on the way. For the last answer it waits as long as it does between two."""
    result = machine.run(f"ping -n -q {options} {address}", check=False)
    assert " 0% packet loss" in result.out, f"ping {options} {address}: {result.out}{result.err}{losses(machine)}"
    return result.out


def losses(machine):
    """Where packets may have got lost, as far as this end knows."""
    return machine.run("ip -s -s link; grep -h -E '^(Ip|Icmp):' /proc/net/snmp; cat /proc/net/softnet_stat; "
                       "for i in /sys/class/net/*/device/nodename; do i=${i%/device/nodename}; ethtool -S ${i##*/}; done",
                       check=False).out


class Ring:
    """before = Ring(guest); ...; before.lost_nothing(): what one end has sent since, the other one has got."""

    def __init__(self, guest, nic=0):
        self.guest, self.nic = guest, nic
        self.first = None
        # The counters are read one after the other.
        wait_until(self._stands, lambda: f"nothing is on its way any more: {self.first}", 60)

    def _stands(self):
        before, self.first = self.first, self._count()
        return before == self.first

    def _count(self):
        ends = ((self.guest, self.guest.interface(self.nic)), (self.guest.dom0, self.guest.vif(self.nic)))
        return [statistic(machine, name, what) for machine, name in ends for what in ("tx_packets", "rx_packets")]

    def moved(self):
        """Packets that the guest has sent and received, and that netback has."""
        return [now - first for now, first in zip(self._count(), self.first)]

    def lost_nothing(self):
        def equal():
            sent, received, out, got = self.moved()
            return (sent, out) == (got, received)
        wait_until(equal, lambda: f"the guest has sent and received, and netback has: {self.moved()}", 20)


def features(guest, nic=0):
    """ethtool -k as a dictionary: name -> on or off."""
    text = guest.run(f"ethtool -k {guest.interface(nic)}").out
    return dict(re.findall(r"^\s*([\w-]+): (on|off)", text, re.M))


def counters(machine, interface):
    """ethtool -S as a dictionary."""
    text = machine.run(f"ethtool -S {interface}").out
    return {name.strip(): int(value) for name, value in re.findall(r"^\s*(.+?):\s*(\d+)$", text, re.M)}


def statistic(machine, interface, name):
    return int(machine.run(f"cat /sys/class/net/{interface}/statistics/{name}").out)


def iperf(server, client, address, options, seconds=2):
    """One iperf3 run, what client sends to server (or -R the other way); its `end` section."""
    port = next(PORTS)
    listening = server.spawn(f"iperf3 -s -1 -p {port}")
    # -s says nothing until somebody comes; connecting early only means to try again.
    for _ in range(50):
        if server.run(f"ss -ltn | grep -q :{port}", check=False):
            break
        time.sleep(0.1)
    result = client.run(f"iperf3 -J -c {address} -p {port} -t {seconds} {options}", check=False)
    report = json.loads(result.out[result.out.index("{"):])
    assert "error" not in report, f"iperf3 {options}: {report.get('error')}"
    listening.wait(timeout=60)
    return report["end"]


def tcp(server, client, address, options="", seconds=2):
    """Gbit/s that were received; there must be some."""
    received = iperf(server, client, address, options, seconds)["sum_received"]
    assert received["bytes"], f"iperf3 {options}: nothing was received: {received}"
    return received["bits_per_second"] / 1e9


def udp(server, client, address, size, options="", rate="20M", seconds=2):
    """Packets a second that were received, and the share that was lost."""
    end = iperf(server, client, address, f"-u -l {size} -b {rate} {options}", seconds)["sum"]
    lost = end["lost_packets"] / max(end["packets"], 1)
    assert end["packets"] > end["lost_packets"], end
    return end["packets"] * (1 - lost) / end["seconds"], lost


class Stream:
    """Data both ways over one TCP connection, all of it compared, until stop(). server and client are dom0 or guests."""

    def __init__(self, server, client, address, pieces=False):
        self.server, self.client = server, client
        self.port = next(PORTS)
        self.path = f"/tmp/stream-{self.port}"
        for machine in (server, client):
            if hasattr(machine, "xen_log"):
                put(machine, "stream.py")
        self.serving = server.spawn(f"python3 {TOOLS}/stream.py serve {self.port} {self.path}")
        wait_until(lambda: server.run(f"test -e {self.path}", check=False), "the stream's server listens", 30)
        self.connecting = client.spawn(f"python3 {TOOLS}/stream.py connect {address} {self.port} {self.path}.client "
                                       f"{'pieces' if pieces else ''}")
        self.wait(1)

    def moved(self):
        """Bytes sent by the client, and received by it."""
        words = self.client.run(f"cat {self.path}.client", check=False).out.split()
        return tuple(map(int, words)) if len(words) == 2 else (0, 0)

    def alive(self):
        for process, which in ((self.serving, "server"), (self.connecting, "client")):
            assert process.running, f"the stream's {which} has ended: {process.result().out} {process.result().err[-800:]}"

    def wait(self, megabytes=2, timeout=180):
        """Until that much more has been received at both ends."""
        start, end = self.moved(), time.monotonic() + timeout
        while min(now - before for now, before in zip(self.moved(), start)) < megabytes << 20:
            self.alive()
            assert time.monotonic() < end, (f"less than {megabytes} MiB each way in {timeout} s: {start} became "
                                            f"{self.moved()} (bytes sent, received)")
            time.sleep(0.3)

    def stop(self):
        self.alive()
        self.client.run(f"touch {self.path}.client.stop")
        for process in (self.connecting, self.serving):
            process.wait(check=True, timeout=300)


class Uninterrupted:
    """with Uninterrupted(guest): a TCP stream goes on over whatever happens inside, through the same interface."""

    def __init__(self, guest, connects=0, nic=0):
        self.guest, self.dom0, self.nic, self.connects = guest, guest.dom0, nic, connects

    def look(self):
        """What must stay: the interface's number, name, address, and its IP addresses."""
        name = self.guest.interface(self.nic)
        text = self.guest.run(f"cat /sys/class/net/{name}/ifindex /sys/class/net/{name}/address /sys/class/net/{name}/mtu; "
                              f"ip -o addr show dev {name} | awk '{{ print $3, $4 }}' | sort").out
        return [name, *text.splitlines()]

    def connected(self):
        return state(self.guest, self.nic)["connects"] if ours(self.guest) else 0

    def __enter__(self):
        self.before, self.first = self.look(), self.connected()
        self.stream = Stream(self.dom0, self.guest, DOM0)
        return self

    def __exit__(self, kind, *_):
        if kind:
            return
        self.stream.wait(2)
        now = self.look()
        assert now == self.before, f"the interface was {self.before} and is {now}"
        settled(self.guest, nic=self.nic)
        if ours(self.guest):
            made = self.connected() - self.first
            assert made >= self.connects, f"connected {made} times, not {self.connects}"
        self.stream.stop()


def backend_device(guest, nic=0):
    return f"vif-{guest.id}-{guest.nics.handle(nic)}"


def restart_backend(host, guest, nic=0, pause="0.5", keys=None):
    """netback is unbound and bound again in dom0. Its new interface has to go to the bridge before it may connect, which
    a hotplug script says otherwise. keys: what netback offers, changed before the guest sees it."""
    device, back, vif = backend_device(guest, nic), guest.nic_backend(nic), guest.vif(nic)
    if keys:
        guest.pause()
    host.dom0.run(f"echo {device} > {NETBACK}/unbind; xenstore-rm {back}/hotplug-status; sleep {pause}; "
                  f"echo {device} > {NETBACK}/bind; until ip link show {vif} > /dev/null 2>&1; do sleep 0.05; done; "
                  f"ip link set {vif} master xenbr0 up; xenstore-write {back}/hotplug-status connected", timeout=60)
    if keys:
        host.dom0.run("xenstore-write " + " ".join(f"{back}/{key} {value}" for key, value in keys.items()))
        guest.unpause()


class Queues:
    """with Queues(host, 4): netback offers as many queues to the vifs that are made meanwhile."""
    PARAMETER = "/sys/module/xen_netback/parameters/max_queues"

    def __init__(self, host, number):
        self.host, self.number = host, number

    def __enter__(self):
        self.before = self.host.dom0.run(f"cat {self.PARAMETER}").out.strip()
        self.set(self.number)
        return self

    def set(self, number):
        self.host.dom0.run(f"echo {number} > {self.PARAMETER}")

    def __exit__(self, *_):
        self.set(self.before)


def file_both_ways(guest, server, address, megabytes=16, options=""):
    """A file through socat, there and back, compared by its checksum."""
    put_there = f"/tmp/sent-{next(PORTS)}"
    there, back = next(PORTS), next(PORTS)
    family = "6" if ":" in address else "4"
    target = f"[{address}]" if family == "6" else address
    guest.run(f"head -c {megabytes}M /dev/urandom > {put_there}")
    receiving = server.spawn(f"socat -u TCP{family}-LISTEN:{there} CREATE:{put_there}")
    guest.run(f"socat -u OPEN:{put_there} TCP{family}:{target}:{there},retry=50,interval=0.2{options}")
    receiving.wait(check=True, timeout=120)
    sending = server.spawn(f"socat -u OPEN:{put_there} TCP{family}-LISTEN:{back}")
    guest.run(f"socat -u TCP{family}:{target}:{back},retry=50,interval=0.2{options} CREATE:{put_there}.back")
    sending.wait(check=True, timeout=120)
    sums = [guest.run(f"sha256sum < {put_there}").out, server.run(f"sha256sum < {put_there}").out,
            guest.run(f"sha256sum < {put_there}.back").out]
    assert len(set(sums)) == 1, f"{megabytes} MiB to {address}: sent, arrived, came back: {sums}"
    guest.run(f"rm {put_there} {put_there}.back")
    server.run(f"rm -f {put_there}")


class Capture:
    """with Capture(dom0, "vif1.0", "arp") as capture: tcpdump's lines afterwards in capture.lines."""

    def __init__(self, machine, interface, expression, options="-e -vv"):
        self.machine, self.file = machine, f"/tmp/capture-{next(PORTS)}"
        self.command = f"exec tcpdump -n -l -U -i {interface} {options} '{expression}' > {self.file} 2> {self.file}.err"

    def __enter__(self):
        self.process = self.machine.spawn(self.command)
        wait_until(lambda: self.machine.run(f"grep -q 'listening on' {self.file}.err", check=False), "tcpdump listens", 20)
        return self

    def look(self):
        return self.machine.run(f"cat {self.file}").out.splitlines()

    def __exit__(self, *_):
        self.machine.run("sleep 0.5")
        self.process.kill(2)
        self.process.wait()
        self.lines = self.look()
        self.machine.run(f"rm -f {self.file} {self.file}.err")
