# SPDX-License-Identifier: GPL-2.0-only
"""cpio archives (newc) as the kernel unpacks them; several may follow each other in one initramfs."""
import os
import stat


class Archive:
    def __init__(self, path):
        self.out = open(path, "wb")
        self.inode = 0
        self.folders = set()

    def _entry(self, name, mode, data=b"", rdev=(0, 0)):
        self.inode += 1
        encoded = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(encoded), 0)
        header = b"070701" + b"".join(b"%08x" % f for f in fields)
        self.out.write(header + encoded + b"\0" * (-(len(header) + len(encoded)) % 4))
        self.out.write(data)
        self.out.write(b"\0" * (-len(data) % 4))

    def folder(self, name, mode=0o755):
        parts = name.strip("/").split("/")
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            if path and path not in self.folders:
                self.folders.add(path)
                self._entry(path, stat.S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        if "/" in name.strip("/"):
            self.folder(os.path.dirname(name.strip("/")))
        if hasattr(data, "read_bytes"):
            mode = stat.S_IMODE(data.stat().st_mode)
            data = data.read_bytes()
        elif isinstance(data, str):
            data = data.encode()
        self._entry(name.strip("/"), stat.S_IFREG | mode, data)

    def link(self, name, target):
        if "/" in name.strip("/"):
            self.folder(os.path.dirname(name.strip("/")))
        self._entry(name.strip("/"), stat.S_IFLNK | 0o777, target.encode())

    def device(self, name, major, minor, mode=0o600):
        self._entry(name, stat.S_IFCHR | mode, rdev=(major, minor))

    def tree(self, root, at=""):
        """Everything below a folder, without owners: all root's."""
        for folder, subfolders, files in os.walk(root):
            subfolders.sort()
            relative = os.path.relpath(folder, root)
            prefix = at if relative == "." else os.path.join(at, relative)
            if prefix:
                self.folder(prefix)
            for name in sorted(files + [d for d in subfolders if os.path.islink(os.path.join(folder, d))]):
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    self.link(os.path.join(prefix, name), os.readlink(path))
                else:
                    with open(path, "rb") as data:
                        self.file(os.path.join(prefix, name), data.read(), stat.S_IMODE(os.stat(path).st_mode))

    def close(self):
        self._entry("TRAILER!!!", 0)
        self.out.write(b"\0" * (-self.out.tell() % 512))
        self.out.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
