# SPDX-License-Identifier: GPL-2.0-only
"""Orders to a running backend, over a Unix socket: one JSON object there, one back."""
import json
import os
import pathlib
import socket

import catalogue

FOLDER = pathlib.Path("/run/hostile")


def file(device, suffix):
    return FOLDER / f"{device.domid}-{device.kind}-{device.number}.{suffix}"


class Control:
    """The backend's end."""

    def __init__(self, device):
        path = file(device, "socket")
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()

    def fileno(self):
        return self._socket.fileno()

    def answer(self, backend):
        connection, _ = self._socket.accept()
        with connection, connection.makefile("rw") as stream:
            connection.settimeout(5)
            try:
                order = json.loads(stream.readline())
                for text in order.get("lie", ()):
                    backend.arm(catalogue.make(text))
                answer = self._status(backend)
            except ValueError as error:
                answer = {"error": str(error)}
            stream.write(json.dumps(answer) + "\n")

    @staticmethod
    def _status(backend):
        connection = backend.connection
        return {"pid": os.getpid(), "state": backend.state, "connects": backend.connects,
                "requests": backend.requests, "told": backend.told, "armed": [lie.name for lie in backend.armed()],
                "slots": connection.ring.size if connection else 0,
                "unanswered": len(connection.unanswered) if connection else 0, **backend.account()}


def order(device, **what):
    """The other end; None if there is no such backend, or it has died."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(str(file(device, "socket")))
            with connection.makefile("rw") as stream:
                stream.write(json.dumps(what) + "\n")
                stream.flush()
                line = stream.readline()
    except (FileNotFoundError, ConnectionError):
        return None
    if not line:
        return None
    answer = json.loads(line)
    if "error" in answer:
        raise SystemExit(answer["error"])
    return answer
