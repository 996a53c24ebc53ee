# SPDX-License-Identifier: GPL-2.0-only
"""A plot of the ratios, drawn by gnuplot."""
import os
import shutil
import subprocess

from xenbed import packages, progress
from xenbed.progress import BedError

PACKAGE = "gnuplot-nox"

SCRIPT = """set terminal pngcairo size 1000,560 font "sans,11"
set output "{png}"
set title "against the kernel's own drivers: work per I/O or packet, {setting}" noenhanced
set style data histograms
set style histogram errorbars gap 1 lw 1.5
set style fill solid 0.8 border -1
set boxwidth 0.9
set ylabel "ours / in-tree (higher is better)"
set yrange [0:*]
set offsets graph 0, graph 0, graph 0.15, 0
set grid ytics
set key top left horizontal
set bmargin 4
set arrow from graph 0, first 1 to graph 1, first 1 nohead lw 1.5 lc rgb "#404040" front
plot "{data}" using 2:3:4:xtic(1) title "xenfront" lc rgb "#2a6fbb", \\
     "" using 5:6:7 title "A/A control (in-tree / in-tree)" lc rgb "#b0b0b0", \\
     "" using 8:8:8 title "aim" lc rgb "#e0a030"
"""


def ensure():
    """Before the long part: it would be a pity to miss it afterwards."""
    if shutil.which("gnuplot"):
        return
    line = ["apt-get", "install", "-y", "--no-install-recommends", PACKAGE]
    if os.geteuid():
        raise BedError(f"gnuplot is missing; install it with\n    sudo {' '.join(line)}\nor start with --no-plot")
    with progress.step(f"installing {PACKAGE}"):
        done = subprocess.run(line, env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise BedError(f"{' '.join(line)} failed:\n{done.stdout[-1000:]}")


def draw(png, summaries, setting):
    data = png.with_suffix(".dat")
    with open(data, "w") as out:
        for s in summaries:
            label = s.row.in_words.replace(", ", "\\n")
            out.write(f'"{label}" {s.ratio.median} {s.ratio.low} {s.ratio.high} '
                      f"{s.control.median} {s.control.low} {s.control.high} {s.row.aim}\n")
    done = subprocess.run(["gnuplot"], input=SCRIPT.format(png=png, data=data, setting=setting), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode or not png.exists():
        raise BedError(f"gnuplot failed:\n{done.stdout[-1000:]}")
    return png
