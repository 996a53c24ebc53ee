# SPDX-License-Identifier: GPL-2.0-only
"""The backend goes away and comes back, or the guest does: the same interface, and a TCP stream goes on."""
from xenbed import Nic, case

import _netfront as net


def announced(guest, capture_lines):
    """Whether the guest has told its neighbours where it is: ARP for its own address, or an unasked neighbour advertisement."""
    nic = guest.nics.find(0)
    return [line for line in capture_lines
            if f"who-has {nic.ip} tell {nic.ip}" in line or f"{nic.ip} is-at {nic.mac}" in line
            or f"neighbor advertisement, tgt is {nic.ip6}" in line]


@case(long=["pvh"], type=["pv", "pvh"], nics=[Nic()])
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
