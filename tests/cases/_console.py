# SPDX-License-Identifier: GPL-2.0-only
"""What the cases of consoles share."""
import re
import threading
import time

from _guest import lines, log_length, state, wait_until     # noqa: F401

# In the guest: one more console than the primary one is the agent's.
AGENT = 1
MIB = 1 << 20


def attribute(guest, tty, name):
    """What the driver tells of a terminal: sent, received, lost (numbers), name."""
    text = guest.run(f"cat /sys/class/tty/{tty}/{name}").out.rstrip("\n")
    return text if name == "name" else int(text)


def unload(guest):
    """The driver is removed; a device that is bound keeps its module."""
    guest.run("cd /sys/bus/xen/drivers/xen-console && for device in console-*; do [ ! -e $device ] || echo $device > unbind; "
              "done; cd / && rmmod xen-console")


class Terminal:
    """Somebody before a terminal in dom0: with Terminal(host, "xl console g1") as person: person.expect("login:")"""

    def __init__(self, host, command):
        self.command, self.text, self.seen = command, bytearray(), 0
        self.heard = threading.Event()
        self.process = host.dom0.spawn(f"exec {command}", on_output=self._take, terminal=True)

    def _take(self, data):
        self.text += data
        self.heard.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.write(b"\x1d")         # xl console: leave
        self.process.kill(9)

    def send(self, text):
        self.process.write(text.encode() if isinstance(text, str) else text)

    def expect(self, pattern, timeout=60):
        """What came since the last one, up to the end of the match."""
        end = time.monotonic() + timeout
        while True:
            found = re.compile(pattern.encode()).search(self.text, self.seen)
            if found:
                text, self.seen = bytes(self.text[self.seen:found.end()]), found.end()
                return text.decode(errors="replace").replace("\r", "")
            rest = bytes(self.text[self.seen:])
            assert time.monotonic() < end, f"{self.command}: no {pattern!r} within {timeout} s, but {rest[-400:]!r}"
            self.heard.wait(0.2)
            self.heard.clear()


class Reader:
    """What a program in dom0 reads from a terminal there, as it comes."""

    def __init__(self, host, tty):
        self.text = bytearray()
        self.process = host.dom0.spawn(f"exec socat -u FILE:{tty},raw,echo=0 STDOUT", on_output=self.text.extend)

    def stop(self):
        self.process.kill(9)
        self.process.wait()


def quiet(guest):
    """The kernel prints nothing that could come between a program's bytes."""
    guest.run("dmesg -n 1")


def bytes_out(host, guest, tty, other, size=MIB):
    """The guest writes, dom0 reads: every byte, whatever its value."""
    guest.run(f"stty -F /dev/{tty} raw -echo; head -c {size} /dev/urandom > /tmp/bytes")
    # What was said before, the kernel's messages, waits for a reader: until nothing has come for two seconds.
    host.dom0.run(f"socat -T 2 -u FILE:{other},raw,echo=0 OPEN:/dev/null", check=False)
    reader = host.dom0.spawn(f"stty -F {other} raw -echo; {{ echo open; head -c {size} | sha256sum; }} < {other}")
    wait_until(lambda: b"open" in reader.stdout, "the reader has the terminal open")
    # QEMU looks once a second whether somebody has.
    guest.run("sleep 2")
    guest.run(f"cat /tmp/bytes > /dev/{tty}")
    wanted = guest.run("sha256sum < /tmp/bytes").out
    seen = reader.wait(timeout=300).out.removeprefix("open\n")
    assert seen == wanted, f"{size} bytes written to {tty} came out differently"


def bytes_in(host, guest, tty, other, size=MIB):
    """dom0 writes, the guest reads."""
    host.dom0.run(f"head -c {size} /dev/urandom > /scratch/bytes")
    reader = guest.spawn(f"stty -F /dev/{tty} raw -echo; head -c {size} /dev/{tty} | sha256sum")
    guest.run("sleep 1")
    host.dom0.run(f"socat -u FILE:/scratch/bytes FILE:{other},raw,echo=0")
    wanted = host.dom0.run("sha256sum < /scratch/bytes").out
    seen = reader.wait(timeout=300).out
    assert seen == wanted, f"{size} bytes written for {tty} came in differently"


class Xenconsoled:
    """dom0's daemon, which serves every guest's primary console."""

    def __init__(self, host):
        self.dom0 = host.dom0

    def signal(self, name):
        self.dom0.run(f"kill -{name} $(cat /run/xenconsoled.pid)")

    def again(self):
        # It makes new terminals; who asks for one meanwhile has to wait rather than get the old one's name.
        self.dom0.run("for id in $(xenstore-list /local/domain); do [ $id = 0 ] || xenstore-rm /local/domain/$id/console/tty; done; "
                      "/usr/lib/xen-4.17/bin/xenconsoled --pid-file /run/xenconsoled.pid")
