# SPDX-License-Identifier: GPL-2.0-only
"""The results: a Markdown table (terminal and docs alike) and a CSV of every sample."""
import csv

from . import rows, subject
from .series import FLOOR, INTREE, OURS

LIMITS = """One instruction is one nanosecond of this machine's clock (QEMU -icount): the figures are work per I/O or packet by
guest, Xen and dom0 together, not the speed of any hardware. Copies count too high (each step of a rep movs is an instruction)
and TLB flushes count for nothing, so grant mapping looks cheaper and copying dearer than they are. The floor is the same job
without Xen: fio on null_blk, TCP and UDP on the loopback interface, inside the guest. The ratio of a turn is ours against the
mean of in-tree before and after it; the A/A control is in-tree against in-tree one turn earlier, and its spread is the noise."""


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
        # Gbit/s are small numbers.
        digits = s.about.digits if s.figures[INTREE].median < 1000 else 0
        lines.append([f"{s.row.in_words}, {s.row.unit}", *(f"{s.figures[who].median:.{digits}f}" for who in (FLOOR, INTREE, OURS)),
                      _spread(s.ratio, 3), f"{s.row.aim:.2f}", _spread(s.control, 3),
                      s.verdict])
    return _aligned(lines)


def _count(value):
    return "-" if value is None else f"{value:.3f}" if value < 10 else f"{value:.1f}"


def per_op(summaries, about):
    lines = [[f"per {about.each}", "driver", *(name.replace("_", " ") for name in about.names)]]
    for s in summaries:
        for who in (INTREE, OURS):
            lines.append([s.row.in_words, who, *(_count(s.per_op[who][name]) for name in about.names)])
    notes = "; ".join(f"{name.replace('_', ' ')}: {meaning}" for name, meaning in about.meaning.items())
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
    for about in (subject.Block, subject.Net):
        mine = [s for s in summaries if s.about is about]
        if mine:
            parts += [*speed(mine), "", *per_op(mine, about), ""]
    if costs:
        parts += [*memory(costs), ""]
    return "\n".join([*parts, LIMITS]) + "\n"


def write_csv(path, samples, costs):
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["row", "driver", "turn", "unit", "value", "ops", "counts"])
        for s in samples:
            out.writerow([s.row, s.who, s.turn, rows.find(s.row).unit, f"{s.value:.3f}", s.ops,
                          " ".join(f"{name}={count:.5f}" for name, count in s.per_op.items() if count is not None)])
        for who, values in costs.items():
            for turn, value in enumerate(values):
                out.writerow([rows.MEMORY, who, turn, "KiB", value, "", ""])
