# SPDX-License-Identifier: GPL-2.0-only
"""Keys in xenstore and parameters that make no sense, and those that do."""
from xenbed import case

import _fbfront as fb

# What is in the backend's folder: the mode that comes of it, and what the log names.
KEYS = [
    ({}, "1024x768", None),
    ({"width": 1280, "height": 800}, "1280x800", None),
    ({"width": 0, "height": 800}, "1024x768", 'backend key "width": "0" is not a number'),
    ({"width": 1280, "height": -1}, "1024x768", 'backend key "height": "-1" is not a number'),
    ({"width": 2147483648, "height": 2147483648}, "1024x768", 'backend key "width": "2147483648" is not a number'),
    ({"width": "wide", "height": 600}, "1024x768", 'backend key "width": "wide" is not a number'),
    ({"videoram": 0}, "1024x768", 'backend key "videoram": "0" is not a number'),
    ({"videoram": -1}, "1024x768", 'backend key "videoram": "-1" is not a number'),
    ({"videoram": 2147483648}, "1024x768", 'backend key "videoram": "2147483648" is not a number'),
    ({"videoram": 1}, "512x384", None),
    ({"videoram": 4, "width": 1600, "height": 1200}, "1024x768", "4 MiB are not enough for 1600x1200"),
    ({"videoram": 32, "width": 2560, "height": 1600}, "2560x1600", None),
]


def write(guest, keys):
    """The backend's folder has these keys, and no others of those that matter here."""
    folder = fb.backend(guest)
    for key in ("width", "height", "videoram"):
        if key in keys:
            guest.dom0.write(f"{folder}/{key}", keys[key])
        else:
            guest.dom0.run(f"xenstore-rm {folder}/{key} 2> /dev/null", check=False)


@case(long=True, vfb=True, extra=fb.ALONE, load=[], expect=["backend key"])
def keys(host, guest):
    "The backend's keys: what makes no sense is named, and there is a screen all the same."
    guest.run("modprobe xen:vfb")
    fb.connected(guest)
    driver = fb.driver(guest)
    for wanted, mode, complaint in KEYS:
        guest.run(f"echo vfb-0 > {driver}/unbind")
        write(guest, wanted)
        since = fb.log_length(guest)
        guest.run(f"echo vfb-0 > {driver}/bind")
        fb.connected(guest)
        # Two sides that make no sense are two lines; one is enough here.
        found = fb.lines(guest, "backend key", since)
        assert bool(found) == bool(complaint) and (not complaint or complaint in found[0]), f"{wanted}: {found}"
        assert fb.modes(guest)[0] == mode, f"{wanted}: {fb.modes(guest)[:3]}"
        assert fb.account(guest)["offered"] == mode, fb.account(guest)


@case(long=True, vfb=True, extra=fb.ALONE)
def resized_by_the_backend(host, guest):
    "Another size in the backend's folder is the preferred mode at once."
    for width, height in ((1280, 720), (800, 600)):
        write(guest, {"width": width, "height": height})
        fb.wait_until(lambda: fb.account(guest)["preferred"] == f"{width}x{height}", f"{width}x{height} is preferred")
        fb.wait_until(lambda: fb.modes(guest)[0] == f"{width}x{height}", lambda: f"users see it: {fb.modes(guest)[:3]}")


@case(long=True, vfb=True, extra=fb.ALONE, module_params={"xenfront_fb": "video=16,1920,1080"})
def parameters(host, guest):
    "The administrator's wish; and one that makes no sense."
    assert fb.size(guest) == (1920, 1080), fb.size(guest)
    assert "2560x1600" in fb.modes(guest), fb.modes(guest)
    guest.run(f"echo vfb-0 > {fb.driver(guest)}/unbind && rm /etc/modprobe.d/bed.conf && rmmod xenfront-fb && "
              "modprobe xenfront-fb video=0,10,99999")
    fb.connected(guest)
    assert fb.size(guest) == (1024, 768), fb.size(guest)
    assert fb.lines(guest, r"video=0,10,99999: sides are from 64 to 16384 pixels"), "no line that names the parameter"
