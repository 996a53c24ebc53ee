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


def not_ours(devices, folder, kinds):
    """Reasons why there is not a device of each of these kinds, or one is not served by a module of that folder."""
    if not folder:
        return ["the guest was given the kernel's own modules: its drivers are not ours"]
    ours = {path.stem.replace("-", "_"): modules.srcversion(path) for path in modules.ours_in(folder).values()}
    reasons = [f"the guest has no {kind}" for kind in kinds if not any(d.name.startswith(f"{kind}-") for d in devices)]
    for device in devices:
        if device.name.partition("-")[0] not in kinds:
            continue
        wanted = ours.get(device.module)
        if not wanted or device.srcversion != wanted:
            reasons.append(f"{device.name} is served by {device.driver} (module {device.module}) with srcversion "
                           f"{device.srcversion}; what {folder} has of that name has {wanted or 'none'}")
        if "/updates/" not in device.file:
            reasons.append(f"{device.name}: its module is {device.file}, not in updates/")
    return reasons
