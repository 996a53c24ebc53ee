# SPDX-License-Identifier: GPL-2.0-only
"""What README tells the owner of a Debian guest to do, done: kernel and initramfs are the guest's own, by pygrub; the packages come
from `make deb`, the modules from DKMS. What happens to a disk between its stages is in xenbed/stages.py."""
from xenbed import Nic, case, paths, report

VERSION = (paths.SOURCE / "VERSION").read_text().strip()
KINDS = ("vbd", "vif", "vfb", "vkbd")
GUEST = {"memory": 512, "nics": [Nic(address=False)], "vfb": True, "long": True}


def served(guest):
    """The devices by their kinds; its root is on the Xen disk, and its network works with the address that DHCP gave it."""
    devices, root = report.look(guest)
    assert root == "/dev/xvda1", root
    address = guest.nics.leased(0)
    assert address, "eth0 has no address by DHCP"
    assert f" {address}/" in guest.run("ip -4 -o addr show dev eth0").out, f"eth0 has not the address {address}"
    guest.dom0.run(f"ping -c 3 -W 5 {address}")
    found = {device.name.partition("-")[0]: device for device in devices}
    assert set(KINDS) <= set(found), f"of {KINDS} there are {sorted(found)}"
    return found


def ours(guest, first="autofs4"):
    """Each device is on the module that DKMS built for this kernel, and was before the root file system was mounted: before
    the module called first was loaded, which is what systemd begins with. Without it that is known of the disk's alone."""
    devices = served(guest)
    release = guest.run("uname -r").out.strip()
    # The newest first.
    loaded = [line.split()[0] for line in guest.run("cat /proc/modules").out.splitlines()]
    for kind in KINDS:
        device = devices[kind]
        assert device.file.startswith(f"/lib/modules/{release}/updates/dkms/"), f"{device.name}: {device.driver} is {device.file}"
        assert device.version == VERSION, f"{device.name}: version {device.version}"
        built = guest.run(f"modinfo -F srcversion {device.file}").out.strip()
        assert device.srcversion == built, f"{device.name}: loaded is {device.srcversion}, DKMS has built {built}"
        assert not first or loaded.index(device.module) > loaded.index(first), f"{device.module} was not loaded by the initramfs"
    status = guest.run("xenfront status", check=False).out
    assert "not ours" not in status and "no driver" not in status and "another build" not in status, status


def kernels_own(guest):
    "Each device is on what came with the kernel, and nothing of ours is loaded."
    for device in served(guest).values():
        assert device.driver != "-", f"{device.name} has no driver"
        assert device.version == "-", f"{device.name} is served by {device.file}, version {device.version}"
    assert not guest.run("test -e /sys/module/xenfront", check=False), "the library is loaded"


@case(**GUEST, stage=["bookworm.installed", "trixie.installed"])
def installed(host, guest):
    "After the packages' installation all devices are ours, so they are after `xl reboot`, and `xl shutdown` ends it."
    ours(guest)
    guest.run("xenfront check")
    guest.reboot()
    ours(guest)
    # The case's own end would be `xl destroy`.
    guest.shutdown()


@case(**GUEST, stage="bookworm.upgraded")
def upgraded(host, guest):
    "The kernel of the backports is the one that boots, and DKMS has built the drivers for it when it was installed."
    release = guest.run("uname -r").out
    assert release.startswith("6.12."), release
    ours(guest)


@case(**GUEST, stage="bookworm.removed")
def removed(host, guest):
    "After the packages' removal the guest boots with the kernel's own drivers."
    kernels_own(guest)
    assert not guest.run("find /lib/modules -name 'xenfront*'").out, "modules are left"


@case(**GUEST, stage=["bookworm.dracut", "trixie.dracut"])
def dracut(host, guest):
    "With dracut all devices are ours; and with module_blacklist=xenfront they are the kernel's own."
    # systemd runs in the initramfs as well, and in none of initramfs-tools'.
    guest.run("dmesg | grep 'systemd.*: Running in init'")
    ours(guest, first="")
    guest.run("sed -i 's| ro | ro module_blacklist=xenfront |' /boot/grub/grub.cfg && sync")
    guest.reboot()
    kernels_own(guest)


@case(**{**GUEST, "memory": 1024, "vcpus": 2}, stage="bookworm.new")
def in_the_guest(host, guest):
    "A running guest installs the packages, reboots, and all devices are ours."
    kernels_own(guest)
    # What this machine needs, not what every other may: hours in the emulator.
    guest.run("echo MODULES=dep > /etc/initramfs-tools/conf.d/this-machine")
    guest.run("DEBIAN_FRONTEND=noninteractive apt-get -qy install /root/xenfront/dist/xenfront_*.deb "
              "/root/xenfront/dist/xenfront-dkms_*.deb && xenfront check && sync")
    guest.reboot()
    ours(guest)
