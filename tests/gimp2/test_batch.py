"""The example for a shell, ``examples/batch.py``, in GIMP 2.10."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Files

from tests.gimp3.host import REPOSITORY

from .studio import drawn, engine_says


def command(folder) -> str:
    """README's, for a copy of the example that is content with a draft."""
    text = (REPOSITORY / "examples/batch.py").read_text(encoding="utf-8")
    assert '("quality", "normal")' in text
    copy = folder / "batch.py"
    copy.write_text(text.replace('("quality", "normal")', '("quality", "draft")'), encoding="utf-8")
    return f"exec(open({str(copy)!r}).read())"


@pytest.fixture
def files(studio):
    folder = studio.home / "Bilder ü"
    folder.mkdir()
    paths = {"CONTENT": folder / "photo.png", "STYLE": folder / "Gemälde.png", "OUT": folder / "result.png"}
    Files.fromarray(drawn(47, 61, 3)).save(paths["CONTENT"])
    Files.fromarray(drawn(40, 53, 3, 2)).save(paths["STYLE"])
    studio.gimp.environment.update({name: str(path) for name, path in paths.items()})
    return paths


def test_the_example_paints_a_file(studio, files):
    status, _ = studio.gimp.eval(command(studio.home))
    assert status == "success", studio.gimp.stderr
    assert studio.gimp.said == [] and studio.gimp.images == {}
    style = np.concatenate([drawn(40, 53, 3, 2), np.full((40, 53, 1), 255, np.uint8)], 2)
    expected = engine_says(drawn(47, 61, 3), style, seed=0)
    assert np.array_equal(np.asarray(Files.open(files["OUT"])), expected)


def test_the_example_fails_with_a_sentence(studio, files):
    files["STYLE"].unlink()
    assert studio.gimp.eval(command(studio.home))[0] == "execution error"
    assert "Gemälde.png can't be opened" in studio.gimp.said[0][1]
    assert not files["OUT"].exists()
