"""README's script for many pictures, in GIMP 2.10."""

from __future__ import annotations

import os

import numpy as np
from PIL import Image as Files

from tests.batch import batch_script

from .studio import drawn, engine_says


def test_the_script_of_the_readme(studio):
    folder = studio.home / "Bilder ü"
    folder.mkdir()
    script, content, style = folder / "stylise.py", drawn(47, 61, 3), drawn(40, 53, 3, 2)
    script.write_text(batch_script(), encoding="utf-8")
    Files.fromarray(content).save(folder / "photo.png")
    Files.fromarray(style).save(folder / "Gemälde.png")
    paths = {"PICTURE": folder / "photo.png", "STYLE": folder / "Gemälde.png", "RESULT": folder / "painted.png"}
    studio.gimp.environment.update({name: str(path) for name, path in paths.items()})
    status, _ = studio.gimp.eval(f"exec(open({os.fsdecode(script)!r}).read())")
    assert status == "success", studio.gimp.stderr
    assert studio.gimp.said == [] and studio.gimp.images == {}
    opaque = np.concatenate([style, np.full((40, 53, 1), 255, np.uint8)], 2)
    expected = engine_says(content, opaque, studio.plug_in, strength=60.0, seed=0)
    assert np.array_equal(np.asarray(Files.open(folder / "painted.png")), expected)


def test_the_script_with_a_style_that_is_not_there(studio):
    picture = studio.home / "photo.png"
    Files.fromarray(drawn(47, 61, 3)).save(picture)
    result = studio.home / "painted.png"
    studio.gimp.environment.update(PICTURE=str(picture), STYLE="/nowhere.png", RESULT=str(result))
    assert studio.gimp.eval(batch_script())[0] == "execution error"
    assert "/nowhere.png can't be opened" in studio.gimp.said[0][1]
    assert not result.exists()
