# SPDX-License-Identifier: GPL-2.0-only
"""A device in xenstore: the two directories that a toolstack makes for it, of a backend type of our own."""
import time

from xen import Store

TYPE = "hostile"


class Device:
    kind = ""               # of the front-end: vbd, vif, vfb, vkbd, console

    def __init__(self, domid, number):
        self.domid, self.number = domid, number
        self.backend = f"/local/domain/0/backend/{TYPE}/{domid}/{number}"
        self.frontend = f"/local/domain/{domid}/device/{self.kind}/{number}"

    def __str__(self):
        return f"domain {self.domid} {self.kind} {self.number}"

    def keys(self):
        """What the kind's own keys are: the backend's and the front-end's."""
        raise NotImplementedError

    def create(self, store):
        if store.read(f"/local/domain/{self.domid}/domid") is None and not store.list(f"/local/domain/{self.domid}"):
            raise SystemExit(f"there is no domain {self.domid}")
        if store.read(f"{self.frontend}/backend") is not None:
            raise SystemExit(f"{self} exists already")
        back, front = self.keys()
        back |= {"frontend": self.frontend, "frontend-id": self.domid, "online": 1, "state": 1}
        front |= {"backend": self.backend, "backend-id": 0, "state": 1}

        def work():
            store.mkdir(self.backend, (0, Store.NONE), (self.domid, Store.READ))
            store.mkdir(self.frontend, (self.domid, Store.NONE), (0, Store.READ))
            for folder, keys in ((self.backend, back), (self.frontend, front)):
                for key, value in keys.items():
                    store.write(f"{folder}/{key}", value)
        store.transaction(work)

    def remove(self, store, patience):
        """Asks the front-end to go, as a toolstack does; True if it has gone."""
        if store.read(f"{self.frontend}/state") is not None:
            def work():
                store.write(f"{self.backend}/online", 0)
                store.write(f"{self.backend}/state", 5)
            store.transaction(work)
            end = time.monotonic() + patience
            while store.read(f"{self.frontend}/state") not in ("6", None):
                if time.monotonic() > end:
                    return False
                time.sleep(0.1)
        return True

    def erase(self, store):
        store.remove(self.frontend)
        store.remove(self.backend)


class Vbd(Device):
    kind = "vbd"

    def keys(self):
        return ({"mode": "w", "device-type": "disk", "removable": 0, "bootable": 0, "dev": f"vdev{self.number}"},
                {"virtual-device": self.number, "device-type": "disk"})


class Vif(Device):
    kind = "vif"

    @property
    def mac(self):
        return f"00:16:3e:66:{self.domid & 255:02x}:{self.number & 255:02x}"

    def keys(self):
        return {"handle": self.number, "mac": self.mac}, {"handle": self.number, "mac": self.mac}


class Vfb(Device):
    kind = "vfb"

    def keys(self):
        return {}, {}


class Vkbd(Vfb):
    kind = "vkbd"


class Console(Device):
    kind = "console"

    def keys(self):
        return {}, {"type": "ioemu", "limit": 1048576}
