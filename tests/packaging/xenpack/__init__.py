# SPDX-License-Identifier: GPL-2.0-only
"""Installs the packages in root directories of Debian releases, and looks at what comes of it.

The root directories are made as the toolchains are (tests/build/xenbuild), which has the package lists, the
cache and the progress lines from the test bed.
"""
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "build"), str(TESTS / "bed")]
