# SPDX-License-Identifier: GPL-2.0-only
"""The command line of a backend that lies, whatever its kind."""
import argparse
import json
import os
import shlex
import signal
import sys
import time

import catalogue
import control
from backend import Ended
from xen import Store


class Kind:
    """What differs from one kind of device to the next."""
    device = None           # the class
    option, meaning = "", ""        # that says which device: its number
    files = ()              # suffixes of what is kept beside log, socket and pid

    def options(self, parser):
        """Those of `create` alone."""

    def prepare(self, device, args):
        """Once, before the backend is started for the first time."""

    def prepared(self, device):
        """Whether that was done."""
        return True

    def backend(self, device, changes):
        raise NotImplementedError


def change(text):
    key, equals, value = text.partition("=")
    if not key or "/" in key:
        raise argparse.ArgumentTypeError(f"\"{text}\" is not KEY=VALUE, or KEY for a key that is to be missing")
    return key, value if equals else None


def lie_list(text):
    names = [name for name in text.split(",") if name]
    try:
        for name in names:
            catalogue.make(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return names


def serve(args):
    """The backend itself, in a process of its own that outlives this command."""
    device = args.device
    ready, done = os.pipe()
    if os.fork():
        os.close(done)
        if os.read(ready, 1) != b"+":
            said = control.file(device, "log").read_text().splitlines()[-1:]
            raise SystemExit(f"the backend did not start, see {control.file(device, 'log')}: {' '.join(said)}")
        return
    os.setsid()
    log = os.open(control.file(device, "log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    null = os.open("/dev/null", os.O_RDONLY)
    for target, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, target)
    backend = args.kind.backend(device, args.set)
    listening = control.Control(device)
    control.file(device, "pid").write_text(f"{os.getpid()}\n")
    for text in args.lie:
        backend.arm(catalogue.make(text))
    os.write(done, b"+")
    os.close(done)
    try:
        backend.run(listening)
    except Ended:
        backend.log("ended")
    control.file(device, "pid").unlink(missing_ok=True)
    os._exit(0)


def create(args):
    control.FOLDER.mkdir(exist_ok=True)
    args.device.create(Store())
    control.file(args.device, "log").unlink(missing_ok=True)
    args.kind.prepare(args.device, args)
    serve(args)


def running(device):
    try:
        pid = int(control.file(device, "pid").read_text())
        os.kill(pid, 0)
        return pid
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None


def start(args):
    if running(args.device):
        raise SystemExit(f"{args.device}: its backend runs already")
    if not args.kind.prepared(args.device):
        raise SystemExit(f"{args.device}: was never created")
    serve(args)


def kill(args):
    pid = running(args.device)
    if not pid:
        raise SystemExit(f"{args.device}: no backend runs")
    os.kill(pid, signal.SIGKILL)


def ask(args, **what):
    status = control.order(args.device, **what)
    if status is None:
        raise SystemExit(f"{args.device}: no backend runs")
    return status


def lie(args):
    """With --wait, until every lie has been told."""
    before = ask(args)
    status = ask(args, lie=args.names)
    wanted = [name.partition("=")[0] for name in args.names]
    end = time.monotonic() + args.wait
    while args.wait and not all(name in status["told"][len(before["told"]):] for name in wanted):
        if time.monotonic() > end:
            raise SystemExit(f"not told within {args.wait} s: {', '.join(wanted)}")
        time.sleep(0.1)
        status = ask(args)
    return status


def show(args):
    return ask(args)


def remove(args):
    store, device = Store(), args.device
    gone = device.remove(store, args.patience)
    pid = running(device)
    if pid and gone:
        for _ in range(50):
            if not running(device):
                break
            time.sleep(0.1)
    pid = running(device)
    if pid:
        os.kill(pid, signal.SIGKILL)
    if gone or args.force:
        device.erase(store)
        for suffix in (*args.kind.files, "socket", "pid"):
            control.file(device, suffix).unlink(missing_ok=True)
    if not gone:
        raise SystemExit(f"{device}: the front-end does not close")


def batch(args):
    """Commands from stdin, a line each, and a line of JSON for each: one start of Python for all."""
    failed = 0
    for line in sys.stdin:
        try:
            arguments = args.parse(shlex.split(line))
            answer = arguments.run(arguments) or {}
        except SystemExit as ended:
            answer, failed = {"error": f"{line.strip()}: {ended}"}, 1
        except OSError as error:
            answer, failed = {"error": f"{line.strip()}: {error}"}, 1
        print(json.dumps(answer), flush=True)
    sys.exit(failed)


def names(_):
    for name, found in sorted(catalogue.known().items()):
        argument = f"={found.default}" if found.default is not None else ""
        print(f"{name + argument:28}{found.text}")


def parse(kind, description, words=None):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(function, text, device=True):
        sub = commands.add_parser(function.__name__ if function is not names else "lies", help=text)
        sub.set_defaults(run=function)
        if device:
            sub.add_argument("--domid", type=int, required=True)
            sub.add_argument(f"--{kind.option}", type=int, required=True, help=kind.meaning, dest="number")
        return sub

    for function, text in ((create, "make a device and its backend"), (start, "start its backend again, after kill")):
        sub = command(function, text)
        if function is create:
            kind.options(sub)
        sub.add_argument("--set", type=change, action="append", default=[], metavar="KEY[=VALUE]",
                         help="announce this in xenstore; without =VALUE the key is left out")
        sub.add_argument("--lie", type=lie_list, default=[], metavar="NAME[=N][,...]")
    sub = command(lie, "let it lie, once each")
    sub.add_argument("names", type=lie_list)
    sub.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="until it has")
    command(show, "what it has done, as JSON")
    command(kill, "kill the backend; the device stays")
    sub = command(remove, "take the device away")
    sub.add_argument("--patience", type=float, default=30, metavar="SECONDS")
    sub.add_argument("--force", action="store_true", help="even if the front-end does not close")
    sub = command(batch, "commands from stdin, a line each", device=False)
    sub.set_defaults(parse=lambda line: parse(kind, description, line))
    command(names, "list the lies", device=False)
    args = parser.parse_args(words)
    args.kind = kind
    if "number" in args:
        args.device = kind.device(args.domid, args.number)
    return args


def main(kind, description):
    try:
        args = parse(kind, description)
        result = args.run(args)
        if result is not None:
            print(json.dumps(result))
    except OSError as problem:
        sys.exit(f"{sys.argv[0]}: {problem}")
