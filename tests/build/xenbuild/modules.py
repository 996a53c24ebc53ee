# SPDX-License-Identifier: GPL-2.0-only
"""Modules: this tree's sources built for one kernel, and kept until either changes."""
import concurrent.futures
import os
import pathlib
import re
import shutil

from xenbed import lock, paths, progress
from xenbed.progress import BedError

from . import linux
from .toolchain import CROSS, ensure_kernel, prepare, toolchain

BUILDS = paths.CACHE / "build"
TREES = paths.CACHE / "trees"
FLAGS = ("W=1", "KCFLAGS=-Werror")
# Directories that hold no source of a module.
OTHERS = {"tests", "docs", "packaging"}
# A message of modpost or kbuild that no compiler flag turns into an error.  Header packages carry no
# vmlinux, so that there is no type information to check BTF against; that line is not ours to mend.
COMPLAINT = re.compile(r"^(WARNING|ERROR|.*: [Ww]arning:)")


def sources():
    """The files that make the modules, by their path in the tree."""
    found = {}
    for folder, directories, files in os.walk(paths.SOURCE):
        here = pathlib.Path(folder)
        top = here == paths.SOURCE
        directories[:] = sorted(d for d in directories if not d.startswith(".") and not (top and d in OTHERS))
        for name in sorted(files):
            if name.endswith(".mod.c"):
                continue
            if name == "Kbuild" or name.endswith((".c", ".h", ".S")) or (top and name == "VERSION"):
                path = here / name
                found[str(path.relative_to(paths.SOURCE))] = path.read_bytes()
    return found


class Build:
    def __init__(self, kernel):
        self.kernel = kernel
        self.folder = BUILDS / kernel.release
        # Where kbuild works; the modules there have their debug information.
        self.tree = TREES / kernel.release
        self.log = self.folder / "build.log"
        self.tools = None
        self.cross = CROSS.get(kernel.series, "")

    def modules(self):
        return sorted(self.folder.glob("*.ko"))

    def held(self):
        return lock.held(f"build-{self.kernel.release}.lock", f"another build for {self.kernel.release}")

    def make(self, *arguments, **options):
        command = ["make", "-C", self.kernel.build, "M=/src", *FLAGS, *arguments]
        if self.cross:
            command += [f"ARCH={self.kernel.series}", f"CROSS_COMPILE={self.cross}"]
        return self.tools.run(command, source=self.tree, tree=self.kernel.tree, **options)

    def build(self, jobs):
        """Brings the folder up to date; a BedError tells what the compiler or modpost said."""
        self.tools = toolchain(self.kernel.suite)
        ensure_kernel(self.kernel)
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.held():
            files = sources()
            kernel = linux.stamp(self.kernel.series) if self.kernel.tree else self.kernel.release
            key = paths.key(self.tools.key, kernel, repr(FLAGS), repr(sorted(files.items())))
            stamp = self.folder / "key"
            if self.tree.exists() and stamp.exists() and stamp.read_text() == key and self.modules():
                return self
            # First, so that a failure leaves no module of older sources to be tested by mistake.
            for old in [stamp, *self.modules()]:
                old.unlink(missing_ok=True)
            with progress.step(f"building the modules for {self.kernel.release}"):
                self._sync(files)
                self._compile(jobs)
                self._collect()
            stamp.write_text(key)
        return self

    def _sync(self, files):
        """Makes the copy equal to the sources and leaves unchanged files and objects alone."""
        if "Kbuild" not in files:
            raise BedError(f"{paths.SOURCE} has no Kbuild")
        self.tree.mkdir(parents=True, exist_ok=True)
        for path in [p for p in self.tree.rglob("*") if p.is_file()]:
            name = str(path.relative_to(self.tree))
            product = path.name.endswith(".mod.c") or path.suffix not in (".c", ".h", ".S")
            if name not in files and not (product and path.name not in ("Kbuild", "VERSION")):
                path.unlink()
        for name, content in files.items():
            copy = self.tree / name
            if not copy.exists() or copy.read_bytes() != content:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(content)

    def _compile(self, jobs):
        with open(self.log, "w") as log:
            failed = self.make(f"-j{jobs}", "modules", stdout=log, stderr=log).returncode
        lines = self.log.read_text().splitlines()
        complaints = [line for line in lines if COMPLAINT.match(line)]
        if failed or complaints:
            # Objects made with a warning would not be made again, and the warning not be seen again.
            shutil.rmtree(self.tree)
            shown = [line for line in lines if re.search(r"error|warning|note:", line, re.I)] or lines
            raise BedError(f"building for {self.kernel.release} failed (whole output in {self.log}):\n" +
                           "\n".join(shown[:40]))

    def _collect(self):
        made = sorted(self.tree.rglob("*.ko"))
        if not made:
            raise BedError(f"building for {self.kernel.release} made no module; see {self.log}")
        # As modules_install INSTALL_MOD_STRIP=1 does.
        script = 'for m; do "$0objcopy" --strip-debug "$m" "/src/stripped-${m##*/}"; done'
        names = [f"/src/{m.relative_to(self.tree)}" for m in made]
        self.tools.run(["sh", "-ec", script, self.cross, *names], source=self.tree, check=True)
        for module in made:
            (self.tree / f"stripped-{module.name}").rename(self.folder / module.name)


def build_all(kernels):
    """One Build per kernel, in that order, built as many at a time as there are processors.

    Yields (build, None) or (build, error).
    """
    processors = os.cpu_count() or 1
    workers = min(len(kernels), processors)
    prepare({kernel.suite for kernel in kernels})
    jobs = max(1, processors // workers)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        builds = [Build(kernel) for kernel in kernels]
        running = [pool.submit(build.build, jobs) for build in builds]
        for build, future in zip(builds, running):
            try:
                future.result()
                yield build, None
            except BedError as error:
                yield build, error
