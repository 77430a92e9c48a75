"""One thread: the pictures here are so small that more would wait for one another. And a fit that is soon done."""

import pytest
import torch

from nst_core.weights import fitted
from tests.core.drawing import QUICK_FIT

collect_ignore = [] if torch.cuda.is_available() else ["test_card.py"]


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def quick_fit(monkeypatch):
    """The built-in features with fewer channels, patches and steps than artists get: soon done."""
    for name, value in QUICK_FIT.items():
        monkeypatch.setattr(fitted, name, value)
