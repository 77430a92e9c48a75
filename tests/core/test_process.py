"""What holds for the whole process: memory that is freed stays at hand, and goes back when it is asked for."""

import ctypes
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from nst_core import process

FAULTS = """
import resource
from nst_core.process import give_back, keep_freed, settle
settle()
import torch
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
for _ in range(30):  # some grow the heap, as other blocks settle in what was freed
    torch.ones(12 << 20)
before, there = faults(), resident()
for _ in range(20):
    torch.ones(12 << 20)
kept = resident()
print(faults() - before, kept - there)
give_back()
print(kept - resident())
keep_freed(False)
before = faults()
for _ in range(20):
    torch.ones(12 << 20)
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this C library decides by itself")
def test_what_is_freed_stays_at_hand_until_it_is_given_back():
    """48 MB, twenty times: 12,288 pages each time, if each were given back."""

    def run(**more):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
        command = [sys.executable, "-c", FAULTS]
        out = subprocess.check_output(command, env={**environment, **more}, text=True, cwd=Path(__file__).parents[2])
        return [int(number) for number in out.split()]

    faults, more, given_back, not_kept = run()
    assert faults < 2_000 and more < 1 << 20 and given_back > 40 << 20 and not_kept > 20 * 10_000
    assert run(MALLOC_MMAP_THRESHOLD_="1000000")[0] > 20 * 10_000  # the user's choice holds


@pytest.mark.parametrize("error", [OSError, AttributeError, TypeError])
def test_another_c_library_is_left_alone(monkeypatch, error):
    """On Windows there is none to ask, which Python tells as a TypeError: every run would have ended in it."""

    def none(name):
        raise error

    monkeypatch.setattr(ctypes, "CDLL", none)
    process.settle()
    process.give_back()
