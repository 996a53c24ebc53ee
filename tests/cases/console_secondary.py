# SPDX-License-Identifier: GPL-2.0-only
"""Consoles beside the primary one, served by QEMU."""
from xenbed import case

import _console as con
from _qemu import Qemu


def echoes(host, guest, number, tty):
    """A line each way."""
    other = guest.consoles.tty(number)
    reader = con.Reader(host, other)
    guest.run(f"stty -F /dev/{tty} raw -echo")

    def seen():
        # QEMU throws away what comes before it has noticed that somebody has its terminal open; it looks once a second.
        guest.run(f"echo from {tty} > /dev/{tty}; sleep 1")
        return f"from {tty}\n".encode() in reader.text
    con.wait_until(seen, lambda: f"{tty} is read: {bytes(reader.text[-80:])}, {con.state(guest, f'console-{number}')}")
    typed = guest.spawn(f"head -n 1 /dev/{tty}")
    host.dom0.run(f"echo to {tty} > {other}")
    assert typed.wait(timeout=30).out == f"to {tty}\n"
    reader.stop()


@case(kernel="bare", type=["pv", "pvh"], memory=512, vfb=True, long=["pvh"])
def ten(host, guest):
    "Ten consoles appear, each with its number and its name, are used, go, and come back."
    for number in range(1, 11):
        guest.consoles.attach(number, name=f"org.example.{number}" if number % 2 else "")
    for number in range(1, 11):
        tty = f"hvc{number}"
        guest.wait_for(f"test -c /dev/{tty}", what=tty)
        guest.consoles.connected(number)
        assert con.attribute(guest, tty, "name") == (f"org.example.{number}" if number % 2 else ""), tty
        assert guest.run(f"readlink /sys/class/tty/{tty}/device").out.strip().endswith(f"/console-{number}"), tty
    for number in (1, 2, 10):
        echoes(host, guest, number, f"hvc{number}")
    # One that is open when it goes: whoever has it open learns of it.
    holder = guest.spawn("cat /dev/hvc10")
    for number in (2, 10):
        guest.consoles.detach(number)
    holder.wait(timeout=30)
    guest.wait_for("! test -e /dev/hvc2 && ! test -e /dev/hvc10", what="hvc2 and hvc10 are gone")
    # QEMU serves no number twice; the guest has a terminal for it all the same.
    guest.consoles.attach(10, name="back")
    guest.consoles.attach(11, name="later")
    guest.wait_for("test -c /dev/hvc10 && test -c /dev/hvc11", what="hvc10 is back, and hvc11 is there")
    assert con.attribute(guest, "hvc10", "name") == "back"
    echoes(host, guest, 11, "hvc11")
    echoes(host, guest, 1, "hvc1")


@case(long=True, kernel="bare", memory=512, vfb=True)
def backend_stops(host, guest):
    "Its QEMU is stopped, goes on, is killed and started again, during output: no writer waits for long, and it goes on."
    guest.consoles.attach(1)
    guest.wait_for("test -c /dev/hvc1", what="hvc1")
    echoes(host, guest, 1, "hvc1")
    qemu = Qemu(host, guest)
    qemu.signal("STOP")
    try:
        guest.run("seq 1 20000 > /dev/hvc1", timeout=60)
        con.wait_until(lambda: con.lines(guest, "hvc1: backend takes no output"), "one line says so")
        guest.run("seq 1 20000 > /dev/hvc1", timeout=10)
        assert con.attribute(guest, "hvc1", "lost") > 150000
    finally:
        qemu.signal("CONT")
    con.wait_until(lambda: con.lines(guest, "hvc1: backend takes output again"), "and one says that it goes on")
    lost = con.attribute(guest, "hvc1", "lost")
    for turn in range(2):
        qemu.signal("KILL")
        guest.run(f"echo written meanwhile {turn} > /dev/hvc1")
        qemu.again()
        con.wait_until(lambda: con.state(guest, "console-1")["connects"] >= turn + 2, "connected again")
        echoes(host, guest, 1, "hvc1")
    assert con.attribute(guest, "hvc1", "lost") == lost


@case(vfb=True, load=[])
def beside_the_kernels(host, guest):
    "Where the kernel has the primary console: one line says so, a console of its own is taken over when asked, and served."
    guest.consoles.attach(1, name="one")
    guest.consoles.connected(1)
    guest.run("modprobe xen-console")
    assert len(con.lines(guest, r"xen-console: the kernel has the primary console \(CONFIG_HVC_XEN\); others become xvcN")) == 1
    assert not guest.run("test -e /dev/xvc1", check=False), "a console of the kernel's driver was taken without being asked for"
    con.unload(guest)
    guest.run("modprobe xen-console takeover=1")
    guest.wait_for("test -c /dev/xvc1", what="xvc1")
    assert con.lines(guest, "console-1: taken over from the kernel's own driver")
    guest.consoles.connected(1)
    assert con.attribute(guest, "xvc1", "name") == "one"
    # Some that come later, which the kernel's driver has first all the same, and is connecting; and the driver out and in.
    for number in range(12, 17):
        guest.consoles.attach(number)
        guest.wait_for(f"test -c /dev/xvc{number}", what=f"xvc{number}")
        guest.consoles.connected(number)
    for number in range(13, 17):
        guest.consoles.detach(number)
    for turn in range(3):
        con.unload(guest)
        guest.run("modprobe xen-console takeover=1")
        guest.wait_for("test -c /dev/xvc12 && test -c /dev/xvc1", what=f"both, turn {turn}")
    # That bytes go both ways then is a matter for another backend (hostile_console): QEMU lets go of its own end of a console
    # with the first connection.
    for number in (1, 12):
        guest.consoles.connected(number)
