# SPDX-License-Identifier: GPL-2.0-only
"""A Wayland compositor on the guest's screen."""
from xenbed import BedError, Disk, case, desktop

import _fbfront as fb

START = """set -e
mkdir -p /desk/lower /desk/upper /desk/root; mount -t squashfs -o ro /dev/xvdb /desk/lower
mount -t tmpfs tmpfs /desk/upper; mkdir /desk/upper/files /desk/upper/work
mount -t overlay -o lowerdir=/desk/lower,upperdir=/desk/upper/files,workdir=/desk/upper/work overlay /desk/root
for folder in dev proc sys; do mount --rbind /$folder /desk/root/$folder; done
mount -t tmpfs tmpfs /desk/root/run; mount -t tmpfs tmpfs /desk/root/tmp; mkdir -m 700 /desk/root/run/user
export SYSTEMD_IGNORE_CHROOT=1    # udevadm does nothing there otherwise, and Weston finds no input devices
chroot /desk/root /lib/systemd/systemd-udevd --daemon
chroot /desk/root udevadm trigger; chroot /desk/root udevadm settle
chroot /desk/root udevadm info --export-db | grep -q ID_INPUT_KEYBOARD=1
"""
IN = "chroot /desk/root env XDG_RUNTIME_DIR=/run/user WAYLAND_DISPLAY=wayland-1"


def desk(guest, name):
    """Samples of what is seen below the panel, whose clock goes on."""
    picture = guest.screen.picture(name)
    return [picture.at(x, y) for y in range(100, 768, 8) for x in range(0, 1024, 8)]


@case(long=True, vfb=True, extra=fb.ALONE, memory=640, load=["xen-blkfront", "xen:vfb", "xen:vkbd", "evdev"])
def weston(host, guest):
    "Weston starts with its DRM backend and shows a client's window."
    image = desktop.squashfs()
    # Making it may take minutes, in which nothing in the host moves.
    host.watch.touch()
    disk = guest.attach_disk(Disk("xvdb", image=image, mode="r"))
    guest.wait_for(f"test -b {disk.node}", what=disk.node)
    guest.run(START)
    running = guest.spawn(f"{IN} weston --backend=drm-backend.so --use-pixman --tty=1 --idle-time=0 --log=/tmp/weston.log")
    try:
        guest.wait_for("test -S /desk/root/run/user/wayland-1", what="weston listens")
        # Weston listens before its shell has started.
        fb.wait_until(lambda: len(guest.screen.picture("weston").colours()) > 20, "a desktop is seen", 180)
        fb.wait_until(lambda: desk(guest, "weston") == desk(guest, "weston"), "the desktop is still", 60)
        before = desk(guest, "weston")
        flower = guest.spawn(f"{IN} weston-flower")
        fb.wait_until(lambda: desk(guest, "weston-flower") != before, "a client's window is seen", 60)
        flower.kill(9)
        assert running.running, "weston has ended"
    except (AssertionError, BedError) as error:
        log = guest.run("cat /desk/root/tmp/weston.log", check=False).out
        raise AssertionError(f"{error}\n{log[-3000:]}") from error
    running.kill(15)
    running.wait(timeout=60)
