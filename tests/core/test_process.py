"""What holds for the whole process: memory that is freed stays at hand, and goes back when it is asked for."""

import ctypes
import gc
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from nst_core import process

RESIDENT = """
import resource
import sys
from nst_core.process import give_back, keep_freed, settle
settle()
keep_freed("kept" in sys.argv)
import torch
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
def allocate():
    there = resident()
    for _ in range(30):
        torch.ones(12 << 20)
    return resident() - there
first, again = allocate(), allocate()
there = resident()
give_back()
print(first, again, there - resident())
"""
BLOCK = 48 << 20  # bytes, of those ones


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this C library decides by itself")
def test_what_is_freed_stays_at_hand_until_it_is_given_back():
    """Told by what stays resident after thirty blocks were freed: how many pages that is depends on their size."""

    def run(*words, **more):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
        command = [sys.executable, "-c", RESIDENT, *words]
        out = subprocess.check_output(command, env={**environment, **more}, text=True, cwd=Path(__file__).parents[2])
        return [int(number) for number in out.split()]

    a_little = BLOCK // 4  # other blocks settle in what was freed, and huge pages are filled up
    first, again, given_back = run("kept")
    assert first > BLOCK - a_little and again < a_little and given_back > BLOCK - a_little
    assert all(grown < a_little for grown in run()[:2])
    assert run("kept", MALLOC_MMAP_THRESHOLD_="1000000")[0] < a_little  # the user's choice holds


@pytest.mark.parametrize("error", [OSError, AttributeError, TypeError])
def test_another_c_library_is_left_alone(monkeypatch, error):
    """On Windows there is none to ask, which Python tells as a TypeError: every run would have ended in it."""

    def none(name):
        raise error

    monkeypatch.setattr(ctypes, "CDLL", none)
    process.settle()
    process.give_back()


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_is_collected_again_after_an_import_as_it_was_before(enabled):
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with pytest.raises(ImportError), process.importing():
            assert not gc.isenabled()
            raise ImportError
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if was else gc.disable)()
