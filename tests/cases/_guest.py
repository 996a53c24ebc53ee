# SPDX-License-Identifier: GPL-2.0-only
"""What the cases of every driver share: a guest's kernel log, its grants, and waiting."""
import re
import shlex
import time

from xenbed import logs, report

# Counts grants that are in use, from the kernel's own counters.
GRANTS = """#!/usr/bin/python3 -SE
import struct
at = {}
for line in open("/proc/kallsyms"):
    word = line.split()
    if word[2] in ("gnttab_free_count", "nr_grant_frames"):
        at[word[2]] = int(word[0], 16)
core = open("/proc/kcore", "rb", 0)
header = core.read(64)
offset, size, count = *struct.unpack_from("<Q", header, 32), *struct.unpack_from("<HH", header, 54)
core.seek(offset)
parts = [struct.unpack_from("<IIQQQQQQ", core.read(size)) for _ in range(count)]
def value(name):
    for kind, _, begin, address, _, length, _, _ in parts:
        if kind == 1 and address <= at[name] < address + length:
            core.seek(begin + at[name] - address)
            return struct.unpack("<I", core.read(4))[0]
    raise SystemExit(name + " is not in /proc/kcore")
print(value("nr_grant_frames") * 512 - value("gnttab_free_count"))
"""


def lines(guest, pattern, since=0):
    """Lines of the guest's kernel log that match, after the first ones."""
    return guest.run(f"dmesg | tail -n +{since + 1} | grep -P {shlex.quote(pattern)}", check=False).out.splitlines()


def log_length(guest):
    return int(guest.run("dmesg | wc -l").out)


def wait_until(condition, what, timeout=60):
    """Until a function is true; its last value is returned. what is a text, or a function that makes one."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what}")
        time.sleep(0.3)


def state(guest, device):
    """A driver's account of a device (vif-0): its lines as a dictionary (the queues' lines among them)."""
    values = {}
    for line in guest.run(f"cat /sys/kernel/debug/xenfront/{device}/state").out.splitlines():
        key, _, value = line.partition(": ")
        values[key] = int(value) if re.fullmatch(r"\d+", value) else value
    return values


def all_ours(guest, kinds):
    """By every device's driver and module; the console, too."""
    devices, _ = report.look(guest)
    reasons = report.not_ours(devices, guest.modules_folder(), kinds)
    assert not reasons, "\n".join(reasons)
    assert "hvc0" in guest.run("cat /proc/consoles").out
    assert guest.run("basename $(readlink -f /sys/bus/platform/drivers/xen-console/xen-console)", check=False).out == "xen-console\n"


def sound(guest):
    """The kernel's own checks have found nothing: all of them, on one that is made to check itself."""
    if guest.agent_console == "serial":
        # Nobody reads what it says on hvc0.
        found = logs.bad_lines("\n".join(lines(guest, logs.KERNEL.pattern)))
        assert not found, found
    if not guest.kernel.has("LOCKDEP"):
        return
    assert "debug_locks: 1" in " ".join(guest.run("grep debug_locks /proc/lockdep_stats").out.split()), "lockdep has given up"
    # Twice: what is young is not looked at.
    guest.run("echo scan > /sys/kernel/debug/kmemleak; sleep 6; echo scan > /sys/kernel/debug/kmemleak")
    leaks = guest.run("cat /sys/kernel/debug/kmemleak").out
    assert not leaks, leaks[:3000]


def granted_pages(guest):
    """How many grants of the guest's are in use, mapped or not, by its kernel's account."""
    if not guest.run("test -e /tmp/grants", check=False):
        guest.push(GRANTS, "/tmp/grants")
    return int(guest.run("/tmp/grants").out)


def mapped_grants(host, domid):
    """How many of a domain's grants are mapped, as the hypervisor says on its console."""
    begin = len(host.serial)
    host.dom0.run("xl debug-keys g")
    wait_until(lambda: b"gnttab_usage_print_all ]" in host.serial[begin:], "the hypervisor lists its grants", 30)
    text = host.serial[begin:].decode(errors="replace")
    for part in re.split(r"grant-table for remote d", text)[1:]:
        if re.match(rf"{domid}\b", part):
            return len(re.findall(r"\[0x[0-9a-f]+\]\s", part))
    raise AssertionError(f"the hypervisor knows no grants of domain {domid}")
