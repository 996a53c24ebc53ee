# SPDX-License-Identifier: GPL-2.0-only
"""The QEMU plugin that counts instructions (counter.c): built here, and spoken to while QEMU runs."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tarfile

from xenbed import lock, packages, paths, progress
from xenbed.progress import BedError

SOURCE = pathlib.Path(__file__).resolve().parent / "counter.c"


def _header():
    """qemu-plugin.h is in QEMU's source package only, of the version that runs here."""
    shown = subprocess.run(["dpkg-query", "-W", "-f", "${source:Version}", "qemu-system-x86"], text=True,
                           stdout=subprocess.PIPE).stdout.strip()
    if not shown:
        raise BedError("dpkg does not know qemu-system-x86: the plugin needs Debian's QEMU")
    folder = paths.CACHE / "qemu" / shown.replace(":", "%")
    header = folder / "qemu-plugin.h"
    if header.exists():
        return header
    with lock.held("apt.lock", "another download"), progress.step(f"fetching qemu-plugin.h of QEMU {shown} (its source package)"):
        work = folder.with_name(folder.name + ".partial")
        shutil.rmtree(work, ignore_errors=True)
        for name in ("lists/partial", "archives/partial"):
            (work / name).mkdir(parents=True)
        sources = packages.source_lines("bookworm", "bookworm-security")
        (work / "sources.list").write_text("".join(re.sub("^deb ", "deb-src ", line) + "\n" for line in sources))
        options = [f"-oDir::State::lists={work}/lists", f"-oDir::Cache::archives={work}/archives",
                   f"-oDir::Cache::srcpkgcache={work}/src.bin", f"-oDir::Cache::pkgcache={work}/pkg.bin",
                   f"-oDir::Etc::SourceList={work}/sources.list", "-oDir::Etc::SourceParts=/dev/null",
                   "-oAPT::Sandbox::User=root", "-oAcquire::Languages=none"]
        for command in (["apt-get", *options, "-q", "update"],
                        ["apt-get", *options, "-q", "--download-only", "source", f"qemu={shown}"]):
            done = subprocess.run(command, cwd=work, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if done.returncode:
                raise BedError(f"{' '.join(command[:1] + command[-2:])} failed:\n{done.stdout[-1500:]}")
        with tarfile.open(next(work.glob("qemu_*.orig.tar.*"))) as tar:
            member = next(m for m in tar if m.name.endswith("/include/qemu/qemu-plugin.h"))
            text = tar.extractfile(member).read()
        folder.mkdir(parents=True, exist_ok=True)
        header.write_bytes(text)
        shutil.rmtree(work)
    return header


def _built():
    header = _header()
    library = paths.CACHE / "qemu" / f"counter-{paths.key(header, SOURCE)}.so"
    if not library.exists():
        if not shutil.which("gcc"):
            raise BedError("gcc is missing; install it with\n    sudo apt-get install -y gcc libc6-dev\nand start again")
        with progress.step("building the counting plugin"):
            partial = library.with_suffix(".partial")
            done = subprocess.run(["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-I", str(header.parent),
                                   "-o", str(partial), str(SOURCE), "-lpthread"], text=True, stderr=subprocess.PIPE)
            if done.returncode:
                raise BedError(f"{SOURCE} does not compile:\n{done.stderr[-1500:]}")
            partial.rename(library)
    return library


class Plugin:
    def __init__(self):
        self.library = _built()
        self.folder = None

    def options(self, folder, ram_bytes):
        """QEMU's own working folder is the run's, so that the socket's name stays short."""
        self.folder = folder
        return ["-plugin", f"{self.library},control=counter.sock,ram={ram_bytes}"]

    def connect(self):
        folder = os.open(self.folder, os.O_PATH)
        try:
            self.connection = socket.socket(socket.AF_UNIX)
            self.connection.connect(f"/proc/self/fd/{folder}/counter.sock")
            self.stream = self.connection.makefile("rw")
        finally:
            os.close(folder)

    def _ask(self, line):
        self.stream.write(line + "\n")
        self.stream.flush()
        answer = self.stream.readline().strip()
        if answer != "ok":
            raise BedError(f"counting plugin: {line}: {answer or 'QEMU has ended'}")

    def mark(self):
        self._ask("mark")

    def dump(self, path):
        self._ask(f"dump {path}")
        return path
