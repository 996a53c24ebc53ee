# SPDX-License-Identifier: GPL-2.0-only
"""The results: a Markdown table (terminal and docs alike) and a CSV of every sample."""
import csv

from . import counts, rows
from .series import FLOOR, INTREE, OURS

LIMITS = """One instruction is one nanosecond of this machine's clock (QEMU -icount): the figures are work per I/O by guest, Xen and
dom0 together, not the speed of any hardware. Copies count too high (each step of a rep movs is an instruction) and TLB
flushes count for nothing, so grant mapping looks cheaper and copying dearer than they are. The floor is the same
fio job on null_blk inside the guest. The ratio of a turn is ours against the mean of in-tree before and after it; the
A/A control is in-tree against in-tree one turn earlier, and its spread is the noise."""


def _spread(spread, digits):
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f}–{spread.high:.{digits}f})"


def _aligned(lines):
    """Markdown with columns as wide as their widest cell, to be read in a terminal too."""
    width = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(line, width)) + " |" for line in lines]
    return [text[0], "|" + "|".join("-" * (w + 2) for w in width) + "|", *text[1:]]


def speed(summaries):
    lines = [["row", "floor", "in-tree", "xenfront", "ratio (least–most)", "aim", "A/A control", "result"]]
    for s in summaries:
        lines.append([f"{s.row.in_words}, {s.row.unit}", f"{s.figures[FLOOR].median:.0f}", f"{s.figures[INTREE].median:.0f}",
                      f"{s.figures[OURS].median:.0f}", _spread(s.ratio, 3), f"{s.row.aim:.2f}", _spread(s.control, 3),
                      s.verdict])
    return _aligned(lines)


def _count(value):
    return "-" if value is None else f"{value:.3f}" if value < 10 else f"{value:.1f}"


def per_io(summaries):
    lines = [["per I/O", "driver", *(name.replace("_", " ") for name in counts.NAMES)]]
    for s in summaries:
        for who in (INTREE, OURS):
            lines.append([s.row.in_words, who, *(_count(s.per_io[who][name]) for name in counts.NAMES)])
    notes = "; ".join(f"{name.replace('_', ' ')}: {meaning}" for name, meaning in counts.MEANING.items())
    return [*_aligned(lines), "", notes[:1].upper() + notes[1:] + "."]


def memory(costs):
    lines = [["memory of an idle disk (ring order 4, 256 segments)", "KiB: median (least–most)", "aim"]]
    for who in (INTREE, OURS):
        ordered = sorted(costs[who])
        lines.append([who, f"{ordered[len(ordered) // 2]} ({ordered[0]}–{ordered[-1]})",
                      f"< {rows.MEMORY_AIM_KIB}" if who == OURS else ""])
    return _aligned(lines)


def text(setting, summaries, costs):
    parts = [setting, ""]
    if summaries:
        parts += [*speed(summaries), "", *per_io(summaries), ""]
    if costs:
        parts += [*memory(costs), ""]
    return "\n".join([*parts, LIMITS]) + "\n"


def write_csv(path, samples, costs):
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["row", "driver", "turn", "unit", "value", "ios", *counts.NAMES])
        for s in samples:
            out.writerow([s.row, s.who, s.turn, rows.find(s.row).unit, f"{s.value:.3f}", s.ios,
                          *("" if s.per_io.get(name) is None else f"{s.per_io[name]:.5f}" for name in counts.NAMES)])
        for who, values in costs.items():
            for turn, value in enumerate(values):
                out.writerow([rows.MEMORY, who, turn, "KiB", value, "", *[""] * len(counts.NAMES)])
