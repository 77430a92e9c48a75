"""Pairs: the drawn ones are the same every time and at every size; a folder's are found by their names."""

import numpy as np
import pytest
from PIL import Image

from benchmarks import drawn
from benchmarks.__main__ import main
from benchmarks.pairs import drawn_pairs, in_folder
from benchmarks.sheet import image
from tests.benchmarks.drawing import hills, stripes

DRAWINGS = [drawn.line_art, drawn.flat_areas, drawn.low_contrast, drawn.dots, drawn.weave, drawn.red_painting]


@pytest.mark.parametrize("draw", DRAWINGS)
def test_a_drawing_is_the_same_every_time_and_alike_at_every_size(draw):
    small, large = draw(48, 64), draw(96, 128)
    assert small.shape == (48, 64, 3) and small.dtype == np.float32
    assert small.min() >= 0 and small.max() <= 1 and small.std() > 0.02
    assert np.array_equal(small, draw(48, 64))
    halved = large.reshape(48, 2, 64, 2, 3).mean((1, 3))
    assert np.corrcoef(halved.ravel(), small.ravel())[0, 1] > 0.8


def test_the_mist_has_the_structure_of_a_scene_with_little_contrast():
    assert drawn.low_contrast(48, 64).std() < 0.1 < drawn.flat_areas(48, 64).std()


def test_every_drawn_pair_is_two_pictures_of_one_size():
    pairs = drawn_pairs()
    assert len({pair.name for pair in pairs}) == len(pairs) >= 8
    assert pairs[0].content(64).shape == pairs[0].style(64).shape == (48, 64, 3)


def test_a_folder_with_named_pictures_pairs_contents_with_styles(tmp_path):
    for name in ("content-a", "content-b", "style-x", "other"):
        image(hills()).save(tmp_path / f"{name}.png")
    assert [pair.name for pair in in_folder(tmp_path)] == ["content-a+style-x", "content-b+style-x"]


def test_any_other_folder_pairs_each_with_each_and_reduces_them(tmp_path):
    image(hills()).save(tmp_path / "one.png")
    Image.fromarray(np.uint8(stripes(60, 90)[..., 0] * 255)).save(tmp_path / "two.jpg")
    first, second = in_folder(tmp_path)
    assert (first.name, second.name) == ("one+two", "two+one")
    assert first.content(40).shape == (30, 40, 3)
    assert first.content(400).shape == (60, 80, 3)  # nothing is enlarged
    assert first.style(90).shape == (60, 90, 3)  # a grey file has three channels too
    assert np.abs(first.content(400) - hills()).max() < 0.003  # rounded to 8 bits


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{}/none"], "is no folder"),
        (["{}"], "holds 1 pictures; two are needed"),
        (["--only", "no+such"], "No pair is called 'no+such'"),
    ],
)
def test_pairs_that_are_not_there_are_told(tmp_path, capsys, arguments, said):
    image(hills()).save(tmp_path / "one.png")
    out = ["--out", str(tmp_path / "out")]
    assert main(["quality", *(argument.format(tmp_path) for argument in arguments), *out]) == 2
    assert said in capsys.readouterr().err


def test_a_picture_that_can_not_be_read_is_told(tmp_path, capsys):
    image(hills()).save(tmp_path / "style.png")
    (tmp_path / "content.png").write_bytes(b"no picture")
    assert main(["quality", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "content.png can't be read" in capsys.readouterr().err
