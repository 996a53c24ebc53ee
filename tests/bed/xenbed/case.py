# SPDX-License-Identifier: GPL-2.0-only
"""Test cases: functions of tests/cases/*.py, multiplied by the guests they are for."""
import copy
import dataclasses
import importlib.util
import inspect
import itertools
import sys

from . import paths
from .progress import BedError

_declared = []


class Skip(Exception):
    """Raised by a case that cannot run here; the text says why."""


class Failed(AssertionError):
    pass


@dataclasses.dataclass(frozen=True)
class Case:
    name: str           # file.function[variant], without brackets when there is one variant only
    function: object
    description: str
    guest: dict         # arguments of host.guest, or None when the case makes its own
    expect: tuple       # log lines the case is meant to cause
    icount: bool        # needs the machine whose time is counted in instructions
    cpus: int           # of the machine
    fresh: bool         # wants a host that no other case has used
    long: bool          # not among those that `make check` runs: asked for by name, or by check-long


def case(type="pv", kernel="6.1", guest=True, expect=(), icount=False, cpus=None, fresh=False, long=False, **description):
    """type, kernel and every other argument of host.guest may be a list (not disks, load, nics): one case each.

    The machine has two CPUs; three for HVM and PVH guests with more than one vCPU, which never run on the first
    (Guest.xl_config). cpus says otherwise, where the case makes its own guests.

    long is True, or names the variants that are long: ["pvh"].
    """
    axes = {"type": type, "kernel": kernel, **description}
    single = ("disks", "load", "nics", "files", "module_params")

    def declare(function):
        lists = {k: v if isinstance(v, (list, tuple)) and k not in single else [v] for k, v in axes.items()}
        varying = [k for k, v in lists.items() if len(v) > 1]
        for values in itertools.product(*lists.values()):
            chosen = dict(zip(lists, values))
            more = chosen["type"] != "pv" and chosen.get("vcpus", 1) > 1
            variant = ",".join(str(chosen[k]) for k in varying)
            _declared.append(Case(function.__name__ + (f"[{variant}]" if variant else ""), function,
                                  (inspect.getdoc(function) or "").split("\n")[0], chosen if guest else None,
                                  tuple(expect), icount, cpus or (1 if icount else 3 if more else 2), fresh,
                                  long is True or variant in (long or ())))
        return function
    return declare


def load(folder=paths.CASES):
    """Every case of a folder, in the order of files and of lines."""
    cases = []
    for path in sorted(folder.glob("*.py")):
        if path.name.startswith("_"):
            continue
        del _declared[:]
        spec = importlib.util.spec_from_file_location(f"cases_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(folder))
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise BedError(f"{path}: cannot be loaded: {error}") from error
        finally:
            sys.path.remove(str(folder))
        cases += [dataclasses.replace(c, name=f"{path.stem}.{c.name}") for c in _declared]
    return cases


def arguments(case, modules):
    """host.guest's arguments for one run: the disks are the case's own."""
    chosen = copy.deepcopy(case.guest)
    chosen.setdefault("modules", modules)
    return chosen
