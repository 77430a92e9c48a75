"""README's script for many pictures, for the tests of both GIMPs."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def batch_script() -> str:
    """The text of ``stylise.py`` as README has it."""
    found = re.search(
        r"<!-- stylise\.py -->\n```python\n(.*?)```\n<!-- end of stylise\.py -->", README.read_text("utf-8"), re.S
    )
    assert found, "README has no stylise.py"
    return found[1]
