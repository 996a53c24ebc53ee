# SPDX-License-Identifier: GPL-2.0-only
"""A device in xenstore: the two directories that a toolstack makes for a vbd, of a backend type of our own."""
import time

from xen import Store

TYPE = "hostile"


class Device:
    def __init__(self, domid, vdev):
        self.domid, self.vdev = domid, vdev
        self.backend = f"/local/domain/0/backend/{TYPE}/{domid}/{vdev}"
        self.frontend = f"/local/domain/{domid}/device/vbd/{vdev}"

    def __str__(self):
        return f"domain {self.domid} device {self.vdev}"

    def exists(self, store):
        return store.read(f"{self.backend}/frontend-id") is not None

    def create(self, store, mode="w"):
        if store.read(f"/local/domain/{self.domid}/domid") is None and not store.list(f"/local/domain/{self.domid}"):
            raise SystemExit(f"there is no domain {self.domid}")
        if store.read(f"{self.frontend}/backend") is not None:
            raise SystemExit(f"{self} exists already")
        back = {"frontend": self.frontend, "frontend-id": self.domid, "online": 1, "state": 1, "mode": mode,
                "device-type": "disk", "removable": 0, "bootable": 0, "dev": f"vdev{self.vdev}"}
        front = {"backend": self.backend, "backend-id": 0, "virtual-device": self.vdev, "device-type": "disk",
                 "state": 1}

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
