"""What ``install.py`` does, one job per file. Standard library only, since nothing is installed when it runs."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "neural-style-for-gimp"


class InstallError(Exception):
    """Something a person has to know: one plain sentence that says what is wrong and what to do."""
