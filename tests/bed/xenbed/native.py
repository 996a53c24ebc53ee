# SPDX-License-Identifier: GPL-2.0-only
"""A guest's kernel and root on a machine without Xen: a QEMU of its own, with the agent on the serial port."""
import subprocess
import threading

from . import image, kernels, link, modules, mux, qemu

COMMAND_LINE = "console=ttyS0 bed.tty=ttyS0 rdinit=/init rootfstype=ramfs mitigations=off loglevel=7 oops=panic panic=-1"


class Native:
    """with Native(host, "noxen") as machine: machine.run("dmesg")"""

    def __init__(self, host, kernel, memory=768):
        self.host, self.kernel, self.memory = host, kernels.find(kernel), memory
        self.text = bytearray()
        self.log_path = host.folder / "native.log"

    @property
    def log(self):
        return self.text.decode(errors="replace").replace("\r", "")

    def __enter__(self):
        initrd = self.host.share / "native-initrd"
        image.guest_initramfs(self.kernel, self.host.modules or modules.built_for(self.kernel), {}, initrd)
        command = ["qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-smp", "2", "-m", str(self.memory), "-nodefaults",
                   "-display", "none", "-no-reboot", "-kernel", str(self.kernel.image), "-initrd", str(initrd),
                   "-append", COMMAND_LINE, "-serial", "stdio"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=open(self.host.folder / "native-qemu.log", "wb"),
                                        preexec_fn=qemu.die_with_parent)
        self.agent = mux.Agent("native", link.Console(), self._write, on_text=self._text)
        threading.Thread(target=self._read, daemon=True).start()
        self.agent.wait_hello(timeout=180)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def _read(self):
        while True:
            data = self.process.stdout.read1(65536)
            if not data:
                self.agent.end("the machine has ended")
                return
            self.agent.feed(data)

    def _text(self, text):
        self.text += text
        with open(self.log_path, "ab") as log:
            log.write(text)

    def run(self, command, check=True, timeout=120):
        return self.agent.run(command, check=check, timeout=timeout)
