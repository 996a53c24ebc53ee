# SPDX-License-Identifier: GPL-2.0-only
"""Our modules where there is nothing for them: a clear line, a clean "No such device", and the machine goes on."""
from xenbed import case
from xenbed.native import Native

import _noxen as nox

HVM_PARAM = {"store page": 1, "store channel": 2}
# In dom0: domain, parameter, value -> the value before.
PARAMETER = """#!/usr/bin/python3 -E
import ctypes, sys
domid, number, value = map(int, sys.argv[1:])
xc = ctypes.CDLL("libxenctrl.so.4.17", use_errno=True)
xc.xc_interface_open.restype = ctypes.c_void_p
handle = ctypes.c_void_p(xc.xc_interface_open(None, None, 0))
before = ctypes.c_uint64()
get, put = xc.xc_hvm_param_get, xc.xc_hvm_param_set
get.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint64)]
put.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32, ctypes.c_uint64]
assert not get(handle, domid, number, ctypes.byref(before)), "get"
assert not put(handle, domid, number, value), "put"
print(before.value)
"""


def refused(guest, module="xen-guest"):
    """modprobe fails with ENODEV, quickly, and nothing is left; what the kernel said."""
    before = int(guest.run("dmesg | wc -l").out)
    result = guest.run(f"timeout 60 modprobe {module}", check=False)
    assert result.rc == 1 and "No such device" in result.err, (result.rc, result.err)
    guest.run("! grep -q ^xen_guest /proc/modules && test ! -e /sys/bus/xen && test ! -e /dev/xen/xenbus && "
              "test ! -e /sys/hypervisor/type")
    return guest.run(f"dmesg | tail -n +{before + 1}").out


def without(host, guest, name):
    """What is said when one of the domain's parameters is 0, which it is for as long as this takes."""
    number = HVM_PARAM[name]
    before = int(host.dom0.run(f"/tmp/hvm-param {guest.id} {number} 0").out)
    assert before, f"{name} was 0"
    try:
        return refused(guest)
    finally:
        host.dom0.run(f"/tmp/hvm-param {guest.id} {number} {before}")


@case(guest=False, long=True)
def no_xen(host):
    "On a machine without Xen."
    with Native(host, "noxen") as machine:
        assert "xen-guest: module not loaded" not in machine.log
        said = refused(machine)
        assert "xen-guest" in said and "Xen" in said, said
        assert machine.run("modprobe xen-blkfront", check=False).rc == 1
        assert not machine.run("dmesg | grep -E 'BUG:|WARNING:|Call Trace'", check=False).out


@case(**nox.NOXEN, load=[], agent_console="serial", vcpus=2, long=True)
def parts_missing(host, guest):
    "No platform device; no page of xenstore's; xenstored silent; once all is there, it works; no channel. Each is named."
    nox.unload(guest)
    host.dom0.put(PARAMETER, "/tmp/hvm-param", 0o755)

    platform = guest.run("for d in /sys/bus/pci/devices/*; do [ $(cat $d/vendor):$(cat $d/device) != 0x5853:0x0001 ] || echo $d; done").out.strip()
    guest.run(f"echo 1 > {platform}/remove")
    said = refused(guest)
    assert "platform" in said, said
    guest.run("echo 1 > /sys/bus/pci/rescan")

    said = without(host, guest, "store page")
    assert "STORE" in said.upper(), said

    # The toolstack itself stops with it, and so would the bed, which asks it whether a silent host is at work. For a minute:
    # our patience is half of one, and a guest's emulated serial port, by which it is asked, has been seen to stand still meanwhile.
    silent = host.dom0.spawn("kill -STOP $(cat /run/xenstored.pid); for n in $(seq 12); do sleep 5; echo; done; "
                             "kill -CONT $(cat /run/xenstored.pid)")
    said = refused(guest)
    assert "xenstore" in said, said
    silent.wait(check=True)
    guest.run("modprobe -a xen-guest xen-console xen-kbdfront")
    nox.wait_until(lambda: guest.run("cat /sys/bus/xen/devices/vkbd-0/state", check=False).out == "Connected\n", "the keyboard connects")

    nox.sound(guest)

    # Last: without that parameter nobody knows of the channel, and with our module's end it is closed for good.
    nox.unload(guest)
    said = without(host, guest, "store channel")
    assert "STORE" in said.upper(), said
