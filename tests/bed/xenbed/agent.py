#!/usr/bin/python3 -SE
# SPDX-License-Identifier: GPL-2.0-only
"""The bed's agent: runs commands in dom0 or in a guest for the bed outside.

agent.py --port NAME     on the virtio port of that name (dom0)
agent.py --console TTY   on a console, with packets (guests; as process 1 it also collects orphans)
"""
import errno
import fcntl
import os
import pty
import selectors
import signal
import struct
import subprocess
import sys
import termios
import time
import tty

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import link  # noqa: E402  (beside this file in every image)

HIGH_WATER = 256 * 1024


class Job:
    """One command: its process, its pipes, and what waits to be written to it."""

    def __init__(self, agent, channel, request):
        self.agent, self.channel = agent, channel
        self.input, self.input_ended = bytearray(), False
        self.outputs = {}
        self.status = None
        command = request[1:].decode()
        if request[:1] == b"P":
            self._on_terminal(command)
        else:
            self._on_pipes(command)
        for fd in (self.stdin, *self.outputs):
            os.set_blocking(fd, False)
        for fd in self.outputs:
            agent.selector.register(fd, selectors.EVENT_READ, self)

    def _on_pipes(self, command):
        process = subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, start_new_session=True)
        self.process, self.pid = process, process.pid
        self.stdin = process.stdin.fileno()
        self.outputs = {process.stdout.fileno(): link.STDOUT, process.stderr.fileno(): link.STDERR}

    def _on_terminal(self, command):
        self.process = None
        self.pid, self.stdin = pty.fork()
        if not self.pid:
            try:
                os.execvp("/bin/sh", ["/bin/sh", "-c", command])
            finally:
                os._exit(127)
        self.outputs = {self.stdin: link.STDOUT}

    def read(self, fd):
        try:
            data = os.read(fd, 32768)
        except BlockingIOError:
            return True
        except OSError as error:        # a terminal whose last process has gone
            if error.errno != errno.EIO:
                raise
            data = b""
        if data:
            self.agent.send(self.outputs[fd], self.channel, data)
            return True
        self.agent.selector.unregister(fd)
        del self.outputs[fd]
        return False

    def write(self, data):
        if not data:
            self.input_ended = True
        self.input += data
        self.flush()

    def flush(self):
        while self.input:
            try:
                count = os.write(self.stdin, self.input[:32768])
            except BlockingIOError:
                return
            except OSError:             # it does not read any more
                self.input.clear()
                return
            del self.input[:count]
        if self.input_ended and self.process and not self.process.stdin.closed:
            self.process.stdin.close()

    def ended(self, status):
        """Everything it has written comes before its exit status; what its own children (a daemon it
        started) still write later does not."""
        for fd in list(self.outputs):
            os.set_blocking(fd, False)
            while fd in self.outputs:
                before = self.agent.wire.pending()
                if not self.read(fd) or self.agent.wire.pending() == before:
                    break
        for fd in list(self.outputs):
            self.agent.selector.unregister(fd)
        self.outputs.clear()
        if self.process:
            self.process.returncode = 0
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                try:
                    pipe.close()
                except OSError:
                    pass
        else:
            os.close(self.stdin)
        self.agent.send(link.RESULT, self.channel, struct.pack(">i", os.waitstatus_to_exitcode(status)))


class Agent:
    def __init__(self, fd, wire):
        self.fd, self.wire = fd, wire
        self.frames = link.Frames()
        self.jobs = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(fd, selectors.EVENT_READ, None)
        os.set_blocking(fd, False)
        self.unwritten = bytearray()
        self.woken, waker = os.pipe()
        os.set_blocking(waker, False)
        os.set_blocking(self.woken, False)
        self.selector.register(self.woken, selectors.EVENT_READ, "child")
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker)
        self.send(link.HELLO, 0, os.uname().release.encode())

    def send(self, kind, channel, data=b""):
        self.wire.send(link.frame(kind, channel, data))

    def handle(self, kind, channel, data):
        if kind == link.EXEC:
            try:
                self.jobs[channel] = Job(self, channel, data)
            except OSError as error:    # no memory, no processes: an answer all the same
                self.send(link.STDERR, channel, f"agent: {error}\n".encode())
                self.send(link.RESULT, channel, struct.pack(">i", 126))
            return
        job = self.jobs.get(channel)
        if not job:
            return
        if kind == link.STDIN:
            job.write(data)
        elif kind == link.KILL:
            try:
                os.killpg(job.pid, data[0])
            except OSError:
                pass
        elif kind == link.WINDOW:
            fcntl.ioctl(job.stdin, termios.TIOCSWINSZ, data)

    def reap(self):
        try:
            os.read(self.woken, 4096)
        except BlockingIOError:
            pass
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for channel, job in list(self.jobs.items()):
                if job.pid == pid:
                    job.ended(status)
                    del self.jobs[channel]

    def write(self):
        self.unwritten += self.wire.take(time.monotonic())
        while self.unwritten:
            try:
                count = os.write(self.fd, self.unwritten[:4096])
            except BlockingIOError:
                break
            del self.unwritten[:count]
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.unwritten else 0)
        self.selector.modify(self.fd, events, None)

    def read(self):
        try:
            data = os.read(self.fd, 65536)
        except BlockingIOError:
            return
        if not data:
            time.sleep(0.1)             # nobody at the other end of the port yet
        stream, _, _ = self.wire.feed(data, time.monotonic())
        for kind, channel, payload in self.frames.feed(stream):
            self.handle(kind, channel, payload)

    def turn(self):
        self.write()
        busy = len(self.unwritten) + self.wire.pending() > HIGH_WATER
        idle = not (self.wire.pending() or isinstance(self.wire, link.Console) and not self.wire.open)
        for key, _ in self.selector.select(None if idle and not self._inputs() else 0.2):
            if key.data is None:
                self.read()
            elif key.data == "child":
                self.reap()
            elif busy:
                time.sleep(0.02)
            elif key.fd in key.data.outputs:
                key.data.read(key.fd)
        for job in self.jobs.values():
            job.flush()

    def _inputs(self):
        return any(job.input for job in self.jobs.values())


def port(name):
    for entry in os.listdir("/sys/class/virtio-ports"):
        with open(f"/sys/class/virtio-ports/{entry}/name") as file:
            if file.read().strip() == name:
                return os.open(f"/dev/{entry}", os.O_RDWR)
    raise SystemExit(f"agent: no virtio port is called {name}")


def console(path):
    """The console as eight-bit line, no echo, nothing translated."""
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd, termios.TCSANOW)
    return fd


# Made by a test: the agent lets go of the console, says so, and waits until it is removed.
LEAVE, AWAY = "/run/agent-leave", "/run/agent-away"


def leave(agent, path):
    """A driver that somebody uses cannot be removed."""
    agent.selector.unregister(agent.fd)
    os.close(agent.fd)
    open(AWAY, "w").close()
    while os.path.exists(LEAVE):
        agent.reap()
        time.sleep(0.1)
    os.remove(AWAY)
    agent.fd = console(path)
    os.set_blocking(agent.fd, False)
    agent.selector.register(agent.fd, selectors.EVENT_READ, None)


def stay():
    """The guest may run out of memory: this process is the last to go."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("-1000")
    except OSError:
        pass


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("--port", "--console"):
        raise SystemExit(__doc__)
    if sys.argv[1] == "--port":
        agent = Agent(port(sys.argv[2]), link.Stream())
    else:
        session = struct.unpack(">H", os.urandom(2))[0]
        agent = Agent(console(sys.argv[2]), link.Console(opens=True, session=session))
    stay()
    while True:
        agent.turn()
        if os.path.exists(LEAVE) and not agent.wire.pending():
            leave(agent, sys.argv[2])


if __name__ == "__main__":
    main()
