"""README's script for many pictures, in GIMP 3's console."""

from __future__ import annotations

import numpy as np
from PIL import Image as Files

from tests.batch import batch_script

from .drawing import picture

RUN = """
os.environ.update(paths)
exec(compile(script, "stylise.py", "exec"), {})
result = len(Gimp.get_images())
"""


def test_the_script_of_the_readme(console):
    folder = console.gimp.folder / "Bilder ü"
    folder.mkdir()
    drawn = {"photo": picture(47, 61, 3), "Gemälde": picture(40, 53, 3, 2)}
    for name, pixels in drawn.items():
        Files.fromarray((pixels * 255 + 0.5).astype(np.uint8)).save(folder / f"{name}.png")
    names = {"PICTURE": "photo.png", "STYLE": "Gemälde.png", "RESULT": "painted.png"}
    paths = {name: str(folder / file) for name, file in names.items()}
    before = console.do("result = len(Gimp.get_images())")
    assert console.do(RUN, paths=paths, script=batch_script()) == before
    painted = np.asarray(Files.open(folder / "painted.png").convert("RGB"))
    assert painted.shape == (47, 61, 3)
    assert (painted != np.asarray(Files.open(folder / "photo.png"))).mean() > 0.5
