# SPDX-License-Identifier: GPL-2.0-only
"""Whose code an address is: domain by physical page, function by virtual address."""
import bisect
import re

PAGE = 12
FOUR_GIB = 1 << 32
Q35_LOW = 0x80000000            # RAM below the hole of a q35 machine with more than 2.75 GiB
HYPERVISOR = range(0xffff800000000000, 0xffff880000000000)
KERNEL = 0xffff800000000000


class Table:
    """Symbols of one kernel or of Xen: name by address."""

    def __init__(self, lines):
        entries = {}
        for line in lines:
            # kallsyms: "address type name [module]"; xensyms has no module and the same rest.
            words = line.replace("\t", " ").split()
            if len(words) < 3 or words[1] not in "tTwW":
                continue
            name = words[2]
            module = words[3].strip("[]") if len(words) > 3 else ""
            address = int(words[0], 16)
            # Of several names the first is the one the others are aliases of.
            entries.setdefault(address, (name, module))
        self.addresses = sorted(entries)
        self.entries = entries

    def find(self, address):
        """(name, module, is the function's first instruction), or None."""
        place = bisect.bisect_right(self.addresses, address)
        if not place:
            return None
        begin = self.addresses[place - 1]
        return (*self.entries[begin], begin == address)


def machine_frame(offset):
    """RAM is one piece for QEMU and two for the machine."""
    return (offset if offset < Q35_LOW else offset - Q35_LOW + FOUR_GIB) >> PAGE


def _guest_frames(dom0, guest, share):
    """Every machine frame of the guest."""
    dom0.run(f"xen-mfndump dump-p2m {guest.id} > /share/p2m.txt")
    frames = set()
    with open(share / "p2m.txt") as text:
        for line in text:
            found = re.search(r"mfn=0x([0-9a-f]+)", line)
            if found:
                frames.add(int(found.group(1), 16))
    return frames


class Symbols:
    """What is known about one machine; read() when all modules of interest are loaded."""

    def __init__(self, guest):
        self.guest, self.dom0, self.share = guest, guest.dom0, guest.host.share

    def read(self):
        self.dom0.run("cat /proc/kallsyms > /share/dom0.syms; cat /proc/xen/xensyms > /share/xen.syms")
        dom0 = (self.share / "dom0.syms").read_text().splitlines()
        self.tables = {"xen": Table((self.share / "xen.syms").read_text().splitlines()), "dom0": Table(dom0)}
        same = self.dom0.run("uname -rv").out == self.guest.run("uname -rv").out
        if same:        # only the modules differ, and the guest's console is slow
            kernel = [line for line in dom0 if "[" not in line]
            kernel += self.guest.run("grep -F [ /proc/kallsyms").out.splitlines()
        else:
            kernel = self.guest.run("cat /proc/kallsyms").out.splitlines()
        self.tables["guest"] = Table(kernel)
        self.frames = _guest_frames(self.dom0, self.guest, self.share)

    def whose(self, vaddr, offset):
        """xen, guest or dom0; offset is None for code outside RAM."""
        if vaddr in HYPERVISOR:
            return "xen"
        return "guest" if offset is not None and machine_frame(offset) in self.frames else "dom0"

    def find(self, domain, vaddr):
        if vaddr < KERNEL:
            return ("(user space)", "user", False)
        return self.tables[domain].find(vaddr) or ("(unknown)", "", False)
