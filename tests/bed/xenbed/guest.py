# SPDX-License-Identifier: GPL-2.0-only
"""A guest: from its description to commands run in it, through save, restore and migration."""
import queue
import re
import threading
import time

from . import debian, image, kernels, ktap, link, login, modules, mux, nic, paths, progress
from .case import Failed, Skip
from .consoles import Consoles
from .disk import Disk
from .progress import BedError
from .screen import Screen

STOPS = (rb"Kernel panic - not syncing[^\r\n]*|reboot: (?:Power down|System halted)|"
         rb"unregister_netdevice: waiting for [^\r\n]*")      # for ever, as a rule
# agent_console of an agent that needs no module of ours.
SERIAL = "serial"


class Guest:
    # What its console says when it has ended, and what the toolstack does when it wants to boot again.
    ENDS = re.compile(STOPS + rb"|reboot: Restarting system")
    ON_REBOOT = "destroy"

    def __init__(self, host, name, type="pv", kernel="6.1", vcpus=1, memory=384, disks=(), nics=(), vfb=False,
                 modules="ours", module_params=None, load=None, root="ram", extra="", files=None, config="",
                 agent_console=0):
        if type not in ("pv", "pvh", "hvm"):
            raise BedError(f"guest type {type!r} is not pv, pvh or hvm")
        if modules not in ("ours", "intree"):
            raise BedError(f"modules={modules!r} is neither 'ours' nor 'intree'")
        self.host, self.dom0, self.name = host, host.dom0, name
        self.type, self.kernel = type, kernels.find(kernel)
        self.vcpus, self.memory = vcpus, memory
        self.disks = [d if isinstance(d, Disk) else Disk(**d) for d in disks]
        self.nics, self.vfb, self.screen = nic.Nics(self, nics), vfb, Screen(self)
        # A kernel that knows nothing of Xen: until our modules are there, it has an emulated serial port only.
        self.foreign = type == "hvm" and not self.kernel.has("XEN")
        if self.foreign and modules == "intree":
            agent_console = SERIAL
        # On another console than the primary one the agent leaves that to the case.
        self.consoles, self.agent_console = Consoles(self), agent_console
        if agent_console:
            extra = f"bed.tty={'ttyS0' if agent_console == SERIAL else f'hvc{agent_console}'} {extra}"
        if self.foreign:
            # A character takes milliseconds: errors alone, until the initramfs has another console. An emulated screen is worse.
            extra = f"{extra} console=ttyS0 loglevel=4"
            # What it does at boot without ever scheduling may take half a minute; that is no lock-up.
            extra = f"{extra} watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120"
        if self.foreign and root != "ram":
            # udev takes minutes in an emulated HVM guest to tell systemd that there is a terminal to log in on.
            extra = f"{extra} console=hvc0 systemd.default_device_timeout_sec=900"
        self.modules, self.module_params = modules, dict(module_params or {})
        self.load = list(load) if load is not None else (["xen-blkfront"] if self.disks else []) + (
            ["xen-netfront"] if nics else []) + (["xen:vkbd", "xen:vfb"] if vfb else [])
        if root != "ram":
            self.installed = debian.installed(self.kernel, self.modules_folder())
            # Making it may take minutes, in which nothing in the host moves.
            host.watch.touch()
            if not any(d.vdev == "xvda" for d in self.disks):
                self.disks.insert(0, Disk("xvda", image=self.installed.disk))
        self.root, self.extra, self.files, self.config = root, extra, dict(files or {}), config
        self.agent = None
        self.text, self.serial_text = bytearray(), bytearray()
        self.log_path, self.serial_path = host.folder / f"guest-{name}.log", host.folder / f"guest-{name}-serial.log"
        self.on_console = None          # bytes as they come from the console, for who wants to look
        self.started = False
        self.selftest_output = None     # who takes the KTAP of selftest()

    # -- description ---------------------------------------------------------------------------------

    def modules_folder(self):
        """Our modules for this kernel, or None when the guest has the kernel's own only."""
        if self.modules == "intree":
            return None
        folder = self.host.modules or modules.built_for(self.kernel)
        if not folder.exists():
            raise BedError(f"our modules for {self.kernel.release} are not in {folder}; build them with\n"
                           f"    tests/build/build {self.kernel.release}\nor name another folder with --modules")
        return folder

    def _files(self):
        files = dict(self.files)
        options = "".join(f"options {name.replace('-', '_')} {value}\n" for name, value in self.module_params.items())
        files["etc/modprobe.d/bed.conf"] = options
        for path in sorted(paths.SELFTESTS.rglob("*")) if paths.SELFTESTS.exists() else ():
            if path.is_file():
                files[f"selftests/{path.relative_to(paths.SELFTESTS)}"] = path
        return files

    def _boot_lines(self):
        folder, where = f"/share/{self.name}", self.host.share / self.name
        self._brought = []
        where.mkdir(exist_ok=True)
        image.copy(self.kernel.image if self.type == "hvm" else self.kernel.elf, where / "kernel")
        boot = f"/scratch/{self.name}"
        lines = [f'kernel="{boot}-kernel"', f'ramdisk="{boot}-initrd"']
        for name in ("kernel", "initrd"):
            self._bring(f"{folder}/{name}", f"{boot}-{name}", fresh=True)
        # The rootfs is filled before all memory is known, and a tmpfs would take half of what is known for its limit.
        root = "rdinit=/init rootfstype=ramfs"
        if self.root != "ram":
            image.copy(self.installed.initrd, where / "initrd")
            root = f"root=/dev/{self.root} ro"
        elif self.type == "hvm":
            packed = image.guest_initramfs_hvm(self.kernel, self.modules_folder(), self._files(), where / "initrd",
                                               where / "more", self.module_params)
            lines.append(self._virtio_disks(f"/scratch/{packed.name}", f"{boot}-more"))
            self._bring(f"/cache/{packed.relative_to(paths.CACHE)}", f"/scratch/{packed.name}")
            self._bring(f"{folder}/more", f"{boot}-more", fresh=True)
        else:
            image.guest_initramfs(self.kernel, self.modules_folder(), self._files(), where / "initrd")
        return lines + [f'cmdline="{root} {kernels.GUEST_ARGUMENTS} {self._clock()} {self.extra}"']

    def _clock(self):
        """Without Xen's clock, and with a TSC that it cannot measure in an emulated machine, a kernel reads the time from
        an emulated timer each time: it would take minutes to boot."""
        if not self.foreign:
            return ""
        mhz = float(self.dom0.run("xl info | sed -n 's/^cpu_mhz *: *//p'").out)
        return f"tsc_early_khz={int(mhz * 1000)} tsc=reliable"

    def _bring(self, path, scratch, fresh=False):
        """To dom0's own disk, before the guest is created. Over 9p xl needs ten seconds more to map a file page by page,
        and QEMU's reads straight into a guest's memory fail: 9p cannot pin foreign pages."""
        self._brought.append(f"cp {path} {scratch}" if fresh else f"[ -e {scratch} ] || cp {path} {scratch}")

    @staticmethod
    def _virtio_disks(*files):
        """Class 'other storage': Xen's unplug takes IDE, SCSI and NVMe away."""
        words = []
        for number, path in enumerate(files):
            words += ["-drive", f"file={path},if=none,id=bed{number},format=raw,readonly=on,file.locking=off",
                      "-device", f"virtio-blk-pci,drive=bed{number},class=0x0180"]
        return f"device_model_args_hvm={words!r}"

    def xl_config(self):
        disks = ", ".join(f"'{d.specification()}'" for d in self.disks)
        lines = [f'name="{self.name}"', f'type="{self.type}"', f"vcpus={self.vcpus}", f"memory={self.memory}",
                 'tsc_mode="native"', 'on_crash="preserve"', f'on_reboot="{self.ON_REBOOT}"', f"disk=[{disks}]",
                 f"vif=[{', '.join(repr(n.specification()) for n in self.nics.all)}]", *self._boot_lines()]
        if self.type == "hvm":
            lines += ["xen_platform_pci=1", 'vga="none"' if not self.vfb else 'vga="stdvga"', "vnc=0", "usb=0"]
        if self.type != "pv" and self.host.qemu.cpus > 1:
            # Each FXRSTOR on any CPU makes QEMU (cpu_clear_ignne) read and write the first CPU's hflags2 without a lock. The
            # bits of SVM are in there: what VMRUN or #VMEXIT has changed meanwhile would be lost, and a guest would walk its
            # page tables without nested paging (a triple fault), or the hypervisor's registers end up in its VMCB.
            lines.append('cpus="all,^0"')
        if self.foreign:
            lines.append('serial="pty"')
        if self.vfb:
            lines.append("vfb=['vnc=1,vnclisten=0.0.0.0,vncdisplay=0,vncunused=1']")
        return "\n".join(lines + [self.config]) + "\n"

    # -- life ----------------------------------------------------------------------------------------

    def start(self, wait=True):
        """Creates the guest; wait: until its agent answers, the modules are loaded, and its disks are there."""
        began = time.monotonic()
        for disk in self.disks:
            disk.prepare(self.dom0, self.name)
        self.config_path = f"/share/{self.name}/xl.cfg"
        text = self.xl_config()
        (self.host.share / self.name / "xl.cfg").write_text(text)
        self._listen()
        for command in self._brought:
            self.dom0.run(command)
        self.dom0.run(f"xl create {self.config_path}")
        self.started = True
        if self.agent_console and self.agent_console != SERIAL:
            self.consoles.attach(self.agent_console)
        if wait:
            self.ready()
        what = "up" if wait else "created"
        progress.say(f"guest {self.name} ({self.type}, {self.agent.hello or self.kernel.release}): {what} after {time.monotonic() - began:.1f} s")
        return self

    def ready(self):
        if self.root != "ram":
            login.start_agent(self)
        self.agent.wait_hello()
        if self.agent_console and self.agent_console != SERIAL:
            # Its kernel's messages go to the primary console, to which nobody listens.
            self.spawn("exec dmesg --follow", on_output=self._text)
        if self.load:
            self.run(f"modprobe -a {' '.join(self.load)}")
            nodes = [d.node for d in self.disks if d.node and self.type != "hvm" or d.vdev.startswith("xvd")]
            for node in filter(None, nodes):
                self.wait_for(f"test -b {node}", what=node)
        if "xen-netfront" in self.load:
            for one in self.nics.all:
                if one.address:
                    self.nics.configure(one)

    def wait_for(self, condition, what="", timeout=120):
        """Until a shell command in the guest succeeds."""
        result = self.run(f"n=0; until {condition}; do n=$((n+1)); [ $n -gt {timeout * 5} ] && exit 1; sleep 0.2; done",
                          check=False)
        if not result:
            raise BedError(f"{self.name}: {what or condition}: not so after {timeout} s")

    def _listen(self):
        self.incoming = queue.Queue()
        serial = "serial/0"
        console = {0: "console", SERIAL: serial}.get(self.agent_console, f"device/console/{self.agent_console}")
        self.relay = self._relay(console, self._feed)
        self.relays = [self.relay]
        if self.foreign and console != serial:
            self.relays.append(self._relay(serial, self._serial))
        self.agent = mux.Agent(self.name, link.Console(), self.relay.write, on_text=self._text, judge=self.host.judge)
        threading.Thread(target=self._serve, daemon=True).start()

    def _relay(self, console, take):
        return self.dom0.spawn(f"exec /bed/files/console-relay {self.name} {console}",
                               on_output=lambda data: self.incoming.put((take, data)))

    def _serve(self):
        """The guest's own thread: dom0's must never wait for this guest's locks."""
        relay, agent = self.relay, self.agent
        with open(self.log_path, "ab", buffering=0) as self.log_file:
            while relay.running and not agent.gone.startswith("destroyed"):
                try:
                    take, data = self.incoming.get(timeout=0.3)
                except queue.Empty:
                    agent.flush()
                    continue
                self.host.watch.touch()
                take(data)

    def _feed(self, data):
        if self.on_console:
            self.on_console(data)
        self.agent.feed(data)

    def _text(self, text):
        self.text += text
        self.log_file.write(text)
        self._ended(self.text, len(text))

    def _serial(self, data):
        """The emulated serial port, while the agent is elsewhere."""
        self.serial_text += data
        with open(self.serial_path, "ab") as file:
            file.write(data)
        self._ended(self.serial_text, len(data))

    def _ended(self, text, fresh):
        found = self.ENDS.search(text, max(0, len(text) - fresh - 200))
        if found:
            self.agent.end(f"its kernel said '{found.group(0).decode(errors='replace')}'")

    @property
    def log(self):
        """All that its console has said (the agent's packets taken out)."""
        return self.text.decode(errors="replace").replace("\r", "")

    @property
    def serial(self):
        """What its emulated serial port has said, while the agent is elsewhere."""
        return self.serial_text.decode(errors="replace").replace("\r", "")

    @property
    def id(self):
        return int(self.dom0.run(f"xl domid {self.name}").out)

    @property
    def state(self):
        """xl list's state letters, '' when there is no such domain."""
        result = self.dom0.run(f"xl list {self.name}", check=False)
        return result.out.splitlines()[-1].split()[-2].replace("-", "") if result else ""

    # -- commands ------------------------------------------------------------------------------------

    def run(self, command, check=True, input=b"", timeout=None):
        return self.agent.run(command, check=check, input=input, timeout=timeout)

    def spawn(self, command, on_output=None):
        return self.agent.spawn(command, on_output=on_output)

    def push(self, data, path, mode=0o755):
        """A small file (text, bytes or Path) into the guest; large ones belong into files=."""
        self.agent.put(data, path, mode)

    def get(self, path):
        return self.agent.get(path)

    def selftest(self, script, arguments=""):
        """Runs tests/selftests/<area>/<name>.sh in the guest; its KTAP becomes nested KTAP of the case.
        Exit status 4 skips the case; any other than 0, or a line 'not ok', fails it."""
        folder, _, name = f"/selftests/{script}".rpartition("/")
        result = self.run(f"cd {folder} && exec {self._interpreter(script)} ./{name} {arguments}", check=False)
        if self.selftest_output:
            self.selftest_output(result.out)
        if result.rc == 4:
            lines = (result.out + result.err).strip().splitlines()
            raise Skip(lines[-1] if lines else script)
        bad = ktap.failures(result.out)
        if result.rc or bad:
            raise Failed(f"{script}: exit status {result.rc}; not ok: {', '.join(bad) or 'none'}\n{result.err[-2000:]}")
        if not ktap.results(result.out):
            raise Failed(f"{script}: no results in its output\n{result.out[-500:]}{result.err[-500:]}")
        return result

    @staticmethod
    def _interpreter(script):
        """From its first line: the files' modes do not survive every way into a guest."""
        first = (paths.SELFTESTS / script).read_text(errors="replace").split("\n", 1)[0]
        return first[2:].strip() if first.startswith("#!") else ""

    # -- toolstack -----------------------------------------------------------------------------------

    def pause(self):
        self.dom0.run(f"xl pause {self.name}")

    def unpause(self):
        self.dom0.run(f"xl unpause {self.name}")

    def save(self, path=None):
        self.saved = path or f"/scratch/{self.name}.save"
        self.dom0.run(f"xl save {self.name} {self.saved}")

    def restore(self):
        self.dom0.run(f"xl restore {self.saved} && rm -f {self.saved}")

    def migrate(self):
        """Live, to this same host (PVH, HVM: Debian's Xen has no log-dirty mode for PV)."""
        self.dom0.run(f"xl migrate -s '' {self.name} 'xl migrate-receive'")

    def attach_nic(self, one):
        return self.nics.attach(one)

    def detach_nic(self, one):
        return self.nics.detach(one)

    def interface(self, one=0):
        """The guest's name of a Nic (or of the nth): eth0."""
        return self.nics.interface(one)

    def vif(self, one=0):
        """dom0's name of it: vif3.0."""
        return f"vif{self.id}.{self.nics.handle(one)}"

    def nic_backend(self, one=0):
        """Its backend folder in xenstore."""
        return self.dom0.read(f"/local/domain/{self.id}/device/vif/{self.nics.handle(one)}/backend")

    def attach_disk(self, disk):
        disk.prepare(self.dom0, self.name)
        self.dom0.run(f"xl block-attach {self.name} '{disk.specification()}'")
        self.disks.append(disk)
        return disk

    def detach_disk(self, disk, force=False):
        if force:
            # What libxl does when it forces: xl of 4.17 has no option for it.
            back = self.backend(disk)
            front = self.dom0.read(f"{back}/frontend")
            # With its own record, or the next disk of that number "already exists".
            record = f"/libxl/{self.id}/device/vbd/{back.rpartition('/')[2]}"
            result = self.dom0.run(f"xenstore-rm {front}; xenstore-rm {record}; "
                                   f"xenstore-write {back}/online 0 {back}/state 5")
        else:
            result = self.dom0.run(f"xl block-detach {self.name} {disk.vdev}", check=False)
        if result:
            self.disks.remove(disk)
            disk.release(self.dom0)
        return result

    def backend(self, disk):
        """The disk's backend folder in xenstore."""
        for device in self.dom0.run(f"xenstore-list /local/domain/{self.id}/device/vbd").out.split():
            path = self.dom0.read(f"/local/domain/{self.id}/device/vbd/{device}/backend")
            if self.dom0.read(f"{path}/dev") == disk.vdev:
                return path
        raise BedError(f"{self.name}: no vbd {disk.vdev} in xenstore")

    def shutdown(self, timeout=300):
        self.dom0.run(f"xl shutdown -w {self.name}", timeout=timeout)
        self._gone()

    def destroy(self):
        if self.started:
            self.dom0.run(f"xl destroy {self.name}", check=False, timeout=120)
        self._gone()

    def _gone(self):
        if self.agent:
            self.agent.end("destroyed")
            for relay in self.relays:
                relay.kill()
        self.screen.close()
        self.started = False
        self.dom0.run(f"rm -f /scratch/{self.name}-kernel /scratch/{self.name}-initrd", check=False)
        for disk in self.disks:
            disk.release(self.dom0)
        self.host.guests.pop(self.name, None)
