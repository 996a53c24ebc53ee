# SPDX-License-Identifier: GPL-2.0-only
"""The console that a guest is born with, on a kernel that has no driver for it."""
from xenbed import case

import _console as con


@case(kernel="bare", type=["pv", "pvh"], memory=512)
def kernels_own(host, guest):
    "What the kernel said before the driver was there appears once it is; it prints there, and programs do."
    assert "Linux version" in guest.log and "Command line:" in guest.log, guest.log[:500]
    assert "hvc0" in guest.run("cat /proc/consoles").out
    assert con.attribute(guest, "hvc0", "lost") == 0
