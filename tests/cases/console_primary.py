# SPDX-License-Identifier: GPL-2.0-only
"""The console that a guest is born with, on a kernel that has no driver for it."""
import re

from xenbed import case

import _console as con
import _kexec as kexec

# The agent is on another console, which the guest's QEMU serves: hvc0 is the case's own.
BESIDE = {"kernel": "bare", "memory": 512, "vfb": True, "agent_console": con.AGENT}


@case(kernel="bare", type=["pv", "pvh"], memory=512, long=["pv"])
def kernels_own(host, guest):
    "What the kernel said before the driver was there appears once it is, and it prints there from then on."
    assert "Linux version" in guest.log and "Command line:" in guest.log, guest.log[:500]
    assert guest.run("cat /proc/consoles").out.startswith("hvc0"), guest.run("cat /proc/consoles").out
    guest.run("echo 'something new' > /dev/kmsg")
    con.wait_until(lambda: "something new" in guest.log, "what the kernel prints now is seen")
    # A message longer than the ring, and more of them than it and what waits behind it hold.
    guest.run("n=0; while [ $n -lt 400 ]; do n=$((n+1)); echo \"message $n $(printf '%080d' $n)\" > /dev/kmsg; done")
    con.wait_until(lambda: "message 400 " in guest.log, "the last of many messages is seen")
    seen = [int(number) for number in re.findall(r"\] message (\d+) 0", guest.log)]
    assert seen == list(range(1, 401)), f"{len(seen)} of 400 messages"
    assert con.attribute(guest, "hvc0", "lost") == 0


@case(**BESIDE, type=["pv", "pvh"], long=["pvh"])
def login(host, guest):
    "Somebody logs in by xl console: a shell, Ctrl-C, a window's size, letters beyond ASCII, a long paste, sysrq."
    con.quiet(guest)
    guest.run("passwd -d root")
    getty = guest.spawn("while :; do setsid agetty -8 hvc0 linux; done")
    with con.Terminal(host, f"xl console -t pv {guest.name}") as person:
        person.send("\n")
        person.expect("login: $")
        person.send("root\n")
        person.expect("[#$] $")
        person.send("PS1='ready> '; tty; echo $((6 * 7))\n")
        assert "/dev/hvc0" in person.expect("42\r\n"), person.text
        person.expect("ready> $")
        person.send("stty rows 50 cols 132; stty size\n")
        person.expect("50 132\r\n")
        # What Ctrl-C is for is a process of its own, here and below: between a loop's or a list's commands bash may go on with
        # the rest, or print a prompt while its last child has the terminal, and then takes what it reads for the end.
        person.send("sh -c 'echo begins; exec sleep 1000'; echo it went on\n")
        person.expect("begins\r\n")
        person.send("\x03")
        person.expect(r"\^C")
        person.expect("ready> $")
        person.send("sh -c 'n=0; while [ $n -lt 500 ]; do n=$((n+1)); echo line $n; sleep 0.05; done'\n")
        person.expect("line 9\r\n")
        person.send("\x13")
        guest.run("sleep 1")
        held = len(person.text)
        guest.run("sleep 2")
        assert len(person.text) == held, f"Ctrl-S holds nothing: {person.text[held:]}"
        person.send("\x11")
        person.expect("line 60\r\n")
        person.send("\x03")
        person.expect("ready> $")
        person.send("stty -echo; echo 'grüße €'; cat > /tmp/paste\n")
        person.expect("grüße €\r\n")
        for line in range(400):
            person.send(f"line {line} of a long paste, which goes on to here\n")
        person.send("\x04stty echo; md5sum < /tmp/paste\n")
        wanted = guest.run("seq 0 399 | sed 's/.*/line & of a long paste, which goes on to here/' | md5sum").out.split()[0]
        person.expect(wanted)
        person.send("echo 1 > /proc/sys/kernel/sysrq\n")
        person.expect("ready> $")
        # Ctrl-O and a key; twice it is the byte itself.
        person.send("\x0fh")
        con.wait_until(lambda: con.lines(guest, "sysrq: HELP"), "sysrq is heard")
        person.send("od -An -tx1 -N1\n\x0f\x0f\n")
        person.expect(" 0f\r\n")
        person.send("exit\n")
        person.expect("login: $")
    getty.kill(9)
    assert con.attribute(guest, "hvc0", "lost") == 0


@case(**BESIDE)
def every_byte(host, guest):
    "1 MiB of bytes of all values, each way, on the primary console and on another one; nothing is lost."
    con.quiet(guest)
    guest.consoles.attach(2)
    guest.wait_for("test -c /dev/hvc2", what="/dev/hvc2")
    for tty, number in (("hvc0", 0), ("hvc2", 2)):
        other = guest.consoles.tty(number)
        con.bytes_out(host, guest, tty, other)
        con.bytes_in(host, guest, tty, other)
        assert con.attribute(guest, tty, "lost") == 0


@case(**BESIDE, expect=[r"xenconsoled"])
def backend_stops(host, guest):
    "xenconsoled is stopped, goes on, is killed and started again, during output: no writer waits for long, and it goes on."
    daemon = con.Xenconsoled(host)
    con.quiet(guest)
    reader = con.Reader(host, guest.consoles.tty())
    guest.run("echo before > /dev/hvc0")
    con.wait_until(lambda: b"before" in reader.text, "the backend reads")
    daemon.signal("STOP")
    try:
        # The kernel's messages first: they are held for a second at most, all together.
        guest.run("dmesg -n 8; pad=$(printf '%080d' 0); n=0; while [ $n -lt 300 ]; do n=$((n+1)); echo \"message $n $pad\" > /dev/kmsg; done; "
                  "dmesg -n 1", timeout=150)
        con.wait_until(lambda: con.lines(guest, "hvc0: backend takes no output"), "one line says so")
    finally:
        daemon.signal("CONT")
    con.wait_until(lambda: con.lines(guest, r"hvc0: backend takes output again, \d+ bytes were lost"), "and one says that it goes on")
    guest.run("dmesg -C")
    daemon.signal("STOP")
    try:
        # More than the ring and what waits behind it: the writer is held for a while, and then not any more.
        guest.run("seq 1 20000 > /dev/hvc0", timeout=60)
        con.wait_until(lambda: con.lines(guest, "hvc0: backend takes no output"), "one line says so")
        guest.run("dmesg -n 8; seq 1 200 > /dev/kmsg; seq 1 20000 > /dev/hvc0; dmesg -n 1", timeout=30)
        lost = con.attribute(guest, "hvc0", "lost")
        assert lost > 150000, f"{lost} bytes lost"
    finally:
        daemon.signal("CONT")
    con.wait_until(lambda: con.lines(guest, r"hvc0: backend takes output again, \d+ bytes were lost"), "and one says that it goes on")
    # What came first was not lost.
    con.wait_until(lambda: b"\n1000\r\n" in reader.text, "what waited is seen")
    guest.run("echo 'after the stop' > /dev/hvc0")
    con.wait_until(lambda: b"after the stop" in reader.text, "what is written now is seen")
    assert con.attribute(guest, "hvc0", "lost") == lost
    assert len(con.lines(guest, "hvc0: backend takes")) == 2, con.lines(guest, "hvc0: backend takes")
    reader.stop()

    for turn in range(3):
        writer = guest.spawn("n=0; while :; do n=$((n+1)); echo tick $n > /dev/hvc0; sleep 0.01; done")
        guest.run("sleep 0.5")
        daemon.signal("KILL")
        guest.run("sleep 0.5")
        daemon.again()
        reader = con.Reader(host, guest.consoles.tty())
        con.wait_until(lambda: reader.text.count(b"tick ") > 20, f"output goes on, turn {turn}: {bytes(reader.text[-200:])}")
        writer.kill(9)
        reader.stop()


@case(kernel="bare", type=["pv", "pvh"], memory=512, long=["pvh"])
def suspended(host, guest):
    "A loop prints while the guest is saved, restored, saved and gone on; every line is seen, in order."
    loop = guest.spawn("n=0; while :; do n=$((n+1)); echo tick $n > /dev/hvc0; sleep 0.02; done")

    def ticks():
        # What stands on a line of its own: a line may be torn by the agent's packets, or by the kernel.
        return [int(number) for number in re.findall(r"^tick (\d+)$", guest.log, re.M)]

    def goes_on():
        last = ticks()[-1]
        con.wait_until(lambda: ticks()[-1] > last + 20, "the loop goes on")

    con.wait_until(lambda: len(ticks()) > 20, "the loop prints")
    host.dom0.run(f"xl save -c {guest.name} /scratch/checkpoint && rm /scratch/checkpoint")
    goes_on()
    for _ in range(2):
        guest.save()
        guest.restore()
        goes_on()
    if guest.type == "pvh":
        guest.migrate()
        goes_on()
    guest.run("echo 'a message' > /dev/kmsg")
    con.wait_until(lambda: "a message" in guest.log, "the kernel prints")
    loop.kill(9)
    seen = ticks()
    assert seen == sorted(set(seen)), "lines came twice, or out of order"
    assert con.attribute(guest, "hvc0", "lost") == 0


@case(kernel="bare", memory=512)
def removed_and_back(host, guest):
    "The driver is not removed while somebody has its terminal open; without anybody it is, and comes back, ten times."
    result = guest.run("rmmod xen-console", check=False)
    assert result.rc and "in use" in result.err, result.err
    # Now the agent, too, leaves the console alone, for as long as this takes.
    guest.push("""#!/bin/sh
exec < /dev/null > /tmp/again 2>&1
until [ -e /run/agent-away ]; do sleep 0.1; done
for turn in 1 2 3 4 5 6 7 8 9 10; do
	rmmod xen-console || break
	modprobe xen-console || break
	echo "turn $turn" > /dev/kmsg
	echo "turn $turn"
done
rm /run/agent-leave
""", "/tmp/again.sh")
    guest.run("setsid sh /tmp/again.sh & touch /run/agent-leave")
    con.wait_until(lambda: "turn 10" in guest.log, "the last turn's message is seen", 120)
    out = guest.run("cat /tmp/again").out
    assert out == "".join(f"turn {n}\n" for n in range(1, 11)), out
    assert guest.run("cat /proc/consoles").out.startswith("hvc0")


@case(**BESIDE, vcpus=2, expect=[r"Kernel panic - not syncing: sysrq triggered crash", r"Call Trace:"])
def last_words(host, guest):
    "A kernel that panics says all that it has to say, while a program on another processor writes as much as it can."
    reader = con.Reader(host, guest.consoles.tty())
    guest.run("dmesg -n 8; echo 1 > /proc/sys/kernel/sysrq")
    guest.spawn("taskset -c 1 tr '\\0' '~' < /dev/zero > /dev/hvc0 & sleep 5; taskset -c 0 sh -c 'echo c > /proc/sysrq-trigger'")

    def said():
        return reader.text.decode(errors="replace").replace("~", "")

    con.wait_until(lambda: re.search(r"Kernel panic - not syncing: sysrq triggered crash(.|\n)*Call Trace:(.|\n)*sysrq_handle_crash(.|\n)*</TASK>",
                                     said()), lambda: f"the whole panic is seen: {said()[-2000:]}", 60)
    assert reader.text.count(b"~") > 20000, "the program did not write"


# A PV guest has no kexec: its machine_ops.shutdown powers off (arch/x86/xen/enlighten_pv.c). A kernel that has Xen asks the toolstack
# for a soft reset first, and xl 4.17 has no domain left after that of a PVH guest, with the kernel's own drivers as well.
@case(kernel="bare", type="hvm", memory=1024, disks=[kexec.disk("256M")], extra="xen_emul_unplug=all", long=True)
def another_kernel(host, guest):
    "kexec: the next kernel says all from its first line on, on the same console, both ways."
    guest.run("echo 'the last of the first' > /dev/kmsg")
    kexec.load(host, guest)
    seen = len(guest.log)
    kexec.execute(guest)
    con.wait_until(lambda: "Linux version" in guest.log[seen:], "the next kernel's first line is seen")
    assert "the last of the first" in guest.log[:guest.log.index("Linux version", seen)]
    assert guest.run("cat /proc/consoles").out.startswith("hvc0")
    assert con.attribute(guest, "hvc0", "lost") == 0
    guest.shutdown()
