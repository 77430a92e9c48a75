"""For all tests: where GIMP is required, a skipped test is a failed one."""

from __future__ import annotations

import os
import signal

import hypothesis
import pytest

# on a machine that others use too, one example may take any time
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell's background job ignores Ctrl-C, and so would all that is started and interrupted here
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _required(report):
    if report.skipped and os.environ.get("NST_GIMP_REQUIRED"):
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"nothing may be skipped here, but: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    return _required((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return _required((yield))
