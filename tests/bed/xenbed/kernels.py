# SPDX-License-Identifier: GPL-2.0-only
"""Kernels for dom0 and the guests: Debian's packages, and (from tests/kernels) those built here."""
import dataclasses
import functools
import lzma
import pathlib
import re
import struct
import subprocess
import zlib

from . import packages, paths, progress
from .progress import BedError

# Short name -> releases it may be; the newest wins.
DEBIAN = {
    "6.1": r"6\.1\.\d+-\d+-amd64",
    "6.12": r"6\.12\.\d+\+deb12-amd64",
    "7.x": r"7\.\d+\.\d+\+deb13-amd64",
}

# What every guest's kernel is told, besides where its root is.
GUEST_ARGUMENTS = "console=hvc0 mitigations=off loglevel=7 oops=panic panic=-1 net.ifnames=0"


@dataclasses.dataclass(frozen=True)
class Kernel:
    name: str               # as cases call it: 6.1, 6.12, 7.x, or the name of a tests/kernels/*.config
    release: str            # uname -r
    image: pathlib.Path     # bzImage, as a boot loader wants it
    modules: pathlib.Path   # the folder lib/modules/RELEASE
    config: pathlib.Path

    @functools.cached_property
    def elf(self):
        """The uncompressed kernel: dom0 (emulated) would spend seconds on unpacking the other."""
        folder = paths.CACHE / "kernels" / paths.key(self.release, str(self.image.stat().st_size),
                                                     str(self.image.stat().st_mtime))
        elf = folder / "vmlinux"
        if not elf.exists():
            with progress.step(f"unpacking the kernel image of {self.release}"):
                folder.mkdir(parents=True, exist_ok=True)
                partial = folder / "vmlinux.partial"
                partial.write_bytes(payload(self.image.read_bytes(), self.image))
                partial.rename(elf)
        return elf

    @property
    def guest_type(self):
        """What it is started as, unless one asks for another."""
        return "pv" if self.has("XEN") else "hvm"

    def has(self, option):
        """'y', 'm' or '' for CONFIG_<option>."""
        found = re.search(rf"^CONFIG_{option}=(\w)$", self.config.read_text(), re.M)
        return found.group(1) if found else ""


def payload(image, where):
    """The ELF inside a bzImage (its place is in the setup header, Documentation/arch/x86/boot.rst)."""
    if image[0x202:0x206] != b"HdrS":
        raise BedError(f"{where}: not a bzImage")
    setup_sectors = image[0x1f1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    begin = (setup_sectors + 1) * 512 + offset
    # The build appends the unpacked size (4 bytes) to what the compressor wrote.
    packed = image[begin:begin + length]
    if packed.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor().decompress(packed)
    if packed.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(31).decompress(packed)
    if packed.startswith(b"\x28\xb5\x2f\xfd"):
        return subprocess.run(["zstd", "-dcq"], input=packed[:-4], stdout=subprocess.PIPE, check=True).stdout
    raise BedError(f"{where}: packed in a way this bed does not know (starts with {packed[:6].hex()})")


def _from_package(name, fetcher):
    release = fetcher.kernel_release(DEBIAN[name])
    if not release:
        raise BedError(f"no kernel matches {DEBIAN[name]} in {', '.join(fetcher.SUITES)}")
    package = f"linux-image-{release}"
    # Since 7.x the image package only pulls in the packages that hold the files.
    parts = [p for p in fetcher.depends(package) if p.startswith("linux-") and p.endswith(release)]
    folder = fetcher.extract(package, *parts)
    if not (folder / "lib").exists():
        (folder / "lib").symlink_to("usr/lib")
    modules = folder / "lib/modules" / release
    _index(folder, release)
    if (modules / "vmlinuz").exists():
        return Kernel(name, release, modules / "vmlinuz", modules, modules / "config")
    return Kernel(name, release, folder / f"boot/vmlinuz-{release}", modules, folder / f"boot/config-{release}")


def _index(folder, release):
    """modules.dep and the others, which a package's installation script would make."""
    if not (folder / "lib/modules" / release / "modules.dep").exists():
        subprocess.run(["depmod", "-b", str(folder), release], check=True)


def _from_build(name):
    """A kernel built from tests/kernels/NAME.config: tests/build leaves vmlinuz, config and lib/modules/RELEASE in the
    cache under kernels/NAME."""
    folder = paths.CACHE / "kernels" / name
    releases = sorted((folder / "lib/modules").glob("*")) if folder.exists() else []
    if not releases:
        return None
    return Kernel(name, releases[-1].name, folder / "vmlinuz", releases[-1], folder / "config")


@functools.lru_cache(maxsize=None)
def find(name):
    """The kernel of that short name, fetched when it is not there yet."""
    if name in DEBIAN:
        fetcher = packages.Fetcher()
        fetcher.update()
        return _from_package(name, fetcher)
    kernel = _from_build(name)
    if kernel:
        return kernel
    own = sorted(p.stem for p in (paths.TESTS / "kernels").glob("*.config"))
    if name in own:
        raise BedError(f"the kernel {name} is not built yet; build it, and the modules for it, with\n    tests/build/build {name}")
    raise BedError(f"no kernel called {name!r}; there are {', '.join([*DEBIAN, *own])}")
