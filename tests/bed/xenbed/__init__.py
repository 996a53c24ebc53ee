# SPDX-License-Identifier: GPL-2.0-only
"""A real Xen host inside QEMU, for tests. See ../README.md."""
from .case import Failed, Skip, case    # noqa: F401
from .disk import Disk                  # noqa: F401
from .host import Host                  # noqa: F401
from .nic import Nic                    # noqa: F401
from .mux import AgentGone, CommandFailed   # noqa: F401
from .progress import BedError          # noqa: F401
