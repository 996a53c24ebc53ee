# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own selftests of network drivers, as far as the guest's kernel has them; dom0 is the remote end."""
from xenbed import Disk, Nic, case, kselftest, ktap, progress

import _netfront as net

# dom0's end of the vif itself is the remote end, with no bridge between: some change its MTU.
HERE, THERE = ("10.9.8.2", "fd78::2"), ("10.9.8.1", "fd78::1")
ROOT = "/mnt/kselftest"
TESTS = f"{ROOT}/src/tools/testing/selftests"

# The Debian of the tests, and the way from there to dom0.
PREPARE = f"""set -e
mkdir -p {ROOT}; mount -t squashfs -o ro /dev/xvdz {ROOT}
for folder in dev proc sys; do mount --rbind /$folder {ROOT}/$folder; done
for folder in tmp root run var/tmp; do mount -t tmpfs tmpfs {ROOT}/$folder; done
mkdir -m 700 {ROOT}/root/.ssh; cd {ROOT}/root/.ssh
cat > config <<END
Host *
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    ControlMaster auto
    ControlPath /tmp/ssh-%C
    ControlPersist 1200
END
chroot {ROOT} ssh-keygen -q -t ed25519 -N "" -f /root/.ssh/id_ed25519
cat id_ed25519.pub
"""
SERVER = """set -e
mkdir -p -m 700 /root/.ssh; cat > /root/.ssh/authorized_keys; chmod 600 /root/.ssh/authorized_keys; chmod 700 /root
[ -e /tmp/host-key ] || dropbearkey -t ed25519 -f /tmp/host-key > /dev/null 2>&1
dropbear -r /tmp/host-key -p 22 > /tmp/dropbear.log 2>&1 < /dev/null
"""

# What cannot be so, and why.
EXCUSED = {
    "what dom0 gets from a guest lacks its checksum on purpose, which the program takes for none":
        [f"csum.ipv{n}_tx_udp_{what}" for n in (4, 6) for what in ("csum_offload", "zero_checksum")],
    "another connection has other interrupts, which know nothing of the affinity of the ones before":
        ["irq.check_reconfig_queues", "irq.check_reconfig_xdp", "irq.check_down"],
    "rings have one size, and what it was cannot be set again": ["ring_reconfig.ringparam"],
    "there is one table": [f"rss_api.test_{name}" for name in ("rxfh_nl_set_indir_ctx", "rxfh_indir_ctx_ntf", "rss_ctx_add",
                                                               "rss_ctx_ntf")],
    "ports are hashed with the addresses or not at all, and those of UDP never":
        ["rss_api.test_rxfh_fields_set", "rss_api.test_rxfh_fields_set_xfrm"],
}


def prepared(guest):
    guest.attach_disk(Disk("xvdz", mode="r", image=kselftest.squashfs(guest.kernel)))
    guest.wait_for("test -b /dev/xvdz")
    guest.dom0.run(SERVER, input=guest.run(PREPARE).out.encode())


def connected(guest):
    """Addresses at both ends: those of IPv6 do not outlive a link that was down."""
    name = guest.nics.wait(0)
    guest.dom0.run(f"ip link set {guest.vif()} nomaster; ip link set {guest.vif()} up mtu 1500; "
                   f"ip addr replace {THERE[0]}/24 dev {guest.vif()}; ip addr replace {THERE[1]}/64 dev {guest.vif()} nodad")
    guest.run(f"ip link set {name} up mtu 1500; ip addr replace {HERE[0]}/24 dev {name}; "
              f"ip addr replace {HERE[1]}/64 dev {name} nodad")
    guest.wait_for(f"chroot {ROOT} ssh -q root@{THERE[0]} true", what="dom0 answers by SSH")


def excused(line):
    """A line of KTAP, with the reason if what it says cannot be otherwise."""
    for why, names in EXCUSED.items():
        if line.startswith("not ok ") and line.split()[-1] in names:
            return f"{line} # XFAIL {why}"
    return line


def run(guest, program):
    """One of them; what fails."""
    connected(guest)
    folder, _, name = program.rpartition("/")
    words = (f"NETIF={guest.interface()} LOCAL_V4={HERE[0]} LOCAL_V6={HERE[1]} REMOTE_V4={THERE[0]} REMOTE_V6={THERE[1]} "
             f"REMOTE_TYPE=dropbear REMOTE_ARGS=root@{THERE[0]} PYTHONDONTWRITEBYTECODE=1 HOME=/root")
    result = guest.run(f"chroot {ROOT} sh -c 'cd {TESTS.removeprefix(ROOT)}/{folder} && "
                       f"{words} timeout 900 ./{name}'", check=False, timeout=1000)
    text = "\n".join(map(excused, result.out.splitlines()))
    guest.selftest_output(f"# {program}\n{text}")
    bad = ktap.failures(text)
    progress.say(f"    {program}: {ktap.results(result.out)} results, {len(bad)} not ok")
    if not ktap.results(result.out):
        bad.append(f"no results: {result.out[-300:]}{result.err[-1000:]}")
    return [f"{program}: {text}" for text in bad]


def run_all(host, guest, programs):
    guest.run("modprobe -a xen-blkfront xen-netfront")
    # For as long as it takes: netback goes by its parameter of now, whatever it said to the guest.
    with net.Queues(host, 2):
        guest.attach_nic(Nic(address=False))
        guest.nics.wait(0)
        prepared(guest)
        bad, ran = [], False
        for program in programs:
            if guest.run(f"test -e {TESTS}/{program}", check=False):
                bad += run(guest, program)
                ran = True
    assert ran, f"this kernel has none of {programs}"
    assert not bad, "\n".join(bad)
    net.settled(guest)


@case(long=True, kernel=["6.12", "7.x"], vcpus=2, memory=1024)
def drivers_net(host, guest):
    "drivers/net: pings with and without XDP, queues, rings, statistics, NAPI."
    # napi_threaded wants an ethtool newer than Debian's, netpoll_basic bpftrace; gro takes more than minutes here, and
    # xdp gives a command at the remote end two seconds, which is not enough: netfront_xdp.py does the same and waits.
    run_all(host, guest, [f"drivers/net/{name}.py" for name in
                          ("ping", "queues", "stats", "napi_id", "ring_reconfig")])


# Of these 6.12 has csum.py alone, from a later kernel: it asks its library for what that does not know.
@case(long=True, kernel="7.x", vcpus=2, memory=1024)
def drivers_net_hw(host, guest):
    "drivers/net/hw: checksums, segmentation, interrupts, the hash of received packets and where it sends them."
    run_all(host, guest, [f"drivers/net/hw/{name}.py" for name in
                          ("csum", "tso", "uso", "irq", "rss_drv", "rss_api")])
