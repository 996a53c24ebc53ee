# SPDX-License-Identifier: GPL-2.0-only
"""The kernel's own selftests of network drivers, with a Debian to run them in: a file system for a guest's disk.

They are Python and want a library, a compiler for BPF and a remote end by SSH, none of which a guest in RAM has.
"""
import re

from . import packages, rootfs

PACKAGES = """python3 python3-yaml iproute2 ethtool socat iputils-ping iperf3 openssh-client kmod procps bpftool
clang libbpf-dev gcc libc6-dev linux-libc-dev""".split()

FOLDERS = """tools/testing/selftests/drivers/net tools/testing/selftests/net tools/testing/selftests/kselftest.h
tools/testing/selftests/kselftest tools/net/ynl Documentation/netlink""".split()

# Their makefiles want the whole source, configured. Programs are static: some run at the remote end.
BUILD = """cd /src/tools/testing/selftests/net/lib
for source in *.bpf.c; do
    [ -e $source ] || continue
    clang -g -O2 -mcpu=v3 --target=bpf -I /usr/include/x86_64-linux-gnu -c $source -o ${source%.c}.o
done
for source in csum.c gro.c xdp_helper.c ../../drivers/net/napi_id_helper.c; do
    [ -e $source ] || continue
    gcc -static -O2 -w -I ../.. -I . $source -o ${source%.c} || echo "$source: not built"
done
"""

# The way to a remote end whose SSH server is dropbear: it takes no long commands, and has no scp.
REMOTE = """import itertools
import os
import subprocess
import tempfile

numbers = itertools.count()


class Remote:
    def __init__(self, name, folder):
        self.name, self.folder = name, folder

    def cmd(self, text):
        script = tempfile.TemporaryFile()
        script.write(text.encode() + b"\\n")
        script.seek(0)
        return subprocess.Popen(["ssh", "-q", self.name, "sh"], stdin=script,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def deploy(self, what):
        there = f"/tmp/kselftest-{os.getpid()}-{next(numbers)}-{os.path.basename(what)}"
        with open(os.path.join(self.folder, what), "rb") as file:
            subprocess.run(["ssh", "-q", self.name, f"cat > {there} && chmod 755 {there}"], stdin=file, check=True)
        return there
"""


def squashfs(kernel):
    """The image, made from the source package of that kernel's version."""
    version = re.match(r"\d+\.\d+", kernel.release).group()
    package = f"linux-source-{version}"
    fetcher = packages.Fetcher()
    fetcher.update()

    script = f"""{rootfs.trim_script()}
mkdir root/src
tar -C root/src --strip-components=1 -xJf "$2" {' '.join(f"'{package}/{folder}'" for folder in FOLDERS)} 2> missing || true
test -d root/src/tools/testing/selftests/drivers/net
cat > root/src/build <<'END'
{BUILD}END
chroot root sh /src/build
cat > root/src/tools/testing/selftests/drivers/net/lib/py/remote_dropbear.py <<'END'
{REMOTE}END
mksquashfs root "$1" -comp lz4 -Xhc -noappend -no-progress -quiet -wildcards \
    -e 'usr/lib/llvm-*' 'usr/lib/gcc*' 'usr/libexec/gcc*' usr/include 'usr/lib/x86_64-linux-gnu/*.a' \
    'usr/lib/x86_64-linux-gnu/libLLVM*' 'usr/lib/x86_64-linux-gnu/libclang*'"""

    def build(tar, out):
        source = fetcher.extract(package) / f"usr/src/{package}.tar.xz"
        rootfs.unpacked(tar, script, out, source)
        tar.unlink()

    return rootfs.made(f"kselftest-{fetcher.version(package)}", PACKAGES, "trixie", "kselftest.squashfs", build,
                       script)
