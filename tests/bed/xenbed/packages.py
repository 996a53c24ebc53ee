# SPDX-License-Identifier: GPL-2.0-only
"""Debian packages: those the bed needs on this machine, and those it fetches without installing them."""
import os
import pathlib
import re
import shutil
import subprocess
import time

from . import lock, paths, progress
from .progress import BedError

# A program that each package brings, to ask without dpkg whether it is there.
NEEDED = {
    "qemu-system-x86": "qemu-system-x86_64",
    "mmdebstrap": "mmdebstrap",
    "e2fsprogs": "mke2fs",
    "squashfs-tools": "mksquashfs",
    "kmod": "depmod",
    "zstd": "zstd",
    "xz-utils": "xz",
    "dpkg-dev": "dpkg-deb",
}
LISTS_AGE = 7 * 24 * 3600


def _program(name):
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return shutil.which(name, path=path)


def ensure_needed():
    """Installs what is missing when root; otherwise says which line would."""
    missing = [package for package, program in NEEDED.items() if not _program(program)]
    if not missing:
        return
    line = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0:
        raise BedError("these packages are missing; install them with\n"
                       f"    sudo {' '.join(line)}\nand start again")
    with progress.step(f"installing {' '.join(missing)}"):
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        log = paths.CACHE / "install.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "w") as out:
            for command in (["apt-get", "update"], line):
                if subprocess.run(command, env=env, stdout=out, stderr=out).returncode:
                    raise BedError(f"{' '.join(command)} failed; its output is in {log}")


def codename():
    text = pathlib.Path("/etc/os-release").read_text()
    found = re.search(r'^VERSION_CODENAME="?(\w+)', text, re.M)
    if not found:
        raise BedError("/etc/os-release names no VERSION_CODENAME: this is not a Debian release")
    return found.group(1)


def _sources():
    """(uri, [suites]) of every binary source this machine's apt has, one-line and deb822 style."""
    etc = pathlib.Path("/etc/apt")
    for path in [etc / "sources.list", *sorted(etc.glob("sources.list.d/*.list"))]:
        if path.exists():
            for line in path.read_text().splitlines():
                found = re.match(r"\s*deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", line)
                if found:
                    yield found.group(1), [found.group(2)]
    for path in sorted(etc.glob("sources.list.d/*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            fields = dict(re.findall(r"^(\w[\w-]*):[ \t]*(.*)$", stanza, re.M))
            if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes") == "yes":
                for uri in fields.get("URIs", "").split():
                    yield uri, fields.get("Suites", "").split()


def mirror(suite="bookworm"):
    """The mirror this machine itself uses for that suite."""
    for uri, suites in _sources():
        if suite in suites:
            return uri
    for uri, suites in _sources():
        if codename() in suites:
            return uri
    raise BedError(f"no deb line for {suite} or {codename()} in /etc/apt/sources.list or sources.list.d")


def source_lines(*suites):
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    signed = f"[signed-by={keyring}] " if os.path.exists(keyring) else ""
    lines = []
    for suite in suites:
        uri = mirror(suite)
        if suite.endswith("-security") and not any(suite in s for _, s in _sources()):
            continue
        lines.append(f"deb {signed}{uri} {suite} main")
    return lines


class Fetcher:
    """An apt of its own in the cache: sees other suites, and never touches this machine's packages."""
    SUITES = ("bookworm", "bookworm-security", "trixie", "trixie-backports")

    def __init__(self):
        self.root = paths.CACHE / "apt"
        self.debs = paths.CACHE / "debs"
        self.extracted = paths.CACHE / "extracted"
        self.log = self.root / "apt.log"
        for folder in ("state/lists/partial", "cache/archives/partial", "etc/preferences.d"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.debs.mkdir(exist_ok=True)
        self.extracted.mkdir(exist_ok=True)
        (self.root / "state/status").touch()
        (self.root / "etc/sources.list").write_text("\n".join(source_lines(*self.SUITES)) + "\n")

    def _apt(self, program, *arguments, cwd=None):
        options = {
            "Dir::State": self.root / "state", "Dir::State::status": self.root / "state/status",
            "Dir::Cache": self.root / "cache",
            "Dir::Cache::pkgcache": "pkgcache.bin", "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "Dir::Etc::SourceList": self.root / "etc/sources.list",
            "Dir::Etc::SourceParts": "/dev/null", "Dir::Etc::PreferencesParts": self.root / "etc/preferences.d",
            "APT::Architecture": "amd64", "APT::Sandbox::User": "root", "Acquire::Languages": "none",
        }
        flags = [f"-o{name}={value}" for name, value in options.items()]
        done = subprocess.run([program, *flags, *arguments], cwd=cwd, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with open(self.log, "a") as log:
            log.write(f"$ {program} {' '.join(arguments)}\n{done.stderr}")
        if done.returncode:
            raise BedError(f"{program} {' '.join(arguments)} failed:\n{done.stderr.strip()}")
        return done.stdout

    def update(self, force=False):
        stamp = self.root / "updated"
        wanted = (self.root / "etc/sources.list").read_text()
        fresh = (stamp.exists() and stamp.read_text() == wanted and
                 time.time() - stamp.stat().st_mtime < LISTS_AGE)
        if fresh and not force:
            return
        with progress.step(f"reading the package lists of {', '.join(self.SUITES)}"):
            self._apt("apt-get", "update", "-q")
        shutil.rmtree(self.root / "answers", ignore_errors=True)
        stamp.write_text(wanted)

    def _query(self, *arguments):
        """apt-cache's answer; kept until the lists are read again, as asking takes a second."""
        kept = self.root / "answers" / paths.key(*arguments)
        if kept.exists():
            return kept.read_text()
        answer = self._apt("apt-cache", *arguments)
        kept.parent.mkdir(exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}")
        partial.write_text(answer)
        partial.rename(kept)
        return answer

    def names(self, pattern):
        return [n for n in self._query("pkgnames").split() if re.fullmatch(pattern, n)]

    def kernel_release(self, pattern):
        """uname -r of the newest kernel that matches and has both its image and its headers; None without any. For hours after
        an update Debian's mirrors have the headers of a kernel whose signed image is not there yet."""
        image, headers = ({name.removeprefix(prefix) for name in self.names(prefix + pattern)}
                          for prefix in ("linux-image-", "linux-headers-"))
        return max(image & headers, key=version_key, default=None)

    def depends(self, package):
        text = self._query("show", "--no-all-versions", package)
        found = re.search(r"^Depends: (.*)$", text, re.M)
        return re.findall(r"(?:^|[,|] )([a-z0-9][a-z0-9.+-]+)", found.group(1)) if found else []

    def version(self, package):
        text = self._query("show", "--no-all-versions", package)
        return re.search(r"^Version: (\S+)", text, re.M).group(1)

    def extract(self, package, *parts):
        try:
            return self._extract(package, *parts)
        except BedError as error:
            # A week-old list may name a version that the mirror has replaced since.
            progress.say(f"{str(error).splitlines()[0]}; once more with fresh lists")
            self.update(force=True)
            return self._extract(package, *parts)

    def _extract(self, package, *parts):
        """The folder with that package's files (fetched and unpacked at most once per version);
        parts are packages of the same source that belong into the same folder."""
        version = self.version(package)
        folder = self.extracted / f"{package}_{version.replace(':', '%')}"
        if folder.exists():
            return folder
        with lock.held("apt.lock", "another download"):
            if folder.exists():
                return folder
            partial = folder.with_name(folder.name + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            for name in (package, *parts):
                with progress.step(f"fetching {name} {version}"):
                    self._apt("apt-get", "download", "-q", f"{name}", cwd=self.debs)
                    deb = max(self.debs.glob(f"{name}_*.deb"), key=lambda p: p.stat().st_mtime)
                    subprocess.run(["dpkg-deb", "-x", str(deb), str(partial)], check=True)
                    deb.unlink()
            partial.rename(folder)
        return folder


def version_key(text):
    """Sorts 6.12.9 before 6.12.101 (Debian's ABI names have no letters that matter here)."""
    return [int(n) for n in re.findall(r"\d+", text)]
