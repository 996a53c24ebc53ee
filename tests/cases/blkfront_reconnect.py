# SPDX-License-Identifier: GPL-2.0-only
"""The backend goes away and comes back, or the guest does: no I/O is lost, and the disk stays the same."""

from xenbed import Disk, case

import _blkfront as blk
from _qemu import Qemu


PAIR = [Disk("xvdb", size="64M"), Disk("xvdc", size="96M")]


@case(long=True, type=["pv", "pvh"], disks=[Disk("xvdb", size="64M"), Disk("xvdc", size="96M", backend="qdisk")])
def save_and_restore(host, guest):
    "Saved and restored, twice, and saved and gone on (xl save -c), while data is verified and files are written."
    with blk.Uninterrupted(guest, 2) as both:
        host.dom0.run(f"xl save -c {guest.name} /scratch/checkpoint && rm /scratch/checkpoint")
        both.load.wait(1)
        both.files.wait(1)
        for _ in range(2):
            before = guest.id
            guest.save()
            guest.restore()
            assert guest.id != before
            both.load.wait(1)
            both.files.wait(1)


@case(long=True, type="pvh", disks=PAIR)
def migrate(host, guest):
    "Live migration to the same host, under load."
    with blk.Uninterrupted(guest):
        before = guest.id
        guest.migrate()
        assert guest.id != before


def backend_device(guest, disk):
    return f"vbd-{guest.id}-{blk.device_number(guest, disk)}"


@case(long=True, type=["pv", "pvh"], disks=PAIR)
def backend_restart(host, guest):
    "xen-blkback is unbound and bound again in dom0, three times."
    with blk.Uninterrupted(guest, 3) as both:
        for _ in range(3):
            for disk in ("xvdb", "xvdc"):
                device = backend_device(guest, disk)
                connects = blk.state(guest, disk)["connects"]
                host.dom0.run(f"echo {device} > {blk.BLKBACK}/unbind; sleep 0.5; echo {device} > {blk.BLKBACK}/bind")
                blk.wait_until(lambda: blk.state(guest, disk)["connects"] > connects, f"{disk} is connected again")
            both.load.wait(1)


@case(long=True, kernel=["6.12", "7.x"], memory=640, disks=PAIR)
def newer_kernels(host, guest):
    "A backend's restart, saving and restoring with newer kernels, which watch the backend themselves."
    with blk.Uninterrupted(guest, 2) as both:
        for disk in ("xvdb", "xvdc"):
            device = backend_device(guest, disk)
            host.dom0.run(f"echo {device} > {blk.BLKBACK}/unbind; sleep 2; echo {device} > {blk.BLKBACK}/bind")
        both.load.wait(1)
        both.files.wait(1)
        guest.save()
        guest.restore()


def load_blkback(host, parameters=""):
    """The backend's module anew, with other limits; every disk of the host is unbound for it."""
    host.dom0.run(f"for d in {blk.BLKBACK}/vbd-*; do [ ! -e $d ] || echo ${{d##*/}} > {blk.BLKBACK}/unbind; done; "
                  f"for i in 1 2 3 4 5; do rmmod xen_blkback && break; sleep 1; done; modprobe xen-blkback {parameters}")


@case(long=True, guest=False)
def backend_offers_less(host):
    "A backend that comes back with smaller rings, fewer of them, and no persistent grants; then with more again."
    load_blkback(host, "max_queues=2 max_ring_page_order=4")
    try:
        guest = host.guest(vcpus=2, disks=PAIR, module_params={"xen-blkfront": "max_ring_page_order=4"}).start()
        state = blk.state(guest)
        assert (state["rings"], state["ring-page-order"], state["persistent-grants"]) == (2, 4, 1), state
        with blk.Uninterrupted(guest, 2) as both:
            for parameters, expected in (("max_queues=1 max_ring_page_order=0 feature_persistent=0", (1, 0, 0)),
                                         ("max_queues=2 max_ring_page_order=4", (2, 4, 1))):
                connects = blk.state(guest)["connects"]
                load_blkback(host, parameters)
                blk.wait_until(lambda: blk.state(guest)["connects"] > connects, "xvdb is connected again")
                both.load.wait(2)
                both.files.wait(2)
                state = blk.state(guest)
                found = state["rings"], state["ring-page-order"], state["persistent-grants"]
                assert found == expected, f"rings, order, persistent: {found} with {parameters}"
        guest.destroy()
    finally:
        host.clean()
        load_blkback(host)


@case(long=True, disks=[Disk("xvdb", size="64M"), Disk("xvdc", size="96M")])
def other_backend(host, guest):
    "Restored onto QEMU instead of xen-blkback: no indirect segments any more, so requests are split."
    before = blk.state(guest)
    assert before["max-segments"] > 11, before
    text = (host.share / guest.name / "xl.cfg").read_text()
    for disk in guest.disks:
        text = text.replace(f"backendtype=phy,discard,target={disk.target}", f"backendtype=qdisk,discard,target={disk.file}")
    assert text.count("backendtype=qdisk") == 2, text
    (host.share / guest.name / "other.cfg").write_text(text)
    with blk.Uninterrupted(guest) as both:
        guest.save()
        host.dom0.run(f"sync; xl restore /share/{guest.name}/other.cfg {guest.saved} && rm {guest.saved}")
        both.load.wait(2)
        state = blk.state(guest)
        assert "qdisk" in state["backend"], state
        assert state["max-segments"] < before["max-segments"], state
        guest.run("dd if=/dev/xvdb of=/dev/null bs=1M count=32 iflag=direct status=none")


QEMUS = [Disk("xvdb", size="64M", backend="qdisk"), Disk("xvdc", size="96M", backend="qdisk")]


@case(long=True, type=["pv", "pvh"], disks=QEMUS)
def qemu_killed(host, guest):
    "The QEMU that serves the disks is killed and started again, three times."
    qemu = Qemu(host, guest)
    with blk.Uninterrupted(guest, 3) as both:
        for turn in range(3):
            connects = blk.state(guest)["connects"]
            qemu.signal("KILL")
            host.dom0.run(f"sleep {turn}")
            qemu.again()
            blk.wait_until(lambda: blk.state(guest)["connects"] > connects, "xvdb is connected again")
            both.load.wait(1)


NO_ANSWER = r"request \d+ \((read|write|flush|discard|barrier write) of \d+ sectors at \d+\) has had no answer for \d+ s"


@case(long=True, disks=QEMUS[:1], module_params={"xen-blkfront": "request_timeout=5"})
def silent_backend(host, guest):
    "A backend that falls silent: one line says which request waits and since when; I/O goes on when it is back."
    qemu = Qemu(host, guest)
    load = blk.verified_load(guest)
    load.wait(1)
    since, identity = blk.log_length(guest), blk.identity(guest)
    qemu.signal("STOP")
    try:
        blk.wait_until(lambda: blk.lines(guest, NO_ANSWER, since), "a line that names the request", 60)
        guest.run("sleep 15")
        said = blk.lines(guest, "no answer", since)
        assert len(said) == 1, said
        assert load.process.running
    finally:
        qemu.signal("CONT")
    load.wait(2)
    state = blk.state(guest)
    assert state["phase"] == "connected" and state["connects"] == 2, state
    assert blk.identity(guest) == identity
    load.stop()


@case(long=True, disks=[Disk("xvdb", size="64M", backend="qdisk"), Disk("xvdc", size="32M")], expect=[r"I/O error", r"Buffer I/O"])
def silent_backend_removed(host, guest):
    "With a silent backend and I/O under way, unbind and rmmod end within half a minute; the other disk works."
    qemu = Qemu(host, guest)
    other = blk.verified_load(guest, "xvdc", size="2m")
    victim = guest.spawn("fio --name=victim --filename=/dev/xvdb --direct=1 --ioengine=libaio --rw=randwrite --bs=4k "
                         "--iodepth=8 --size=16m --time_based --runtime=600")
    other.wait(1)
    name = blk.vbd(guest)
    qemu.signal("STOP")
    try:
        other.wait(1)
        took = int(guest.run(f"sleep 2; b=$(date +%s); echo {name} > {blk.DRIVER}/unbind; echo $(($(date +%s) - b))").out)
        assert took <= 30, f"unbind took {took} s"
        assert victim.wait(timeout=60).rc != 0
        other.wait(1)
        other.stop()
        third = blk.vbd(guest, "xvdc")
        guest.run(f"test ! -e /sys/block/xvdb; echo {third} > {blk.DRIVER}/unbind; timeout 30 rmmod xen-blkfront xenfront")
        # The bus finds the silent backend again when the module comes back.
        guest.run("timeout 60 modprobe xen-blkfront")
        guest.wait_for("test -b /dev/xvdc")
    finally:
        qemu.signal("CONT")
    guest.wait_for("test -b /dev/xvdb", what="/dev/xvdb after its backend is back")
    blk.selftests(guest, "identity")
