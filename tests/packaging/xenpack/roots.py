# SPDX-License-Identifier: GPL-2.0-only
"""One root directory per Debian release: its kernels with their modules, DKMS, the builders of initramfs images, and
what builds and judges packages."""
import contextlib
import functools
import os
import pathlib
import signal
import subprocess
import tempfile

from xenbed import paths
from xenbed.progress import BedError
from xenbuild import toolchain

ROOTS = paths.CACHE / "packaging"
PACKAGES = (
    "dkms", "initramfs-tools", "dracut-core", "systemd-sysv", "udev", "kmod", "zstd", "e2fsprogs",
    "build-essential", "debhelper", "dh-dkms", "lintian", "bash-completion", "openssl",
)
# Packages for other distributions are built in one place only.  trixie's backported kernels want a newer linux-base.
MORE = {
    "bookworm": (),
    "trixie": ("linux-base/trixie-backports", "rpm", "rpmlint", "makepkg", "pacman-package-manager",
               "libarchive-tools"),
}
# What no case looks at is most of a kernel's modules, and depmod reads them all each time.
BULKY = ("drivers/gpu/drm/amd", "drivers/gpu/drm/i915", "drivers/gpu/drm/nouveau", "drivers/gpu/drm/radeon",
         "drivers/gpu/drm/xe", "drivers/infiniband", "drivers/media", "drivers/net/ethernet", "drivers/net/wireless",
         "drivers/iio", "drivers/staging", "drivers/usb", "sound")
OPTIONS = (
    "--variant=minbase", "--format=directory", "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    # That is bookworm's place, and trixie's.
    *(f"--dpkgopt=path-exclude={top}/lib/modules/*/kernel/{folder}/*" for folder in BULKY for top in ("", "/usr")),
)


class Root(toolchain.Toolchain):
    """A machine's file system as its owner has it before xenfront comes; what a case does to it is thrown away."""

    def __init__(self, suite):
        super().__init__(suite)
        images = [k.package.replace("headers", "image") for k in self.kernels]
        self.packages = [*PACKAGES, *MORE[suite], *(k.package for k in self.kernels), *images]
        recipe = (toolchain.SUITES[suite], self.packages, [k.version for k in self.kernels], OPTIONS)
        self.key = paths.key(repr(recipe))
        self.root = ROOTS / f"{suite}-{self.key}"
        self.log = paths.LOGS / f"packaging-{suite}.log"
        self.what = f"a Debian {suite} to install packages in"
        self.options = OPTIONS
        self.hook = None

    def _add_scripts(self, root):
        pass

    @contextlib.contextmanager
    def copy(self):
        """A folder whose `root` is this root in a copy that may be changed."""
        with tempfile.TemporaryDirectory(prefix="xenfront-", dir=ROOTS) as folder:
            here = pathlib.Path(folder)
            for name in ("upper", "work", "root"):
                (here / name).mkdir()
            try:
                yield here
            finally:
                # As root in a namespace: the files in it are that root's.
                subprocess.run([*toolchain.as_root(), "rm", "-rf", "--one-file-system",
                                *(str(here / name) for name in ("upper", "work"))], check=True)

    def run_in(self, here, command, mounts=(), timeout=None, **options):
        """Runs a command in the copy; its exit status. mounts are pairs of a folder here and one inside, read-only."""
        # userxattr: without it only the machine's root may mount one.
        script = ('here=$1 lower=$2; shift 2; root=$here/root; mount -t overlay xenfront "$root" '
                  '-o "userxattr,lowerdir=$lower,upperdir=$here/upper,workdir=$here/work"; '
                  'mount --rbind /proc "$root/proc"; mount --rbind /dev "$root/dev"; mount -t tmpfs tmp "$root/tmp"; '
                  'while [ "$1" != -- ]; do mkdir -p "$root$2"; mount --bind -o ro "$1" "$root$2"; shift 2; done; shift; '
                  'exec chroot "$root" "$@"')
        pairs = [str(side) for pair in mounts for side in pair]
        enter = [*toolchain.as_root("--mount"), "sh", "-ec", script, "sh", str(here), str(self.root), *pairs, "--",
                 *command]
        environment = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
                       "DEBIAN_FRONTEND": "noninteractive"}
        # A shell for a person keeps the terminal, and has no timeout.
        with subprocess.Popen(enter, env=environment, cwd="/", start_new_session=timeout is not None, **options) as process:
            try:
                return process.wait(timeout)
            finally:
                # What it began goes with it, or its folder could not be deleted.
                with contextlib.suppress(ProcessLookupError):
                    if timeout is not None:
                        os.killpg(process.pid, signal.SIGKILL)


@functools.lru_cache(maxsize=None)
def root(suite):
    return Root(suite).ensure()
