"""Finding a Python 2.7: one that runs, not one that is only there."""

from __future__ import annotations

import pytest

from . import python27


@pytest.fixture
def empty_machine(monkeypatch, tmp_path):
    """A machine whose Python 2.7 is a shim that leads nowhere."""
    shims = tmp_path / "shims"
    shims.mkdir()
    shim = shims / "python2.7"
    shim.write_text("#!/bin/sh\necho 'python2.7: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(shims))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("NST_TEST_CACHE", str(tmp_path / "cache"))
    python27.find_or_install.cache_clear()
    yield tmp_path
    python27.find_or_install.cache_clear()


def test_a_shim_that_leads_nowhere_is_passed_over(empty_machine):
    assert python27.find() is None


def test_pyenv_s_own_is_found_without_its_shim(empty_machine, python):
    bin_ = empty_machine / "pyenv/versions/2.7.18/bin"
    bin_.mkdir(parents=True)
    link = bin_ / "python2.7"
    link.write_text('#!/bin/sh\nexec {} "$@"\n'.format(" ".join(f"'{part}'" for part in python)))
    link.chmod(0o755)
    assert python27.find() == [str(link)]


def test_it_says_why_there_is_none(empty_machine, monkeypatch):
    # no tool of any of the three ways is on this machine's PATH, and there is no mirror to unpack Debian's from
    monkeypatch.setattr(python27, "debian_mirror", lambda: "http://127.0.0.1:9/debian")
    with pytest.raises(python27.PythonUnavailable) as told:
        python27.find_or_install()
    assert "from debian" in str(told.value) and "from apt" in str(told.value)
    assert "there is no pyenv" in str(told.value)
