# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own selftests of network drivers, as far as the guest's kernel has them; dom0 is the remote end."""
from xenbed import Disk, Nic, case, kselftest, ktap, progress
from xenbed.nic import DOM0, DOM0_V6

import _netfront as net

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


def prepared(guest):
    guest.run("modprobe xen-blkfront")
    guest.attach_disk(Disk("xvdz", mode="r", image=kselftest.squashfs(guest.kernel)))
    guest.wait_for("test -b /dev/xvdz")
    guest.dom0.run(SERVER, input=guest.run(PREPARE).out.encode())
    guest.run(f"chroot {ROOT} ssh -q root@{DOM0} true", timeout=120)


def run(guest, program):
    """One of them; what fails."""
    nic, folder, _, name = guest.nics.find(0), *program.rpartition("/")
    words = (f"NETIF={guest.interface()} LOCAL_V4={nic.ip} LOCAL_V6={nic.ip6} REMOTE_V4={DOM0} REMOTE_V6={DOM0_V6} "
             f"REMOTE_TYPE=ssh REMOTE_ARGS=root@{DOM0} PYTHONDONTWRITEBYTECODE=1 HOME=/root")
    result = guest.run(f"chroot {ROOT} sh -c 'cd {TESTS.removeprefix(ROOT)}/{folder} && "
                       f"{words} timeout 900 ./{name}'", check=False, timeout=1000)
    guest.selftest_output(f"# {program}\n{result.out}")
    bad = ktap.failures(result.out)
    progress.say(f"    {program}: {ktap.results(result.out)} results, {len(bad)} not ok")
    if not ktap.results(result.out):
        bad.append(f"no results: {result.out[-300:]}{result.err[-1000:]}")
    return [f"{program}: {text}" for text in bad]


def run_all(guest, programs):
    prepared(guest)
    bad = []
    for program in programs:
        if guest.run(f"test -e {TESTS}/{program}", check=False):
            bad += run(guest, program)
    assert not bad, "\n".join(bad)
    net.settled(guest)


@case(long=True, kernel=["6.12", "7.x"], vcpus=2, memory=1024, nics=[Nic()])
def drivers_net(host, guest):
    "drivers/net: pings with and without XDP, queues, rings, statistics, NAPI, netpoll, GRO."
    run_all(guest, [f"drivers/net/{name}.py" for name in
                    ("ping", "queues", "stats", "napi_id", "napi_threaded", "ring_reconfig", "netpoll_basic", "gro", "xdp")])


@case(long=True, kernel=["6.12", "7.x"], vcpus=2, memory=1024, nics=[Nic()])
def drivers_net_hw(host, guest):
    "drivers/net/hw: checksums, segmentation, interrupts, the hash of received packets and where it sends them."
    run_all(guest, [f"drivers/net/hw/{name}.py" for name in ("csum", "tso", "uso", "irq", "rss_drv", "rss_api", "toeplitz")])
