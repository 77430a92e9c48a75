"""The example for a shell, ``examples/batch.py``, in GIMP 3's console."""

from __future__ import annotations

import numpy as np
from PIL import Image as Files

from .drawing import picture
from .host import REPOSITORY

FAIL = """
os.environ.update(paths)
try:
    exec(script, {})
    result = "no failure"
except RuntimeError as exc:
    result = str(exc)
"""
RUN = """
os.environ.update(paths)
before = len(Gimp.get_images())
exec(script, {})
result = len(Gimp.get_images()) - before
"""


def test_the_example_paints_a_file(console):
    folder = console.gimp.folder / "Bilder ü"
    folder.mkdir()
    drawn = {"photo": picture(47, 61, 3), "Gemälde": picture(40, 53, 3, 2)}
    for name, pixels in drawn.items():
        Files.fromarray((pixels * 255 + 0.5).astype(np.uint8)).save(folder / f"{name}.png")
    names = {"CONTENT": "photo.png", "STYLE": "Gemälde.png", "OUT": "result.png"}
    paths = {name: str(folder / file) for name, file in names.items()}
    script = (REPOSITORY / "examples/batch.py").read_text(encoding="utf-8")
    assert '("quality", "normal")' in script
    script = script.replace('("quality", "normal")', '("quality", "draft")')
    assert console.do(RUN, paths=paths, script=script) == 0
    painted = np.asarray(Files.open(folder / "result.png").convert("RGB"))
    assert painted.shape == (47, 61, 3)
    assert (painted != np.asarray(Files.open(folder / "photo.png"))).mean() > 0.5


def test_the_example_says_what_it_can_not_read_or_write(console):
    folder = console.gimp.folder / "nothing here"
    folder.mkdir()
    photo = folder / "photo.png"
    Files.fromarray((picture(47, 61, 3) * 255 + 0.5).astype(np.uint8)).save(photo)
    script = (REPOSITORY / "examples/batch.py").read_text(encoding="utf-8")
    good = {"CONTENT": str(photo), "STYLE": str(photo), "OUT": str(folder / "result.png")}
    for name, path, said in (
        ("CONTENT", folder / "none.png", "There is no file"),
        ("OUT", folder / "none" / "result.png", "There is no folder"),
        ("STYLE", folder / "none.png", "can't be opened"),
    ):
        assert said in console.do(FAIL, paths={**good, name: str(path)}, script=script)
    assert not (folder / "result.png").exists()
