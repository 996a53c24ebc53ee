# SPDX-License-Identifier: GPL-2.0-only
"""Everything the bed needs, from nothing."""
import time

from . import image, kernels, packages, paths, progress, rootfs


def prepare(wanted=None):
    wanted = wanted or list(kernels.DEBIAN)
    began = time.monotonic()
    paths.CACHE.mkdir(parents=True, exist_ok=True)
    packages.ensure_needed()
    progress.say(f"hypervisor: {image.hypervisor()}")
    for name in wanted:
        kernel = kernels.find(name)
        progress.say(f"guest kernel {name}: {kernel.release} ({kernel.elf})")
    progress.say(f"dom0's initrd: {image.dom0_initrd()}")
    progress.say(f"dom0's disk: {image.dom0_disk()}")
    for name in wanted:
        progress.say(f"guest's modules for {name}: {image.guest_modules(kernels.find(name), None)}")
    progress.say(f"guest's root in RAM: {image.guest_base()}")
    progress.say(f"Debian for a guest's disk: {rootfs.disk_tar()}")
    progress.say(f"ready after {time.monotonic() - began:.0f} s")
