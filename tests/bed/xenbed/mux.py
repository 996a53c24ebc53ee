# SPDX-License-Identifier: GPL-2.0-only
"""The bed's end of an agent: commands as channels on one stream."""
import dataclasses
import struct
import threading
import time

from . import link
from .progress import BedError


class AgentGone(BedError):
    """The agent's machine has ended or its connection has."""


class CommandFailed(BedError):
    def __init__(self, where, command, result):
        self.result = result
        tail = (result.out[-1500:] + result.err[-1500:]).strip()
        super().__init__(f"{where}: exit status {result.rc}: {command}" + (f"\n{tail}" if tail else ""))


@dataclasses.dataclass(frozen=True)
class Result:
    rc: int
    out: str
    err: str
    raw: bytes          # stdout as it came

    def __bool__(self):
        return self.rc == 0


class Process:
    """A command that runs; its output comes in as it goes."""

    def __init__(self, agent, channel, command, on_output=None):
        self.agent, self.channel, self.command = agent, channel, command
        self.on_output = on_output
        self.stdout, self.stderr = bytearray(), bytearray()
        self.rc = None

    def write(self, data):
        if data:
            self.agent.send(link.STDIN, self.channel, data)

    def close_input(self):
        self.agent.send(link.STDIN, self.channel, b"")

    def kill(self, signal=15):
        self.agent.send(link.KILL, self.channel, bytes([signal]))

    def resize(self, rows, columns):
        self.agent.send(link.WINDOW, self.channel, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def running(self):
        return self.rc is None

    def result(self):
        return Result(self.rc, self.stdout.decode(errors="replace"), self.stderr.decode(errors="replace"),
                      bytes(self.stdout))

    def wait(self, check=False, timeout=None):
        """Until it ends. timeout is in seconds of the wall clock and raises TimeoutError; without one the
        only limit is the lack of any progress (see watch.py)."""
        began = time.monotonic()
        with self.agent.changed:
            while self.rc is None:
                if self.agent.gone:
                    raise AgentGone(f"{self.agent.name}: {self.agent.gone} while running: {self.command}")
                if timeout is not None and time.monotonic() - began > timeout:
                    raise TimeoutError(f"{self.agent.name}: {timeout} s have passed: {self.command}")
                self.agent.changed.wait(0.5)
                if self.agent.judge:
                    self.agent.changed.release()
                    try:
                        self.agent.judge(f"{self.agent.name}: {self.command}")
                    finally:
                        self.agent.changed.acquire()
        result = self.result()
        if check and result.rc:
            raise CommandFailed(self.agent.name, self.command, result)
        return result


class Agent:
    """write(data) sends bytes to the other end; feed(data) takes what came from there."""

    def __init__(self, name, wire, write, on_text=None, judge=None):
        self.name, self.wire, self.judge = name, wire, judge
        self._write, self._on_text = write, on_text
        self.frames = link.Frames()
        self.lock = threading.RLock()
        self.changed = threading.Condition()
        self.processes = {}
        self.next_channel = 1
        self.hello = None
        self.gone = ""

    def feed(self, data):
        with self.lock:
            stream, text, began = self.wire.feed(data)
            if began:
                self._restarted()
            for kind, channel, payload in self.frames.feed(stream):
                self._frame(kind, channel, payload)
        if text and self._on_text:
            self._on_text(text)
        self.flush()

    def _restarted(self):
        """The agent is a new one (its machine has booted): nothing that ran before will answer."""
        self.frames = link.Frames()
        with self.changed:
            for process in self.processes.values():
                process.rc = -1
                process.stderr += b"the agent was started anew\n"
            self.processes.clear()
            self.hello = None
            self.gone = ""
            self.changed.notify_all()

    def _frame(self, kind, channel, payload):
        with self.changed:
            process = self.processes.get(channel)
            if kind == link.HELLO:
                self.hello = payload.decode()
            elif process and kind in (link.STDOUT, link.STDERR):
                if process.on_output:
                    process.on_output(payload)
                else:
                    (process.stdout if kind == link.STDOUT else process.stderr).extend(payload)
            elif process and kind == link.RESULT:
                process.rc = struct.unpack(">i", payload)[0]
                del self.processes[channel]
            self.changed.notify_all()

    def flush(self):
        with self.lock:
            data = self.wire.take()
            if data:
                try:
                    self._write(data)
                except (OSError, AgentGone) as error:
                    self.end(str(error))

    def send(self, kind, channel, data=b""):
        with self.lock:
            if self.gone:
                raise AgentGone(f"{self.name}: {self.gone}")
            self.wire.send(link.frame(kind, channel, data))
        self.flush()

    def gone_error(self):
        return AgentGone(f"{self.name}: {self.gone}")

    def end(self, why):
        with self.changed:
            self.gone = self.gone or why
            self.changed.notify_all()

    def wait_hello(self, timeout=None):
        began = time.monotonic()
        while self.hello is None:
            with self.changed:
                self.changed.wait(0.5)
            if self.gone:
                raise AgentGone(f"{self.name}: {self.gone}")
            if timeout and time.monotonic() - began > timeout:
                raise TimeoutError(f"{self.name}: no sign of life after {timeout} s")
            if self.judge:
                self.judge(f"{self.name}: waiting for its agent")
        return self.hello

    def spawn(self, command, on_output=None, terminal=False):
        with self.lock:
            channel, self.next_channel = self.next_channel, self.next_channel + 1
            process = Process(self, channel, command, on_output)
            self.processes[channel] = process
        self.send(link.EXEC, channel, (b"P" if terminal else b"-") + command.encode())
        return process

    def run(self, command, check=True, input=b"", timeout=None):
        """Runs a shell command to its end. check: a nonzero exit status raises CommandFailed."""
        process = self.spawn(command)
        for begin in range(0, len(input), 65536):
            process.write(input[begin:begin + 65536])
        process.close_input()
        return process.wait(check=check, timeout=timeout)

    def put(self, data, path, mode=0o644):
        if hasattr(data, "read_bytes"):
            data = data.read_bytes()
        elif isinstance(data, str):
            data = data.encode()
        self.run(f"mkdir -p \"$(dirname '{path}')\" && cat > '{path}' && chmod {mode:o} '{path}'", input=data)

    def get(self, path):
        return self.run(f"cat '{path}'").raw
