# SPDX-License-Identifier: GPL-2.0-only
"""The machine under measurement: one instruction is one nanosecond, one vCPU, null_blk behind blkback, a
bridge in dom0 behind netback."""
import contextlib

from xenbed.host import Host, new_log_folder
from xenbed.nic import Nic

GUEST_MB = 2048                 # in-tree's pools for ring order 4 and 256 segments take half a gigabyte
FLOOR = "/dev/nullb0"


@contextlib.contextmanager
def running(name, modules=None, kernel="6.1", plugin=None):
    """The guest, up, with no driver loaded; guest.host and guest.dom0 lead to the others."""
    host = Host(icount=True, folder=new_log_folder(name), modules=modules, plugin=plugin)
    try:
        host.start()
        guest = host.guest("bench", type="pv", kernel=kernel, vcpus=1, memory=GUEST_MB, load=(), nics=[Nic()])
        guest.start()
        guest.run("modprobe null_blk && test -b " + FLOOR)
        yield guest
    finally:
        host.stop()
