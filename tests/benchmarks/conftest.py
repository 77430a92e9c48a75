"""One thread, as the measured processes have: eigenvectors, and with them the scores' third decimal, depend on it."""

from tests.core.conftest import one_thread

__all__ = ["one_thread"]
