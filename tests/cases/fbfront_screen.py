# SPDX-License-Identifier: GPL-2.0-only
"""The guest's screen, as somebody sees it who looks at it by VNC."""
from xenbed import Skip, case, logs

import _fbfront as fb
from _qemu import Qemu


@case(vfb=True, extra=f"{fb.ALONE} console=tty0", type=["pv", "pvh"], long=["pvh"])
def console(host, guest):
    "The kernel's messages and a terminal on the screen; what is drawn is what a viewer sees, to the pixel."
    fb.connected(guest)
    assert fb.size(guest) == (1024, 768), fb.size(guest)
    fb.still(guest)
    first = fb.shown(guest, "boot")
    assert len(first.colours()) > 1, "no text on the screen"
    guest.run("printf '\\033[2J\\033[H\\033[41mhello world\\n' > /dev/tty1")
    text = fb.shown(guest, "text")
    assert (170, 0, 0) in {text.at(x, 2) for x in range(text.width)}, "no red background of a text's"
    wanted = fb.draw(guest)
    assert fb.shown(guest, "dots").digest == wanted, "what was drawn has changed"


@case(vfb=True, extra=fb.ALONE, long=True)
def modes(host, guest):
    "Modes set by modetest, the largest that there is memory for among them: the viewer's screen has that size, and shows the pattern."
    fb.still(guest)
    listed = fb.modes(guest)
    assert listed[0] == "1024x768" and {"640x480", "800x600", "1280x1024", "1920x1080"} <= set(listed), listed
    for mode in ("1920x1080", "640x480", "1280x1024", "1024x768"):
        with fb.Modetest(guest, mode):
            seen = fb.wait_until(lambda: fb.of_size(guest, mode), f"the viewer's screen is {mode}")
            # The first row of its pattern: seven colours, the first one grey.
            bar = seen.width // 7
            colours = [seen.at(bar * n + bar // 2, 10) for n in range(7)]
            assert colours == fb.SMPTE, f"{mode}: {colours}"
    fb.wait_until(lambda: fb.of_size(guest, "1024x768"), "the console is back")
    fb.shown(guest)
    assert fb.account(guest)["resizes"] >= 3, fb.account(guest)


@case(vfb=True, extra=fb.ALONE, long=True)
def still(host, guest):
    "A screen on which nothing changes costs no event."
    fb.still(guest)
    fb.shown(guest)
    guest.run("sleep 1")
    before = fb.account(guest)["updates"]
    guest.run("sleep 5")
    assert fb.account(guest)["updates"] == before, f"{fb.account(guest)['updates'] - before} updates of a still screen"
    guest.run("echo more > /dev/tty1; sleep 1")
    assert fb.account(guest)["updates"] > before, "a line on the screen is no update"


@case(vfb=True, type=["pv", "pvh"], kernel=["6.1", "6.12", "7.x"], memory=640,
      long=["pv,6.1", "pvh,6.1", "pv,6.12", "pv,7.x", "pvh,7.x"])
def taken_over(host, guest):
    "From the driver that is built into the kernel: the console goes on on ours, and is what a viewer sees."
    # While they start, kernels from 7.1 on may take a device of their own driver's for one that the toolstack has replaced,
    # and lose it: seen with the keyboard, long before our modules are loaded.
    lost = {"vfb-0", "vkbd-0"} - set(guest.run("ls /sys/bus/xen/devices").out.split())
    resets = fb.lines(guest, "state reset occurred")
    assert len(lost) <= len(resets), f"{lost} lost; the kernel says {resets}"
    if "vfb-0" in lost:
        raise Skip(f"the kernel has lost the screen itself: {resets}")
    # Its driver freed what the backend still had mapped: a PV guest may have page tables there by now.
    complaints = logs.bad_lines(guest.log.partition("xenfront: loading out-of-tree module")[0])
    if lost and complaints:
        raise Skip(f"the kernel has lost {lost} and was damaged before our modules were there: {complaints[0][1]}")
    lines = fb.lines(guest, "taken over from the kernel's own driver")
    assert len(lines) == 2 - len(lost), f"{lines}; lost: {lost}"
    fb.connected(guest)
    assert fb.size(guest) == (1024, 768), fb.size(guest)
    # Each connection makes QEMU show another console, and the viewer the first one until he chooses.
    guest.screen.select(2)
    fb.still(guest)
    wanted = fb.draw(guest)
    assert fb.shown(guest, "dots").digest == wanted, "what was drawn has changed"


@case(vfb=True)
def reload(host, guest):
    "Unbound, bound, the modules out and in, ten times, in a PV guest that makes page tables all the time."
    busy = guest.spawn("while :; do sh -c 'sh -c :; ls -R /proc/self > /dev/null'; done")
    name = fb.driver(guest)
    for turn in range(10):
        guest.run(f"echo vfb-0 > {name}/unbind")
        if turn % 2:
            guest.run("modprobe -r xenfront-fb 2>/dev/null || rmmod xenfront-fb; modprobe xen:vfb")
        else:
            guest.run(f"echo vfb-0 > {name}/bind")
        fb.connected(guest)
        assert busy.running, busy.result()
    busy.kill(9)
    busy.wait()
    # QEMU has a console for each connection now; a new one shows what there is.
    qemu, connects = Qemu(host, guest), fb.account(guest)["connects"]
    qemu.signal("KILL")
    qemu.again()
    fb.wait_until(lambda: fb.account(guest)["connects"] > connects, "connected again")
    fb.still(guest)
    wanted = fb.draw(guest)
    assert fb.shown(guest, "dots").digest == wanted, "what was drawn has changed"
