# SPDX-License-Identifier: GPL-2.0-only
"""The cases of `build check`: what can be said about the sources without booting anything."""
import fnmatch
import functools
import py_compile
import re
import subprocess
import sys
import tempfile

from xenbed import paths
from xenbed.progress import BedError

from . import foreign, modules, toolchain

# What each directory's module is called and which aliases udev and users load it by.
MODULES = {
    "xenbus": ("xenfront", ()),
    "blkfront": ("xen-blkfront", ("xen:vbd", "xenblk", "block-major-202-*")),
    "netfront": ("xen-netfront", ("xen:vif", "xennet")),
    "fbfront": ("xen-fbfront", ("xen:vfb",)),
    "kbdfront": ("xen-kbdfront", ("xen:vkbd",)),
    "console": ("xen-console", ("xen:console",)),
    "xenbus/guest": ("xen-guest", ("pci:v00005853d00000001sv*sd*bc*sc*i*",)),
    "xenbus/xenfs": ("xenfs", ("fs-xenfs",)),
}
# What a kernel with Xen has itself.
FOREIGN = ("xenbus/guest", "xenbus/xenfs")
# Beside a driver that is built in, it is called otherwise, and goes by its usual name as well.
BESIDE = {
    "fbfront": ("CONFIG_XEN_FBDEV_FRONTEND", "xenfront-fb"),
    "kbdfront": ("CONFIG_INPUT_XEN_KBDDEV_FRONTEND", "xenfront-kbd"),
}
SPARSE = ("C=2", "CF=-D__CHECK_ENDIAN__")
# compat/ exists to ask for LINUX_VERSION_CODE (the case `versions` sees to it that nothing else does),
# checkpatch takes that name for a constant on the wrong side of a comparison, a type that a newer kernel
# has can only be given to an older one by a typedef, and its typed allocators only by a cast.
CHECKPATCH_COMPAT = ("--ignore", "LINUX_VERSION_CODE,CONSTANT_COMPARISON,NEW_TYPEDEFS,UNNECESSARY_CASTS")
# User space has none of what these ask for.
CHECKPATCH_USER = ("--ignore", "PREFER_KERNEL_TYPES,BIT_MACRO,CAMELCASE,STRCPY,STRLCPY,ALLOC_WITH_SIZEOF")
USER_SPACE = re.compile(rb"^#include <std(io|int|lib|def)\.h>", re.M)
# Mixed case that is the kernel's own: checkpatch knows its types and functions, but not its enumerators.
KERNELS_OWN = re.compile(r"CHECK:CAMELCASE: .*<(XenbusState\w+|domU)>$")
VERSION_CHECK = re.compile(r"\b(LINUX_VERSION_CODE|KERNEL_VERSION|RHEL_RELEASE_CODE|linux/version\.h)\b")
# Their formats leave them no way to read VERSION.
REPEAT_VERSION = {
    "dkms.conf": 'PACKAGE_VERSION="{}"\n',
    "packaging/debian/changelog": "xenfront ({}) ",
    "packaging/arch/PKGBUILD": "pkgver={}\n",
}
CARRY_LICENCE = (".c", ".h", ".S", ".py", ".sh", ".config", ".clang-format", ".editorconfig", "Kbuild",
                 "Makefile", "dkms.conf")


class Failed(Exception):
    """The case failed; the text is its diagnosis."""


class Notes(list):
    """What a passed case has to say all the same."""


def files():
    """Every file git tracks, or would if it were added."""
    command = ["git", "-C", str(paths.SOURCE), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        # An unpacked archive has no git.
        listed = [str(p.relative_to(paths.SOURCE)) for p in paths.SOURCE.rglob("*")]
    return [name for name in sorted(set(filter(None, listed))) if (paths.SOURCE / name).is_file()]


def _fail_on(problems):
    if problems:
        raise Failed("\n".join(problems))


def expected(build):
    """The modules that this kernel gets, and their aliases."""
    built_in = build.tools.run(["grep", "=y$", f"{build.kernel.build}/.config"], tree=build.kernel.tree, check=True,
                               stdout=subprocess.PIPE, text=True).stdout.split()
    names = {}
    for folder, (name, aliases) in MODULES.items():
        if folder in FOREIGN and "CONFIG_XEN=y" in built_in:
            continue
        option, other = BESIDE.get(folder, ("", ""))
        if f"{option}=y" in built_in:
            names[other] = {name, *aliases}
        elif (paths.SOURCE / folder / "Kbuild").exists():
            names[name] = set(aliases)
    return names


def check_modules(build, error):
    """They build without a warning (W=1), and all of them are there."""
    if error:
        raise Failed(str(error))
    made = {module.stem for module in build.modules()}
    _fail_on([f"{name}.ko was not built" for name in sorted(set(expected(build)) - made)])


def check_modinfo(build, error):
    """What modinfo says is what DKMS, modprobe and udev need."""
    if error:
        raise Failed("not built")
    version = (paths.SOURCE / "VERSION").read_text().strip()
    aliases = expected(build)
    problems = []
    for module in build.modules():
        done = build.tools.run(["modinfo", f"/src/{module.name}"], source=build.folder, check=True,
                               stdout=subprocess.PIPE, text=True)
        said = {}
        for field in done.stdout.splitlines():
            name, _, value = field.partition(":")
            said.setdefault(name, []).append(value.strip())
        for name, wanted in (("version", version), ("license", "GPL"), ("name", module.stem.replace("-", "_"))):
            if said.get(name) != [wanted]:
                problems.append(f"{module.name}: {name} is {said.get(name)}, not {wanted!r}")
        for name in ("description", "srcversion"):
            if not any(said.get(name, [])):
                problems.append(f"{module.name}: has no {name}")
        if not said["vermagic"][0].startswith(build.kernel.release + " "):
            problems.append(f"{module.name}: vermagic is {said['vermagic'][0]}")
        missing = aliases.get(module.stem, set()) - set(said.get("alias", []))
        problems += [f"{module.name}: has no alias {alias}" for alias in sorted(missing)]
    _fail_on(problems)


def check_sparse(build, error):
    """sparse has nothing to say about our files."""
    if error:
        raise Failed("not built")
    with build.held():
        done = build.make(*SPARSE, "modules", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    log = build.folder / "sparse.log"
    log.write_text(done.stdout)
    if done.returncode:
        raise Failed(f"make {' '.join(SPARSE)} failed; see {log}\n" + done.stdout[-2000:])
    compiled = {name for name in modules.sources() if name.endswith(".c") and
                (build.tree / name).with_suffix(".o").exists()}
    checked = {name.removeprefix("/src/") for name in re.findall(r"^\s*CHECK\s+(\S+)", done.stdout, re.M)}
    _fail_on([f"{name} was not checked; see {log}" for name in sorted(compiled - checked)])
    ours, others = _sparse_said(done.stdout)
    _fail_on(ours)
    count = len(set(others))
    return Notes([f"{count} from the kernel's own headers, not counted:", *sorted(set(others))] if others else [])


def _sparse_said(output):
    """Its messages about our files, and about others."""
    ours, others = [], []
    for line in output.splitlines():
        # With what sparse adds below a message ("   expected ...").
        found = re.match(r"(\S+?):\d+:(?:\d+:)? ", line)
        if found:
            name = found.group(1).removeprefix("/src/").removeprefix("./")
            (ours if name in modules.sources() else others).append(line)
    return ours, others


def check_guest(series):
    """xen-guest and xenfs compile for such a kernel without Xen, which has what they need; of the newest sparse is asked, too."""
    sparse = SPARSE if series == toolchain.NEWEST else ()
    try:
        said, missing = foreign.compiled(series, *sparse)
    except BedError as error:
        raise Failed(str(error)) from error
    ours, _ = _sparse_said(said)
    _fail_on(ours + [f"{name} is not exported" for name in missing])
    if sparse and not re.search(r"^\s*CHECK\s", said, re.M):
        raise Failed("sparse did not run")


def _checkpatch_options(name):
    if name.startswith("compat/"):
        return CHECKPATCH_COMPAT
    if name.startswith("tests/") and USER_SPACE.search((paths.SOURCE / name).read_bytes()):
        return CHECKPATCH_USER
    return ()


def check_patch():
    """checkpatch --strict of the newest kernel's source."""
    kernel = toolchain.kernel(toolchain.NEWEST)
    tools = toolchain.toolchain(kernel.suite)
    groups = {}
    for name in files():
        if name.endswith((".c", ".h")):
            groups.setdefault(_checkpatch_options(name), []).append(name)
    if not groups:
        raise Failed("there are no sources")
    problems = []
    for extra, group in groups.items():
        # --root: it learns the kernel's names from the headers there.
        command = ["perl", f"/{toolchain.SCRIPTS_DIR}/checkpatch.pl", "--strict", "--no-tree", "--no-summary",
                   f"--root=/usr/src/linux-headers-{kernel.release.removesuffix('amd64')}common", "--terse",
                   "--show-types", "--color=never", *extra, "-f", *(f"/src/{name}" for name in group)]
        done = tools.run(command, source=paths.SOURCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = [line.replace("/src/", "") for line in done.stdout.splitlines() if line.strip()]
        if done.returncode and not said:
            said = [f"checkpatch ended with {done.returncode} and said nothing"]
        problems += [line for line in said if not KERNELS_OWN.search(line)]
    _fail_on(problems)


def check_versions():
    """No source outside compat/ asks for the kernel's version."""
    problems = []
    for name in files():
        if name.endswith((".c", ".h")) and not name.startswith(("compat/", "tests/")):
            for number, line in enumerate((paths.SOURCE / name).read_text().splitlines(), 1):
                if VERSION_CHECK.search(line):
                    problems.append(f"{name}:{number}: {line.strip()}")
    _fail_on(problems)


def _is_script(name, language):
    path = paths.SOURCE / name
    if name.endswith((".py", ".sh")):
        return name.endswith({"python": ".py", "sh": ".sh"}[language])
    with open(path, "rb") as script:
        first = script.readline(100)
    return first.startswith(b"#!") and re.search(rb"\b(ba)?sh\b" if language == "sh" else b"python3", first)


def check_shell():
    tools = toolchain.toolchain("trixie")
    scripts = [name for name in files() if _is_script(name, "sh")]
    if not scripts:
        return
    command = ["shellcheck", "--format=gcc", "--severity=warning", "--external-sources", "--source-path=SCRIPTDIR",
               *(f"/src/{name}" for name in scripts)]
    done = tools.run(command, source=paths.SOURCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = [line.replace("/src/", "") for line in done.stdout.splitlines()]
    _fail_on(said or [f"shellcheck ended with {done.returncode}"] if done.returncode else [])


def check_python():
    problems = []
    with tempfile.TemporaryDirectory(prefix="xenfront-") as folder:
        for name in files():
            if _is_script(name, "python"):
                try:
                    py_compile.compile(str(paths.SOURCE / name), cfile=f"{folder}/compiled", doraise=True)
                except py_compile.PyCompileError as error:
                    problems.append(f"{name}: {error.msg.strip()}")
    _fail_on(problems)


def check_hostile():
    """The backend that lies, against a front-end that keeps books."""
    done = subprocess.run([sys.executable, str(paths.SOURCE / "tests/hostile/selfcheck")], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    bad = [line for line in done.stdout.splitlines() if line.startswith("not ok")]
    _fail_on(bad or done.stdout.splitlines()[-3:] if done.returncode else [])


def check_tree():
    """Licence tags, one version, no white space at line ends."""
    problems = []
    version = (paths.SOURCE / "VERSION").read_text()
    if not re.fullmatch(r"\d+\.\d+\.\d+\n", version):
        problems.append(f"VERSION: {version!r} is not a version")
    for name, line in REPEAT_VERSION.items():
        line = line.format(version.strip())
        if line not in (paths.SOURCE / name).read_text():
            problems.append(f"{name}: no {line!r}, as VERSION would have it")
    for name in files():
        content = (paths.SOURCE / name).read_bytes()
        if content and name.endswith(CARRY_LICENCE) or content.startswith(b"#!"):
            if b"SPDX-License-Identifier: GPL-2.0-only" not in b"".join(content.splitlines(True)[:3]):
                problems.append(f"{name}:1: no SPDX-License-Identifier: GPL-2.0-only in the first three lines")
        if b"\0" in content or name.endswith(".md"):
            continue
        for number, line in enumerate(content.split(b"\n"), 1):
            if line != line.rstrip() and name != "LICENSE":
                problems.append(f"{name}:{number}: white space at the end of the line")
    _fail_on(problems)


SOURCE_CASES = {
    "checkpatch": check_patch,
    "versions": check_versions,
    "shellcheck": check_shell,
    "python": check_python,
    "hostile": check_hostile,
    "tree": check_tree,
    **{f"{series}.guest": functools.partial(check_guest, series) for series in foreign.SERIES},
}
KERNEL_CASES = {"modules": check_modules, "modinfo": check_modinfo, "sparse": check_sparse}


def kernel_cases(series):
    """sparse says the same of any processor's build."""
    return [case for case in KERNEL_CASES if case != "sparse" or series not in toolchain.CROSS]


def select(only=None):
    names = [*(f"build.{case}" for case in SOURCE_CASES),
             *(f"build.{series}.{case}" for series in toolchain.SERIES for case in kernel_cases(series))]
    chosen = [name for name in names if fnmatch.fnmatchcase(name, only or "*")]
    if not chosen:
        raise BedError(f"no case matches {only!r}; there are {', '.join(names)}")
    return chosen


class Report:
    def __init__(self, count):
        self.number = 0
        self.failed = 0
        print(f"KTAP version 1\n1..{count}", flush=True)

    def case(self, name, function, *arguments):
        self.number += 1
        try:
            result, said = "ok", function(*arguments) or []
        except Failed as failure:
            result, said = "not ok", str(failure).splitlines()
            self.failed += 1
        for line in said:
            print(f"# {line}")
        print(f"{result} {self.number} {name}", flush=True)


def run(only=None):
    """Prints KTAP; the exit status says whether every case passed."""
    chosen = select(only)
    if any(name not in (f"build.{case}" for case in ("versions", "python", "hostile", "tree")) for name in chosen):
        toolchain.prepare(set(toolchain.SUITES))
    report = Report(len(chosen))
    for case, function in SOURCE_CASES.items():
        if f"build.{case}" in chosen:
            report.case(f"build.{case}", function)
    cases = {series: [case for case in kernel_cases(series) if f"build.{series}.{case}" in chosen]
             for series in toolchain.SERIES}
    kernels = [toolchain.kernel(series) for series in toolchain.SERIES if cases[series]]
    if kernels:
        for build, error in modules.build_all(kernels):
            print(f"# {build.kernel.release}")
            for case in cases[build.kernel.series]:
                report.case(f"build.{build.kernel.series}.{case}", KERNEL_CASES[case], build, error)
    return 1 if report.failed else 0
