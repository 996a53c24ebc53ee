# SPDX-License-Identifier: GPL-2.0-only
"""Toolchains: for each Debian release one root directory with its compiler and the headers of its kernels.

A kernel's modules are built with the compiler that built the kernel, and nothing but mmdebstrap is
installed on this machine.
"""
import concurrent.futures
import dataclasses
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile

from xenbed import lock, packages, paths, progress
from xenbed.progress import BedError

from . import linux

TOOLCHAINS = paths.CACHE / "toolchain"
# The series under test, oldest first: Debian release and what uname -r says.
MATRIX = {
    "6.1": ("bookworm", r"6\.1\.\d+-\d+-amd64"),
    "6.12": ("bookworm", r"6\.12\.\d+\+deb12-amd64"),
    "7.2": ("trixie", r"7\.2\.\d+\+deb13-amd64"),
    "7.3": ("trixie", r"7\.3\.\d+\+deb13-amd64"),
}
NEWEST = list(MATRIX)[-1]
# The newest for another processor: compiled, with a cross compiler, and not run.
CROSS = {"arm64": "aarch64-linux-gnu-"}
# And those that are built here.
SERIES = [*MATRIX, *(name for name in linux.BUILT if name not in linux.RARE), *CROSS]

# A program that each package brings; all else is in the toolchains.
NEEDED = {"mmdebstrap": "mmdebstrap", "uidmap": "newuidmap", "xz-utils": "xz"}

SUITES = {
    "bookworm": ("bookworm", "bookworm-updates", "bookworm-security"),
    "trixie": ("trixie", "trixie-backports", "forky"),
    "arm64": ("trixie", "trixie-backports"),
}
TOOLS = {
    "bookworm": ("gcc", "make", "kmod", "bc", "libc6-dev", "sparse", "flex", "bison", "libelf-dev", "openssl", "libssl-dev"),
    "trixie": ("gcc", "make", "kmod", "bc", "libc6-dev", "perl", "shellcheck"),
    "arm64": ("gcc-aarch64-linux-gnu", "make", "kmod"),
}
# 7.x's kbuild turns down trixie's sparse 0.6.4.  forky's package would bring forky's compiler along,
# its program alone runs on trixie.
NEWER_SPARSE = """
cd "$1/tmp"
APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -q download sparse/forky
dpkg-deb --fsys-tarfile sparse_*.deb | tar -xC "$1/usr/local" --strip-components=2 ./usr/bin/sparse
rm sparse_*.deb
"""
OPTIONS = (
    "--variant=minbase", "--format=directory", "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    # Debian 12's headers depend on the kernel itself, which nothing boots here.
    "--dpkgopt=path-exclude=/lib/modules/*/kernel/*", "--dpkgopt=path-exclude=/boot/vmlinuz-*",
)
HOOKS = {"trixie": NEWER_SPARSE}
# What Debian leaves out of its header packages: checkpatch, and the script without which C=2 does nothing.
SCRIPTS = ("checkpatch.pl", "spelling.txt", "const_structs.checkpatch", "checker-valid.sh")
SCRIPTS_DIR = "usr/local/lib/linux-scripts"


@dataclasses.dataclass(frozen=True)
class Kernel:
    series: str         # 6.1
    release: str        # uname -r
    suite: str          # the Debian release whose compiler built it, or the other processor
    package: str        # its headers; '' for one that is built here
    version: str        # of that package, or of the source

    @property
    def build(self):
        """Where a build of modules finds it, in the toolchain."""
        return f"/lib/modules/{self.release}/build" if self.package else linux.TREE

    @property
    def tree(self):
        """What is mounted there, or None."""
        return None if self.package else linux.tree(self.series)


@functools.lru_cache(maxsize=None)
def _fetcher():
    fetcher = packages.Fetcher()
    fetcher.update()
    return fetcher


@functools.lru_cache(maxsize=None)
def _catalogue():
    """The newest kernel of each series; apt takes seconds to say so, hence it is kept beside its lists."""
    fetcher = _fetcher()
    lists = (fetcher.root / "updated").stat().st_mtime
    kept = fetcher.root / f"headers-{paths.key(repr(MATRIX), lists)}.json"
    if kept.exists():
        return {series: Kernel(*fields) for series, fields in json.loads(kept.read_text()).items()}
    found = {}
    for series, (suite, pattern) in MATRIX.items():
        release = fetcher.kernel_release(pattern)
        if not release:
            raise BedError(f"no kernel matches {pattern} in {suite}: Debian may have dropped {series}")
        package = f"linux-headers-{release}"
        found[series] = Kernel(series, release, suite, package, fetcher.version(package))
    for old in fetcher.root.glob("headers-*.json"):
        old.unlink()
    partial = kept.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps({series: dataclasses.astuple(k) for series, k in found.items()}))
    partial.rename(kept)
    return found


def kernel(series):
    if series in linux.BUILT:
        source = linux.BUILT[series]
        return Kernel(series, linux.release(series, _fetcher()), source.suite, "", _fetcher().version(source.package))
    if series in CROSS:
        native = _catalogue()[NEWEST]
        return dataclasses.replace(native, series=series, suite=series, release=native.release.replace("amd64", series),
                                   package=native.package.replace("amd64", series))
    return _catalogue()[series]


def ensure_kernel(one):
    """A kernel that is built here is there."""
    if one.tree:
        linux.ensure(one.series, toolchain(one.suite), _fetcher())


def find(name):
    """The kernels that a name on the command line means: all, a series, or a full release."""
    if name == "all":
        return [kernel(series) for series in SERIES]
    if name == "7.x":
        return [kernel(NEWEST)]
    if name in SERIES or name in linux.BUILT:
        return [kernel(name)]
    every = [kernel(series) for series in [*SERIES, *linux.RARE]]
    for known in every:
        if known.release == name:
            return [known]
    raise BedError(f"no kernel called {name!r}; there are all, {', '.join([*SERIES, *linux.RARE])}, 7.x (the newest), "
                   f"{', '.join(k.release for k in every)}")


class Toolchain:
    """One root directory and how to run something in it."""

    def __init__(self, suite):
        self.suite = suite
        self.kernels = [k for k in map(kernel, [*MATRIX, *CROSS]) if k.suite == suite]
        foreign = f":{suite}" if suite in CROSS else ""
        self.packages = [*TOOLS[suite], *(k.package + foreign for k in self.kernels)]
        versions = [k.version for k in self.kernels]
        recipe = (SUITES[suite], self.packages, versions, HOOKS.get(suite), OPTIONS, SCRIPTS)
        self.key = paths.key(repr(recipe))
        # A kernel that is built here is not built anew because another's headers are newer.
        self.compiler_key = paths.key(repr((SUITES[suite], TOOLS[suite])))
        self.root = TOOLCHAINS / f"{suite}-{self.key}"
        self.log = paths.LOGS / f"toolchain-{suite}.log"
        self.what = f"the {suite} toolchain"
        self.options = [*OPTIONS, f"--architectures=amd64,{suite}"] if suite in CROSS else OPTIONS
        self.hook = HOOKS.get(suite)

    def ensure(self):
        with lock.held(f"{self.root.parent.name}-{self.suite}.lock", f"another set-up of {self.what}"):
            if self.root.exists():
                return self
            ensure_needed()
            self.root.parent.mkdir(parents=True, exist_ok=True)
            paths.LOGS.mkdir(parents=True, exist_ok=True)
            partial = self.root.with_name(self.root.name + ".partial")
            _remove(partial)
            what = ", ".join(k.release for k in self.kernels)
            with progress.step(f"setting up {self.what} (headers of {what}; log {self.log})"):
                self._bootstrap(partial)
                self._add_scripts(partial)
            partial.rename(self.root)
            for old in self.root.parent.glob(f"{self.suite}-*"):
                if old != self.root:
                    _remove(old)
        return self

    def _bootstrap(self, root):
        command = [*as_root("--mount"), "mmdebstrap", "--mode=root", *self.options,
                   f"--include={','.join(self.packages)}"]
        if self.hook:
            command.append(f"--customize-hook=set -e{self.hook}")
        if "forky" in SUITES[self.suite]:
            # Otherwise forky, there for one program, would be as good a source as trixie.
            command.append(f'--aptopt=APT::Default-Release "{self.suite}"')
        with tempfile.NamedTemporaryFile("w", prefix="xenfront-apt-") as config:
            config.write(_apt_settings())
            config.flush()
            os.chmod(config.name, 0o644)
            command += [f"--aptopt={config.name}", SUITES[self.suite][0], str(root)]
            command += packages.source_lines(*SUITES[self.suite])
            with open(self.log, "w") as log:
                # INITRD: initramfs-tools would spend most of the time on images for those kernels.
                environment = dict(os.environ, INITRD="No")
                if subprocess.run(command, stdout=log, stderr=log, cwd="/", env=environment).returncode:
                    raise BedError(f"mmdebstrap for {self.suite} failed; its output is in {self.log}")

    def _add_scripts(self, root):
        if kernel(NEWEST) not in self.kernels:
            return
        package = f"linux-source-{NEWEST}"
        folder = _fetcher().extract(package)
        tarball = folder / f"usr/src/{package}.tar.xz"
        scripts = root / SCRIPTS_DIR
        members = [f"{package}/scripts/{name}" for name in SCRIPTS]
        with tempfile.TemporaryDirectory(prefix="xenfront-") as temporary:
            # --occurrence: the archive is long, and no member is in it twice.
            unpack = ["tar", "-xf", str(tarball), "-C", temporary, "--occurrence", *members]
            _run(unpack)
            command = ["sh", "-ec", 'mkdir -p "$2"; cp "$1"/* "$2"; shift 2; for d; do cp "$0" "$d"; done',
                       f"{temporary}/{package}/scripts/checker-valid.sh", f"{temporary}/{package}/scripts",
                       str(scripts)]
            command += [str(d) for d in root.glob("usr/lib/linux-kbuild-*/scripts")]
            os.chmod(temporary, 0o755)
            _run([*as_root(), *command])

    def run(self, command, source=None, tree=None, **options):
        """Runs a command inside, with source (when given) as its /src, and tree (when given) as a kernel's."""
        # 7.x's objtool reads /proc/self/limits; the mount namespace lets nothing of this stay behind.
        script = ('root=$0; mount --rbind /proc "$root/proc"; mount --rbind /dev "$root/dev"; '
                  'for place in /src ' + linux.TREE + '; do if [ -n "$1" ]; then '
                  'mkdir -p "$root$place"; mount --bind "$1" "$root$place"; fi; shift; done; '
                  'exec chroot "$root" "$@"')
        enter = [*as_root("--mount"), "sh", "-ec", script, str(self.root), str(source or ""), str(tree or ""), *command]
        environment = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "LC_ALL": "C.UTF-8"}
        return subprocess.run(enter, env=environment, cwd="/", **options)


@functools.lru_cache(maxsize=None)
def toolchain(suite):
    return Toolchain(suite).ensure()


def prepare(suites):
    """Several toolchains at once: each keeps one processor busy for most of its time."""
    # Here, because two threads would both write apt's configuration, and both install packages.
    _catalogue()
    ensure_needed()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(toolchain, sorted(suites)))


def ensure_needed():
    """Installs what is missing here when root; otherwise says which line would."""
    missing = [package for package, program in NEEDED.items() if not shutil.which(program)]
    if not missing:
        return
    install = f"apt-get install -y --no-install-recommends {' '.join(missing)}"
    if os.geteuid() != 0:
        raise BedError(f"these packages are missing; install them with\n    sudo {install}\nand start again")
    with progress.step(f"installing {' '.join(missing)}"):
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        for command in ("apt-get -q update", install):
            _run(command.split(), env=environment)


def _run(command, **options):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode:
        raise BedError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}")


def as_root(*namespaces):
    """The prefix with which a command may mount and own a root directory's files."""
    if os.geteuid() == 0:
        return ["unshare", *namespaces] if namespaces else []
    return ["unshare", "--map-root-user", "--map-auto", *namespaces]


def _remove(folder):
    if folder.exists():
        _run([*as_root(), "rm", "-rf", "--one-file-system", str(folder)])


def _apt_settings():
    """How this machine reaches its mirror; mmdebstrap itself looks at no setting of the machine's apt."""
    dump = subprocess.run(["apt-config", "dump"], text=True, stdout=subprocess.PIPE, check=True).stdout
    wanted = re.compile(r"Acquire::(Check-|Retries|https?::(Proxy|Timeout)).*;$")
    return "".join(line + "\n" for line in dump.splitlines() if wanted.match(line))
