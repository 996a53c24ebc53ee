# SPDX-License-Identifier: GPL-2.0-only
"""The rows of the network table: one iperf3 or fio run between the guest and dom0 each."""
import dataclasses
import itertools
import json

from xenbed.nic import DOM0
from xenbed.progress import BedError

OUT, IN = "guest to dom0", "dom0 to guest"
FLOOR = "127.0.0.1"
_ports = itertools.count(6100)


@dataclasses.dataclass(frozen=True)
class NetRow:
    name: str
    kind: str               # tcp, udp, or rr: one request, one response, over TCP
    direction: str          # of the data; a request/response row has none
    size: int               # bytes of a datagram or a request; TCP takes what it likes
    unit: str               # Gbit/s, packets/s or round trips/s
    aim: float              # ours / in-tree
    in_words: str


ROWS = (
    NetRow("tcp-out", "tcp", OUT, 0, "Gbit/s", 1.25, "TCP, guest to dom0"),
    NetRow("tcp-in", "tcp", IN, 0, "Gbit/s", 1.20, "TCP, dom0 to guest"),
    NetRow("udp-64-out", "udp", OUT, 64, "packets/s", 1.50, "UDP 64 B, guest to dom0"),
    NetRow("udp-64-in", "udp", IN, 64, "packets/s", 1.30, "UDP 64 B, dom0 to guest"),
    NetRow("udp-1400-out", "udp", OUT, 1400, "packets/s", 1.30, "UDP 1400 B, guest to dom0"),
    NetRow("udp-1400-in", "udp", IN, 1400, "packets/s", 1.30, "UDP 1400 B, dom0 to guest"),
    NetRow("tcp-rr", "rr", OUT, 64, "round trips/s", 1.10, "TCP request/response, 64 B"),
)


def _document(row, result):
    """The JSON of iperf3's or fio's output; notes may come before it."""
    try:
        return json.loads(result.out[result.out.index("{"):])
    except ValueError as error:
        raise BedError(f"{row.name}: the output is not what it should be ({error}): "
                       f"{result.out[-500:]}{result.err[-500:]}") from None


def _listens(machine, port):
    machine.run(f"n=0; until ss -ltn | grep -q ':{port} '; do n=$((n + 1)); [ $n -gt 100 ] && exit 1; sleep 0.1; done")


def _iperf(row, server, client, address, seconds):
    """One iperf3 run from the guest; in is iperf3's reverse, so that the load generator is the same."""
    port = next(_ports)
    serving = server.spawn(f"iperf3 -s -1 -p {port}")
    _listens(server, port)
    options = f"-u -b 0 -l {row.size}" if row.kind == "udp" else ""
    reverse = "-R" if row.direction == IN else ""
    report = _document(row, client.run(f"iperf3 -J -c {address} -p {port} -t {seconds:g} {options} {reverse}", check=False))
    if "error" in report:
        raise BedError(f"{row.name}: iperf3 says: {report['error']}")
    serving.wait()
    end = report["end"]
    if row.kind == "tcp":
        return end["sum_received"]["bits_per_second"] / 1e9
    # What was sent and lost on the way is nobody's speed.
    return (end["sum"]["packets"] - end["sum"]["lost_packets"]) / end["sum"]["seconds"]


def _round_trips(row, server, client, address, seconds):
    port = next(_ports)
    common = (f"fio --name=row --ioengine=net --protocol=tcp --port={port} --bs={row.size} --pingpong=1 "
              "--output-format=json --eta=never")
    serving = server.spawn(f"{common} --listen=1 --rw=read --size=1g")
    _listens(server, port)
    report = _document(row, client.run(f"{common} --hostname={address} --rw=write --size=1g --time_based "
                                       f"--runtime={int(seconds * 1000)}ms", check=False))
    # The listening end has no end of its own that counts.
    serving.kill(15)
    serving.wait()
    job = report["jobs"][0]
    if not job["write"]["total_ios"]:
        raise BedError(f"{row.name}: no round trips: fio says error {job['error']}")
    return job["write"]["iops"]


def run(guest, row, seconds, floor=False):
    """The row's figure. iperf3 takes whole seconds only."""
    server, address = (guest, FLOOR) if floor else (guest.dom0, DOM0)
    measure = _round_trips if row.kind == "rr" else _iperf
    return measure(row, server, guest, address, seconds if row.kind == "rr" else max(1, round(seconds)))
