# SPDX-License-Identifier: GPL-2.0-only
"""Builds and checks the modules for every kernel of the matrix.

The package lists, the cache and the progress lines are the test bed's (tests/bed/xenbed).
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bed"))
