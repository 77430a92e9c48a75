"""A Python 2.7 for all tests, and a GIMP 2.10 for each, in a home folder whose name is not plain ASCII."""

from __future__ import annotations

import pytest

from . import python27
from .studio import Studio


@pytest.fixture(scope="session")
def python() -> list[str]:
    try:
        return python27.find_or_install()
    except python27.PythonUnavailable as reason:
        pytest.skip(f"No Python 2.7: {reason}.")


@pytest.fixture
def studio(python, tmp_path, monkeypatch) -> Studio:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return Studio(python, tmp_path / "Künstlerin Ångström")
