# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel without Xen gets from us, compiled for kernels that nobody has built without Xen: against a copy of
Debian's headers whose configuration says so."""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from xenbed.progress import BedError

from . import linux, modules, toolchain

# Those series whose own kernel without Xen is not among linux.BUILT.
SERIES = ("6.12", "7.3")
FOLDERS = ("xenbus/guest/", "xenbus/xenfs/")
OBJECTS = ("xenbus/guest/xen-guest.o", "xenbus/xenfs/xenfs.o")
# Where a configuration is, for the compiler and for make, and how an option looks there.
CONFIGURATION = {
    "include/generated/autoconf.h": r"^#define CONFIG_XEN(_\w+)? .*\n",
    "include/config/auto.conf": r"^CONFIG_XEN(_\w+)?=.*\n",
}
# Symbols that a kernel has with Xen only.
XENS = re.compile(r"xen|gnttab|evtchn|notify_remote_via_irq")


def _tree(tools, headers, to):
    """The headers' own folder; what it includes is where it was."""
    shutil.copytree(f"{tools.root}{headers}", to, symlinks=True, ignore=shutil.ignore_patterns("vmlinux"))
    for name, option in CONFIGURATION.items():
        text = (to / name).read_text()
        without = re.sub(option, "", text, flags=re.M)
        if without == text:
            raise BedError(f"{headers}/{name} has no CONFIG_XEN")
        (to / name).write_text(without)
    makefile = (to / "Makefile").read_text()
    (to / "Makefile").write_text(makefile.replace(f"OUTPUT={headers}", f"OUTPUT={linux.TREE}"))
    for link in [path for path in to.iterdir() if path.is_symlink()]:
        target = os.path.normpath(os.path.join(headers, os.readlink(link)))
        link.unlink()
        link.symlink_to(target)


def _sources(to):
    for name, content in modules.sources().items():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        (to / name).write_bytes(content)


@contextlib.contextmanager
def _prepared(kernel, tools):
    with tempfile.TemporaryDirectory(prefix="xenfront-") as work:
        work = pathlib.Path(work)
        os.chmod(work, 0o755)
        _tree(tools, f"/usr/src/linux-headers-{kernel.release}", work / "tree")
        _sources(work / "src")
        yield {"source": work / "src", "tree": work / "tree", "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT,
               "text": True}


def _missing(tools, kernel, options):
    """What is used and neither exported by such a kernel nor by us."""
    names = tools.run(["nm", "-A", *(f"/src/{name}" for name in OBJECTS)], check=True, **options).stdout
    used = set(re.findall(r" U (\w+)$", names, re.M))
    ours = set(re.findall(r" __(?:ksymtab|export_symbol)_(\w+)$", names, re.M))
    exported = (pathlib.Path(tools.root) / f"usr/src/linux-headers-{kernel.release}/Module.symvers").read_text()
    kernels = {line.split("\t")[1] for line in exported.splitlines()}
    kernels = {name for name in kernels if not XENS.search(name)}
    return sorted(used - ours - kernels - {"__this_module"})


def compiled(series, *arguments):
    """Compiles, with warnings as errors; what make said, and which symbols are missing."""
    kernel = toolchain.kernel(series)
    tools = toolchain.toolchain(kernel.suite)
    with _prepared(kernel, tools) as options:
        command = ["make", "-C", linux.TREE, "M=/src", f"-j{os.cpu_count() or 1}", *modules.FLAGS, *arguments, *FOLDERS]
        done = tools.run(command, **options)
        if done.returncode:
            lines = [line for line in done.stdout.splitlines() if re.search(r"error|warning|note:", line, re.I)]
            raise BedError(f"xen-guest does not compile for {kernel.release} without Xen:\n" +
                           "\n".join(lines[:40] or done.stdout.splitlines()[-20:]))
        return done.stdout, _missing(tools, kernel, options)
