# SPDX-License-Identifier: GPL-2.0-only
"""Which driver serves which device, as the guest itself sees it, and whether it is ours."""
import dataclasses

from . import modules

# One line per device: name, type, driver, module, its file, its version, its srcversion; then what the driver says.
LOOK = r"""
for path in /sys/bus/xen/devices/*; do
	[ -e "$path" ] || continue
	device=${path##*/}
	driver=- module=- file=- version=- source=-
	[ -e "$path/driver" ] && driver=$(basename "$(readlink "$path/driver")")
	if [ -e "$path/driver/module" ]; then
		module=$(basename "$(readlink "$path/driver/module")")
		file=$(modinfo -n "$module" 2>/dev/null || echo built-in)
		[ -r "/sys/module/$module/version" ] && version=$(cat "/sys/module/$module/version")
		[ -r "/sys/module/$module/srcversion" ] && source=$(cat "/sys/module/$module/srcversion")
	elif [ "$driver" != - ]; then
		file=built-in
	fi
	printf 'device\t%s\t%s\t%s\t%s\t%s\t%s\n' "$device" "$driver" "$module" "$file" "$version" "$source"
	state=/sys/kernel/debug/xenfront/$device/state
	[ -r "$state" ] && sed "s/^/state\t$device\t/" "$state"
done
printf 'root\t%s\n' "$(findmnt -no SOURCE /)"
true
"""


@dataclasses.dataclass
class Device:
    name: str
    driver: str
    module: str
    file: str
    version: str
    srcversion: str
    state: list


def look(guest):
    """([Device], what the root file system is on)"""
    guest.run("mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug")
    devices, root = {}, ""
    for line in guest.run(LOOK).out.splitlines():
        kind, *words = line.split("\t")
        if kind == "device":
            devices[words[0]] = Device(*words, state=[])
        elif kind == "state":
            devices[words[0]].state.append(words[1])
        elif kind == "root":
            root = words[0]
    return list(devices.values()), root


def table(devices):
    heads = ("device", "driver", "module file", "version", "srcversion")
    rows = [(d.name, d.driver, d.file, d.version, d.srcversion) for d in devices]
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip()
             for row in (heads, tuple("-" * w for w in widths), *rows)]
    for device in devices:
        if device.state:
            lines.append(f"\nnegotiated by {device.name}:")
            lines += [f"    {line}" for line in device.state]
    return "\n".join(lines)


def not_ours(devices, folder):
    """Reasons why the block devices are not served by the modules of that folder."""
    if not folder:
        return ["the guest was given the kernel's own modules: its driver is not ours"]
    files = modules.ours_in(folder)
    wanted = modules.srcversion(files["xen-blkfront"]) if "xen-blkfront" in files else ""
    reasons = []
    disks = [d for d in devices if d.name.startswith("vbd-")]
    if not disks:
        reasons.append("the guest has no vbd")
    for disk in disks:
        if not wanted or disk.srcversion != wanted:
            reasons.append(f"{disk.name} is served by {disk.driver} with srcversion {disk.srcversion}; "
                           f"ours ({folder}/xen-blkfront.ko) has {wanted or 'none'}")
        if "/updates/" not in disk.file:
            reasons.append(f"{disk.name}: its module is {disk.file}, not in updates/")
    return reasons
