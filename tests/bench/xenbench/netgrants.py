# SPDX-License-Identifier: GPL-2.0-only
"""Grants that a driver gives and takes back: counted by kprobes, which cost time, so in a pass of its own."""

TRACING = "/sys/kernel/tracing"
CALLS = {"given": "gnttab_grant_foreign_access_ref", "taken_back": "gnttab_end_foreign_access_ref"}


class Grants:
    """with Grants(guest) as grants: grants.read() is how many there were since the beginning, either way."""

    def __init__(self, guest):
        self.guest = guest

    def __enter__(self):
        probes = "".join(f"echo 'p:{name} {call}' >> kprobe_events; " for name, call in CALLS.items())
        self.guest.run(f"mountpoint -q {TRACING} || mount -t tracefs tracefs {TRACING}; cd {TRACING}; {probes} "
                       "echo 1 > events/kprobes/enable")
        return self

    def read(self):
        lines = self.guest.run(f"cat {TRACING}/kprobe_profile").out.splitlines()
        return sum(int(line.split()[1]) for line in lines if line.split()[0] in CALLS)

    def __exit__(self, *_):
        self.guest.run(f"cd {TRACING}; echo 0 > events/kprobes/enable; echo > kprobe_events; echo > trace", check=False)
