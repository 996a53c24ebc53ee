# SPDX-License-Identifier: GPL-2.0-only
"""Kernels that are built here, from Debian's source and a configuration in tests/kernels: those that no distribution
ships and some users have."""
import dataclasses
import lzma
import os
import re
import shutil
import subprocess

from xenbed import lock, packages, paths, progress
from xenbed.progress import BedError

CONFIGS = paths.TESTS / "kernels"
# A line that sets an option, or says that it is not set.
OPTION = re.compile(r"^(?:# )?(CONFIG_\w+)(?:=| is not set$)", re.M)
# Where a module's build finds the kernel's tree, in a toolchain.
TREE = "/kernel"
# Where a whole configuration is changed, the modules it has are cut down to those named.
# Last comes what a build of modules needs of a kernel's tree; nothing else stays.
BUILD = r"""
cd /src/linux
if [ -e /src/base ]; then
	cat /src/base /src/wanted > .config
	make -s olddefconfig
	yes '' | make -s LSMOD=/src/kept localmodconfig
else
	make -s KCONFIG_ALLCONFIG=/src/wanted allnoconfig
fi
{
	grep '^CONFIG_' /src/wanted | while read -r line; do
		grep -qxF "$line" .config || echo "not to be had in this kernel: $line"
	done
	sed -n 's/^# \(CONFIG_[A-Z0-9_]*\) is not set$/\1=/p' /src/wanted | while read -r option; do
		! grep "^$option" .config || echo "not to be left out of this kernel: $option"
	done
} > /src/refused
[ ! -s /src/refused ] || { cat /src/refused; exit 1; }
make -j"$1" bzImage modules
make -s INSTALL_MOD_PATH=/src/out INSTALL_MOD_STRIP=1 modules_install
rm -f /src/out/lib/modules/*/build /src/out/lib/modules/*/source
cp arch/x86/boot/bzImage /src/out/vmlinuz
cp .config /src/out/config
mkdir /src/out/tree
{
	find . arch/x86 -maxdepth 1 -name 'Makefile*'
	find arch/x86 -name Kbuild.platforms
	find include scripts arch/x86/include arch/x86/tools -type f -o -type l
	find tools/objtool -maxdepth 1 -name objtool
	echo .config
	echo Module.symvers
} | tar -cf - --no-recursion -T - | tar -xf - -C /src/out/tree
chmod -R go+rX /src/out
"""


@dataclasses.dataclass(frozen=True)
class Source:
    """What a kernel is built from."""
    suite: str          # the Debian release with the compiler
    package: str        # with the source
    base: str = ""      # Debian's configuration that ours changes, of its linux-config package; '' begins from nothing
    kept: tuple = ()    # with a base, the modules of the kernel's own that are wanted, as lsmod calls them
    upon: str = ""      # another configuration of ours that this one changes


BUILT = {
    "bare": Source("bookworm", "linux-source-6.1"),
    "noxen": Source("bookworm", "linux-source-6.1"),
    "noxen-small": Source("bookworm", "linux-source-6.1", upon="noxen"),
    "noxen-cloud": Source("bookworm", "linux-source-6.1", "config.amd64_none_cloud-amd64", tuple(
        "loop squashfs overlay ext4 ata_piix ata_generic sd_mod sr_mod virtio_pci virtio_blk evdev".split())),
}
# Long cases alone boot these, and only for them they are built.
RARE = ("noxen-cloud", "noxen-small")


def release(name, fetcher):
    """uname -r of that kernel."""
    version = re.match(r"[\d.]+", fetcher.version(BUILT[name].package)).group(0)
    local = re.search(r'^CONFIG_LOCALVERSION="(.*)"$', _config(name), re.M).group(1)
    return version + local


def _config(name):
    own = (CONFIGS / f"{name}.config").read_text()
    if not BUILT[name].upon:
        return own
    changed = set(OPTION.findall(own))
    before = _config(BUILT[name].upon).splitlines(keepends=True)
    return "".join(line for line in before if not changed & set(OPTION.findall(line))) + own


def folder(name):
    return paths.CACHE / "kernels" / name


def tree(name):
    return folder(name) / "tree"


def stamp(name):
    """What the kernel that is there was built from."""
    return (folder(name) / "key").read_text()


def ensure(name, tools, fetcher):
    """The kernel is there, built from what its configuration and Debian's source are now."""
    source = BUILT[name]
    version = fetcher.version(source.package)
    key = paths.key(tools.compiler_key, *dataclasses.astuple(source), version, _config(name), BUILD)
    target = folder(name)
    with lock.held(f"kernel-{name}.lock", f"another build of the kernel {name}"):
        if (target / "key").exists() and stamp(name) == key:
            return
        work = target.with_name(f"{name}.partial")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        (work / "out").mkdir()
        (work / "wanted").write_text(_config(name))
        if source.base:
            _base(source, work, fetcher)
        log = paths.LOGS / f"kernel-{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        archive = fetcher.extract(source.package) / f"usr/src/{source.package}.tar.xz"
        time = "half an hour" if source.base else "five to ten minutes"
        with progress.step(f"building the kernel {name} from {source.package} {version}, {time} (log {log})"):
            with open(log, "w") as out:
                _unpack(archive, work / "linux", out)
                done = tools.run(["sh", "-ec", BUILD, "sh", str(os.cpu_count() or 1)], source=work, stdout=out, stderr=out)
        if done.returncode:
            said = log.read_text().splitlines()
            found = [line for line in said if re.search(r"not to be (had|left)|error|Error", line)] or said[-5:]
            raise BedError(f"the kernel {name} does not build (whole output in {log}):\n" + "\n".join(found[:20]))
        (work / "out/key").write_text(key)
        shutil.rmtree(target, ignore_errors=True)
        (work / "out").rename(target)
        shutil.rmtree(work)


def _base(source, work, fetcher):
    package = source.package.replace("source", "config")
    packed = fetcher.extract(package) / f"usr/src/{package}/{source.base}.xz"
    (work / "base").write_bytes(lzma.decompress(packed.read_bytes()))
    (work / "kept").write_text("Module Size Used by\n" + "".join(f"{name} 1 0\n" for name in source.kept))


def _unpack(archive, to, out):
    to.mkdir()
    command = ["tar", "-xf", str(archive), "-C", str(to), "--strip-components=1"]
    if subprocess.run(command, stdout=out, stderr=out).returncode:
        raise BedError(f"{archive} cannot be unpacked")
