# SPDX-License-Identifier: GPL-2.0-only
"""dom0 as a test sees it: commands, files, the toolstack."""
import threading

from . import link, mux


class Dom0:
    def __init__(self, connection, on_bytes):
        self.connection, self.on_bytes = connection, on_bytes
        self.agent = mux.Agent("dom0", link.Stream(), connection.sendall)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                data = self.connection.recv(262144)
            except OSError as error:
                self.agent.end(str(error))
                return
            if not data:
                self.agent.end("the machine has ended")
                return
            self.on_bytes()
            self.agent.feed(data)

    def run(self, command, check=True, input=b"", timeout=None):
        return self.agent.run(command, check=check, input=input, timeout=timeout)

    def spawn(self, command, on_output=None, terminal=False):
        return self.agent.spawn(command, on_output=on_output, terminal=terminal)

    def put(self, data, path, mode=0o644):
        self.agent.put(data, path, mode)

    def get(self, path):
        return self.agent.get(path)

    # xenstore
    def read(self, path):
        """A xenstore value, or None."""
        result = self.run(f"xenstore-read {path}", check=False)
        return result.out.rstrip("\n") if result else None

    def write(self, path, value):
        self.run(f"xenstore-write -- {path} '{value}'")

    def dmesg(self):
        return self.run("dmesg").out

    def xen_log(self):
        return self.run("xl dmesg").out
