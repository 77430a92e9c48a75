"""The example for a shell, ``examples/batch.py``, in GIMP 2.10."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Files
from PIL import ImageOps

from tests.gimp3.host import REPOSITORY

from .studio import drawn, engine_says

SCRIPT = (REPOSITORY / "examples/batch.py").read_text(encoding="utf-8")


def command(folder, script: str = SCRIPT) -> str:
    """README's, for a copy of the example that is content with a draft."""
    assert '("quality", "normal")' in script
    copy = folder / "batch.py"
    copy.write_text(script.replace('("quality", "normal")', '("quality", "draft")'), encoding="utf-8")
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


def expected(content: np.ndarray) -> np.ndarray:
    """What the engine makes of it with the files' style."""
    style = np.concatenate([drawn(40, 53, 3, 2), np.full((40, 53, 1), 255, np.uint8)], 2)
    return engine_says(content, style, seed=0)


def test_the_example_paints_a_file(studio, files):
    status, _ = studio.gimp.eval(command(studio.home))
    assert status == "success", studio.gimp.stderr
    assert studio.gimp.said == [] and studio.gimp.images == {}
    assert np.array_equal(np.asarray(Files.open(files["OUT"])), expected(drawn(47, 61, 3)))


def test_the_example_keeps_transparency_where_the_file_can(studio, files):
    content = drawn(47, 61, 4)
    assert np.unique(content[..., 3]).size > 9  # soft edges too
    content[:9, :, 3] = 0
    Files.fromarray(content).save(files["CONTENT"])
    for ending in ("png", "TIF", "webp"):
        out = files["OUT"].with_suffix(f".{ending}")
        studio.gimp.environment["OUT"] = str(out)
        assert studio.gimp.eval(command(studio.home))[0] == "success", studio.gimp.stderr
        with Files.open(out) as painted:
            assert painted.mode == "RGBA"
            assert np.array_equal(np.asarray(painted)[..., 3], content[..., 3])
            if ending != "webp":
                assert np.array_equal(np.asarray(painted), expected(content))
    assert studio.gimp.images == {}


def test_the_example_turns_a_photo_once(studio, files):
    photo, exif = files["CONTENT"].with_suffix(".jpg"), Files.Exif()
    exif[0x0112] = 6
    Files.fromarray(drawn(47, 61, 3)).save(photo, exif=exif)
    studio.gimp.environment["CONTENT"] = str(photo)
    assert studio.gimp.eval(command(studio.home))[0] == "success", studio.gimp.stderr
    upright = np.asarray(ImageOps.exif_transpose(Files.open(photo)))
    assert upright.shape == (61, 47, 3)
    assert np.array_equal(np.asarray(Files.open(files["OUT"])), expected(upright))


def test_the_example_paints_an_animation_as_gimp_shows_it(studio, files):
    photo = files["CONTENT"].with_suffix(".gif")
    first, *later = [Files.fromarray(drawn(47, 61, 3, number)) for number in range(3)]
    first.save(photo, save_all=True, append_images=later)
    with Files.open(photo) as file:
        file.seek(2)
        seen = np.asarray(file.convert("RGBA"))
    studio.gimp.environment["CONTENT"] = str(photo)
    assert studio.gimp.eval(command(studio.home))[0] == "success", studio.gimp.stderr
    assert studio.gimp.images == {}
    assert np.array_equal(np.asarray(Files.open(files["OUT"])), expected(seen))


def test_the_example_paints_a_picture_with_a_palette(studio, files):
    few = Files.fromarray(drawn(47, 61, 3)).quantize(32)
    few.save(files["CONTENT"])
    assert studio.gimp.eval(command(studio.home))[0] == "success", studio.gimp.stderr
    assert np.array_equal(np.asarray(Files.open(files["OUT"])), expected(np.asarray(few.convert("RGB"))))


def test_the_example_fails_with_a_sentence(studio, files):
    files["STYLE"].write_text("no picture")
    assert studio.gimp.eval(command(studio.home))[0] == "execution error"
    assert "Gemälde.png can't be opened" in studio.gimp.said[0][1]
    assert studio.gimp.images == {}
    files["STYLE"].unlink()
    assert studio.gimp.eval(command(studio.home))[0] == "execution error"
    assert f"There is no file {files['STYLE']}: name another STYLE." in studio.gimp.stderr
    assert not files["OUT"].exists()


@pytest.mark.parametrize("name", ["CONTENT", "STYLE", "OUT"])
def test_the_example_says_which_variable_is_missing(studio, files, name):
    studio.gimp.environment[name] = ""
    assert studio.gimp.eval(command(studio.home))[0] == "execution error"
    assert studio.gimp.stderr.splitlines() == [
        f"RuntimeError: The variable {name} is not set: it has to name a file, as README.md shows."
    ]


def test_the_example_says_that_a_file_is_no_picture(studio, files):
    files["CONTENT"].write_text("no picture")
    assert studio.gimp.eval(command(studio.home))[0] == "execution error"
    (said,) = studio.gimp.stderr.splitlines()
    assert said.startswith("RuntimeError: GIMP can't open ") and said.endswith(" as a picture: name another CONTENT.")


def test_the_settings_of_the_example_may_stand_in_any_order_but_none_may_be_missing(studio, files):
    row = '    ("strength", 50.0),\n'
    assert SCRIPT.count(row) == 1
    moved = SCRIPT.replace(row, "").replace("\n]\n", f"\n{row}]\n", 1)
    assert studio.gimp.eval(command(studio.home, moved))[0] == "success", studio.gimp.stderr
    assert np.array_equal(np.asarray(Files.open(files["OUT"])), expected(drawn(47, 61, 3)))
    assert studio.gimp.eval(command(studio.home, SCRIPT.replace(row, "")))[0] == "execution error"
    assert studio.gimp.stderr.splitlines() == [
        "RuntimeError: GIMP 2.10 has to be told every setting: add strength to SETTINGS."
    ]
