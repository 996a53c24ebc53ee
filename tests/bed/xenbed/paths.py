# SPDX-License-Identifier: GPL-2.0-only
"""Where things are: the source tree, and the cache with everything that is fetched or built."""
import hashlib
import os
import pathlib
import shutil

PACKAGE = pathlib.Path(__file__).resolve().parent
BED = PACKAGE.parent
TESTS = BED.parent
SOURCE = TESTS.parent
FILES = PACKAGE / "files"
CASES = TESTS / "cases"
SELFTESTS = TESTS / "selftests"

CACHE = pathlib.Path(os.environ.get("XENFRONT_CACHE") or
                     pathlib.Path.home() / ".cache" / "xenfront").resolve()
LOGS = CACHE / "logs"


def image(name):
    """Where the image, or folder of images, of that name is or will be made.  Which is the first on a new machine depends on the command."""
    images = CACHE / "images"
    images.mkdir(parents=True, exist_ok=True)
    return images / name


def key(*inputs):
    """A short name for a thing made from these inputs (text, bytes, or paths of files)."""
    digest = hashlib.sha256()
    for item in inputs:
        if isinstance(item, pathlib.Path):
            item = item.read_bytes()
        elif not isinstance(item, bytes):
            item = str(item).encode()
        digest.update(len(item).to_bytes(8, "big") + item)
    return digest.hexdigest()[:12]


def keep_newest(folder, pattern, count):
    """Removes all but the newest entries: what was built from older inputs is not coming back."""
    entries = sorted(folder.glob(pattern), key=lambda p: p.stat().st_mtime)
    for entry in entries[:-count]:
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
