# SPDX-License-Identifier: GPL-2.0-only
"""Images that are booted: the hypervisor, dom0's disk and initrd, and a guest's initramfs."""
import gzip
import os
import pathlib
import shutil
import tempfile

from . import cpio, kernels, modules, packages, paths, progress, rootfs

DOM0_KERNEL = "6.1"
DOM0_EARLY = "virtio_pci virtio_blk virtio_console virtio_net ext4 9pnet_virtio 9p crc32c_generic".split()
GUEST_EARLY = "loop squashfs overlay".split()
CORE = ["xen-guest"]
CONSOLE = "xenfront xen-console".split()
DOM0_SIZE = "2G"


def hypervisor():
    """Xen, uncompressed: QEMU's -kernel takes an ELF only."""
    fetcher = packages.Fetcher()
    fetcher.update()
    folder = fetcher.extract("xen-hypervisor-4.17-amd64")
    xen = folder / "xen"
    if not xen.exists():
        packed = next((folder / "boot").glob("xen-4.17-amd64.gz"))
        xen.write_bytes(gzip.decompress(packed.read_bytes()))
    return xen


def busybox():
    fetcher = packages.Fetcher()
    folder = fetcher.extract("busybox-static")
    return next(p for p in (folder / "bin/busybox", folder / "usr/bin/busybox") if p.exists())


def dom0_initrd():
    kernel = kernels.find(DOM0_KERNEL)
    init = paths.FILES / "dom0-initrd"
    image = paths.image(f"dom0-initrd-{paths.key(kernel.release, init, *DOM0_EARLY)}")
    if not image.exists():
        index = modules.Index(kernel)
        order = index.closure(DOM0_EARLY)
        partial = image.with_suffix(".partial")
        with cpio.Archive(partial) as archive:
            archive.file("bin/busybox", busybox())
            archive.file("init", init.read_bytes(), 0o755)
            for name in order:
                archive.file(f"modules/{name}", index.read(name))
            archive.file("modules/order", "".join(f"{name}\n" for name in order))
        partial.rename(image)
    return image


def dom0_disk():
    kernel = kernels.find(DOM0_KERNEL)
    tar = rootfs.dom0_tar()
    image = paths.image(f"dom0-{paths.key(tar.parent.name, kernel.release, modules.DOM0_OMIT.pattern)}.ext4")
    if not image.exists():
        with progress.step(f"building dom0's disk image ({DOM0_SIZE} ext4, modules of {kernel.release})"):
            with tempfile.TemporaryDirectory(dir=image.parent) as work:
                overlay = pathlib.Path(work)
                modules.install(kernel, overlay, omit=modules.DOM0_OMIT)
                partial = image.with_suffix(".partial")
                partial.unlink(missing_ok=True)
                rootfs.ext4(tar, partial, DOM0_SIZE, overlay, "dom0")
                partial.rename(image)
        paths.keep_newest(image.parent, "dom0-*.ext4", 1)
    return image


def _start(archive):
    """What every guest's initramfs begins with."""
    archive.file("bin/busybox", busybox())
    archive.file("init", (paths.FILES / "guest-initramfs").read_bytes(), 0o755)
    archive.folder("dev")
    archive.device("dev/console", 5, 1)


def guest_base():
    """The part of a guest's initramfs that is the same for every kernel."""
    root = rootfs.guest_squashfs()
    image = paths.image(f"guest-base-{paths.key(root.parent.name, paths.FILES / 'guest-initramfs')}.cpio")
    if not image.exists():
        partial = image.with_suffix(f".{os.getpid()}")
        with cpio.Archive(partial) as archive:
            _start(archive)
            archive.file("root.squashfs", root)
        partial.rename(image)
        paths.keep_newest(image.parent, "guest-base-*.cpio", 2)
    return image


def guest_modules(kernel, ours):
    """The part with a kernel's modules; ours is a folder or None."""
    files = modules.ours_in(ours) if ours else {}
    key = paths.key(kernel.release, kernel.image.stat().st_mtime, *modules.GUEST, "early:", *_first(kernel), *GUEST_EARLY,
                    *files, *files.values())
    image = paths.image(f"guest-modules-{kernel.release}-{key}.cpio")
    if not image.exists():
        with progress.step(f"packing the guest's modules for {kernel.release}" + (f" with ours from {ours}" if ours else "")):
            partial = image.with_suffix(f".{os.getpid()}")
            with tempfile.TemporaryDirectory(dir=image.parent) as work:
                modules.install(kernel, pathlib.Path(work), names=modules.GUEST, ours=ours)
                with cpio.Archive(partial) as archive:
                    archive.tree(work)
                    _early(archive, kernel, GUEST_EARLY, files)
            partial.rename(image)
        paths.keep_newest(image.parent, "guest-modules-*.cpio", 12)
    return image


def _first(kernel):
    """Those of our modules that an initramfs loads before all else: what the others stand on, and the console."""
    return (CORE if not kernel.has("XEN") else []) + (CONSOLE if not kernel.has("HVC_XEN") else [])


def _early(archive, kernel, names, ours, options=None):
    """Modules that the initramfs itself loads, in their order, in a folder of their own. ours: names and files; options:
    words by a module's name."""
    index = modules.Index(kernel)
    early = {name: ours[name].read_bytes() for name in _first(kernel) if name in ours}
    early |= {name: index.read(name) for name in index.closure(names)}
    for name, data in early.items():
        archive.file(f"modules/{name}", data)
    archive.file("modules/order", "".join(f"{name} {(options or {}).get(name, '')}".rstrip() + "\n" for name in early))


def _guest_own(path, files):
    """The part that is this guest's: the agent, the tests, and files of the case."""
    with cpio.Archive(path) as archive:
        for name in ("agent.py", "link.py"):
            archive.file(f"bed/{name}", (paths.PACKAGE / name).read_bytes())
        archive.file("bed/guest-init", (paths.FILES / "guest-init").read_bytes())
        for name, data in files.items():
            archive.file(f"extra/{name.lstrip('/')}", data, 0o755 if name.endswith(".sh") else 0o644)


def _join(parts, to):
    with open(to, "wb") as out:
        for part in parts:
            with open(part, "rb") as piece:
                shutil.copyfileobj(piece, out, 1 << 20)


def guest_initramfs(kernel, ours, files, to):
    """Writes one guest's initramfs. files: path -> text or bytes or Path, for its root."""
    with tempfile.NamedTemporaryFile(dir=to.parent) as own:
        _guest_own(own.name, files)
        _join((guest_base(), guest_modules(kernel, ours), own.name), to)


def guest_initramfs_hvm(kernel, ours, files, to, more, options):
    """An HVM guest's firmware reads an initramfs word by word through a port: only what finds the rest on
    two virtio disks is in it. options: see _early(). Returns the packed root; the archive with modules and files goes to more."""
    with cpio.Archive(to) as archive:
        _start(archive)
        _early(archive, kernel, GUEST_EARLY + ["virtio_pci", "virtio_blk"], modules.ours_in(ours) if ours else {}, options)
    with tempfile.NamedTemporaryFile(dir=to.parent) as own:
        _guest_own(own.name, files)
        packed = guest_modules(kernel, ours).read_bytes()
        # One archive, as cpio reads one only: the first goes without its trailer.
        packed = packed[:packed.rindex(b"070701", 0, packed.rindex(b"TRAILER!!!"))]
        more.write_bytes(packed + pathlib.Path(own.name).read_bytes())
    return rootfs.guest_squashfs()


def copy(source, to):
    """A hard link when it can be one: dom0 reads it through the shared folder either way."""
    to.unlink(missing_ok=True)
    try:
        to.hardlink_to(source)
    except OSError:
        shutil.copy(source, to)
