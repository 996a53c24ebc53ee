# SPDX-License-Identifier: GPL-2.0-only
"""One fio job in the guest."""
import dataclasses
import json

from xenbed.progress import BedError


@dataclasses.dataclass(frozen=True)
class Result:
    iops: float
    mb_per_s: float
    ios: int


def command(row, device, seconds):
    """Fixed seed and offsets: every run of a row asks for the same blocks in the same order."""
    return (f"fio --name=row --filename={device} --direct=1 --ioengine=io_uring --rw={row.rw} --bs={row.size} "
            f"--iodepth={row.depth} --randrepeat=1 --time_based --runtime={int(seconds * 1000)}ms "
            f"--allow_file_create=0 --output-format=json --eta=never")


def parse(row, text):
    # Notes of fio's own may come before the document.
    try:
        job = json.loads(text[text.index("{"):])["jobs"][0]
    except (ValueError, LookupError) as error:
        raise BedError(f"{row.name}: fio's output is not what it should be ({error}):\n{text[-800:]}") from None
    if job["error"]:
        raise BedError(f"{row.name}: fio says error {job['error']}")
    side = job["write" if row.writes else "read"]
    if not side["total_ios"]:
        raise BedError(f"{row.name}: fio has done no I/O")
    return Result(side["iops"], side["bw_bytes"] / 1e6, side["total_ios"])


def run(guest, row, device, seconds):
    return parse(row, guest.run(command(row, device, seconds)).out)
