# SPDX-License-Identifier: GPL-2.0-only
"""Instructions and calls per I/O or packet, by domain and function, out of the plugin's dump."""
import collections
import re

# Entered once for every request the guest's block layer hands to a driver.
REQUEST = "blk_mq_start_request"
HYPERCALLS = ("set_trap_table mmu_update set_gdt stack_switch set_callbacks fpu_taskswitch sched_op_compat "
              "platform_op set_debugreg get_debugreg update_descriptor - memory_op multicall update_va_mapping "
              "set_timer_op event_channel_op_compat xen_version console_io physdev_op_compat grant_table_op "
              "vm_assist update_va_mapping_otherdomain iret vcpu_op set_segment_base mmuext_op xsm_op nmi_op "
              "sched_op callback_op xenoprof_op event_channel_op physdev_op hvm_op sysctl domctl kexec_op").split()
SUPPORT = re.compile(r"gnttab|xen|evtchn|hypercall|HYPERVISOR|pvclock|notify_remote_via_irq", re.I)


def _group(domain, name, module):
    if module == "user":
        return "user space"
    if domain == "xen":
        return "hypervisor"
    if module in ("xen_blkfront", "xen_netfront", "xenfront", "xen_blkback", "xen_netback", "bridge", "null_blk"):
        return module
    return "Xen support in the kernel" if SUPPORT.search(name) else "kernel"


class Tally:
    def __init__(self, dump, symbols, each="I/O", done=None):
        """done: how many of what each names there were; for I/O the block layer's requests are counted."""
        self.each = each
        self.instructions = collections.Counter()       # (domain, function, module)
        self.calls = collections.Counter()
        self.groups = collections.Counter()             # (domain, group)
        self.domains = collections.Counter()
        self.hypercalls = collections.Counter()         # (domain, name)
        pages = {domain: next((a for a, (n, _) in table.entries.items() if n == "hypercall_page"), None)
                 for domain, table in symbols.tables.items()}
        with open(dump) as lines:
            for line in lines:
                if line.startswith("#"):
                    continue
                vaddr, offset, size, executions = line.split()
                vaddr, executions = int(vaddr, 16), int(executions)
                domain = symbols.whose(vaddr, None if offset == "-" else int(offset, 16))
                name, module, entry = symbols.find(domain, vaddr)
                page = pages.get(domain)
                if page and page <= vaddr < page + 4096:
                    number, inside = divmod(vaddr - page, 32)
                    name, module = "hypercall_page", ""
                    if not inside:
                        self.hypercalls[domain, HYPERCALLS[number] if number < len(HYPERCALLS) else str(number)] += executions
                self._add(domain, name, module, entry, int(size, 16) * executions, executions)
        self.ios = self.calls["guest", REQUEST, ""] if done is None else done

    def _add(self, domain, name, module, entry, instructions, executions):
        self.instructions[domain, name, module] += instructions
        if entry:
            self.calls[domain, name, module] += executions
        self.groups[domain, _group(domain, name, module)] += instructions
        self.domains[domain] += instructions

    def per_io(self, count):
        return count / self.ios if self.ios else float("nan")

    def functions(self, domain, limit):
        """(function, instructions per I/O, calls per I/O), the dearest first."""
        mine = [(key, n) for key, n in self.instructions.items() if key[0] == domain]
        mine.sort(key=lambda item: -item[1])
        return [(f"{name} [{module}]" if module and module != "user" else name,
                 self.per_io(n), self.per_io(self.calls[domain, name, module]))
                for (_, name, module), n in mine[:limit]]

    def text(self, title, limit=40, others=20):
        lines = [f"## {title}", "", f"{self.ios} {self.each}s in the window, "
                 f"{self.per_io(sum(self.domains.values())):.0f} instructions per {self.each}", "",
                 f"| who | instructions per {self.each} |", "|---|---:|"]
        for domain, total in self.domains.most_common():
            lines.append(f"| **{domain}** | **{self.per_io(total):.0f}** |")
            for (owner, group), n in self.groups.most_common():
                if owner == domain and n != total:
                    lines.append(f"| {domain}: {group} | {self.per_io(n):.0f} |")
        calls = [f"{domain} {name} {self.per_io(n):.3f}" for (domain, name), n in self.hypercalls.most_common()
                 if self.per_io(n) >= 0.001]
        lines += ["", f"Hypercalls per {self.each}: " + (", ".join(calls) or "none"), ""]
        for domain, count in (("guest", limit), ("dom0", others), ("xen", others)):
            lines += [f"| {domain}: function | instructions per {self.each} | calls per {self.each} |", "|---|---:|---:|"]
            lines += [f"| {name} | {n:.0f} | {calls:.2f} |" for name, n, calls in self.functions(domain, count)]
            lines.append("")
        return "\n".join(lines) + "\n"
