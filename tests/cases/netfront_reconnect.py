# SPDX-License-Identifier: GPL-2.0-only
"""The backend goes away and comes back, or the guest does: the same interface, and a TCP stream goes on."""
from xenbed import Nic, case
from xenbed.nic import DOM0

import _netfront as net


def announced(guest, capture_lines):
    """Whether the guest has told its neighbours where it is: ARP for its own address, or an unasked neighbour advertisement."""
    nic = guest.nics.find(0)
    return [line for line in capture_lines
            if f"who-has {nic.ip} tell {nic.ip}" in line or f"{nic.ip} is-at {nic.mac}" in line
            or f"neighbor advertisement, tgt is {nic.ip6}" in line]


@case(long=True, type=["pv", "pvh"], nics=[Nic()])
def save_and_restore(host, guest):
    "Saved and restored, twice, and saved and gone on (xl save -c), under a TCP stream; neighbours are told."
    with net.Uninterrupted(guest, 2) as flow:
        host.dom0.run(f"xl save -c {guest.name} /scratch/checkpoint && rm /scratch/checkpoint")
        flow.stream.wait(1)
        for _ in range(2):
            before = guest.id
            guest.save()
            with net.Capture(host.dom0, "xenbr0", "arp or icmp6", "-e") as capture:
                guest.restore()
                flow.stream.wait(1)
            assert guest.id != before
            assert announced(guest, capture.lines), "no gratuitous ARP: " + "; ".join(capture.lines[:6])


@case(long=True, type="pvh", nics=[Nic()])
def migrate(host, guest):
    "Live migration to the same host, under a TCP stream."
    with net.Uninterrupted(guest, 1):
        before = guest.id
        guest.migrate()
        assert guest.id != before


@case(long=True, kernel=["6.12", "7.x"], memory=640, nics=[Nic()])
def newer_kernels(host, guest):
    "A backend's restart, saving and restoring with newer kernels, which watch the backend themselves."
    with net.Uninterrupted(guest, 2) as flow:
        net.restart_backend(host, guest)
        flow.stream.wait(1)
        guest.save()
        guest.restore()


@case(long=True, type=["pv", "pvh"], nics=[Nic()])
def backend_restart(host, guest):
    "xen-netback is unbound and bound again in dom0, five times; neighbours are told."
    with net.Uninterrupted(guest, 5) as flow:
        for turn in range(5):
            with net.Capture(host.dom0, "xenbr0", "arp or icmp6", "-e") as capture:
                net.restart_backend(host, guest, pause=str(turn))
                flow.stream.wait(1)
            assert announced(guest, capture.lines), "no gratuitous ARP: " + "; ".join(capture.lines[:6])


@case(long=True, guest=False)
def backend_offers_less(host):
    "A backend that comes back with fewer queues and without offloads; then with all again."
    with net.Queues(host, 2) as queues:
        guest = host.guest(vcpus=2, nics=[Nic()]).start()
        name = guest.interface()

        def tx_queues():
            return int(guest.run(f"ls -d /sys/class/net/{name}/queues/tx-* | wc -l").out)

        assert tx_queues() == 2
        with net.Uninterrupted(guest, 4) as flow:
            for number in (1, 2, 1, 2):
                queues.set(number)
                net.restart_backend(host, guest)
                flow.stream.wait(2)
                assert tx_queues() == number, f"{tx_queues()} queues, the backend offers {number}"
                net.ping(host.dom0, guest.nics.find(0).ip, "-c 300 -f -s 1400 -W 3")
        # What was agreed on before does not hold any more: packets that were queued are made smaller.
        with net.Uninterrupted(guest, 2) as flow:
            net.restart_backend(host, guest, keys={"feature-sg": 0, "feature-gso-tcpv4": 0, "feature-gso-tcpv6": 0,
                                                   "feature-ipv6-csum-offload": 0})
            flow.stream.wait(2)
            if net.ours(guest):
                found = net.features(guest)
                assert found["tx-scatter-gather"] == found["tx-tcp-segmentation"] == "off", found
            net.restart_backend(host, guest)
            flow.stream.wait(2)
            if net.ours(guest):
                found = net.features(guest)
                assert found["tx-scatter-gather"] == found["tx-tcp-segmentation"] == "on", found
        guest.destroy()


@case(long=True, nics=[Nic()])
def settings_stay(host, guest):
    "What the administrator has set holds over a reconnect and a restore: address, MTU, offloads, modes, down is down."
    name = guest.interface()
    guest.run(f"ip link set {name} down; ip link set {name} address 02:16:3e:00:11:22; ip link set {name} mtu 1400 promisc on up; "
              f"ethtool -K {name} tso off gro off; ip link add link {name} name vlan5 type vlan id 5; ip link set vlan5 up",
              check=False)

    def look():
        text = guest.run(f"ip -o link show {name}; ethtool -k {name}; ip -o link show vlan5").out
        return text

    before = look()
    assert "mtu 1400" in before and "02:16:3e:00:11:22" in before and "PROMISC" in before
    for change in (lambda: net.restart_backend(host, guest), lambda: (guest.save(), guest.restore())):
        change()
        net.wait_until(lambda: guest.run(f"ping -c 1 -W 1 -q {DOM0}", check=False), "dom0 answers again", 60)
        now = look()
        assert now == before, f"before:\n{before}\nafter:\n{now}"
    guest.run(f"ip link set {name} down")
    net.restart_backend(host, guest)
    guest.save()
    guest.restore()
    guest.run("sleep 1")
    assert guest.run(f"cat /sys/class/net/{name}/operstate").out.strip() == "down"
    assert not guest.run(f"ping -c 1 -W 1 -q {DOM0}", check=False)
    guest.run(f"ip link set {name} up")
    net.wait_until(lambda: guest.run(f"ping -c 1 -W 1 -q {DOM0}", check=False), "dom0 answers when it is up again", 60)
    net.settled(guest)


@case(long=True, nics=[Nic(), Nic()])
def often(host, guest):
    "Eighteen restarts of two interfaces and three restores under a stream; memory and interrupts stay."
    def resources():
        return [int(word) for word in guest.run("echo 3 > /proc/sys/vm/drop_caches; sleep 1; grep -c . /proc/interrupts; "
                                                "awk '/^MemFree/ { print $2 }' /proc/meminfo").out.split()]
    with net.Uninterrupted(guest, 21) as flow:
        samples = []
        for turn in range(1, 19):
            for nic in (0, 1):
                net.restart_backend(host, guest, nic, pause="0.2")
            flow.stream.wait(1)
            if turn % 6 == 0:
                guest.save()
                guest.restore()
                flow.stream.wait(1)
                samples.append(resources())
    assert samples[0][0] == samples[2][0], f"interrupts: {samples}"
    used = [before[1] - after[1] for before, after in zip(samples, samples[1:])]
    assert min(used) < 512, f"every six restarts of two interfaces and a restore cost {used} KiB"
