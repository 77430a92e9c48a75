"""What both hosts share: boxes, parameters, names and words."""

from __future__ import annotations

import json
import math

import job
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nst_core
from tests.artist import ARTISTS

SIDES = st.integers(1, 500)
PLACES = st.integers(-300, 800)


@given(SIDES, SIDES, PLACES, PLACES, SIDES, SIDES)
def test_the_working_box_holds_what_is_selected_and_its_margin(width, height, x, y, across, down):
    layer, selection = job.Box(0, 0, width, height), job.Box(x, y, across, down)
    selected = {(i, j) for i in (x, x + across - 1) for j in (y, y + down - 1)}
    box = job.working_box(width, height, selection)
    if box is None:
        assert x >= width or y >= height or x + across <= 0 or y + down <= 0
        return
    assert box.meet(layer) == box
    met = selection.meet(layer)
    assert box.meet(met) == met
    for i, j in selected & {(i, j) for i, j in selected if 0 <= i < width and 0 <= j < height}:
        assert box.x <= i < box.x + box.width and box.y <= j < box.y + box.height
    # 32 pixels more at each side, or the layer's edge; never less than 64 where the layer has them
    assert box.x == 0 or box.x <= met.x - 32
    assert box.y + box.height == height or box.y + box.height >= met.y + met.height + 32
    assert box.width >= min(64, width) and box.height >= min(64, height)
    assert box.width <= max(64, met.width + 64) and box.height <= max(64, met.height + 64)


def test_without_a_selection_the_whole_layer_is_sent():
    assert job.working_box(61, 47) == job.Box(0, 0, 61, 47)


def test_parameters_are_those_of_the_table(installed):
    parameters = job.read_parameters(installed())
    assert [p.name for p in parameters] == [p.name for p in ARTISTS]
    assert [p.argument for p in parameters][:4] == ["strength", "brush-size", "quality", "keep-colours"]
    assert [p.title for p in parameters][:2] == ["Strength (%)", "Brush size (%)"]
    assert [p.default for p in parameters] == [p.default for p in ARTISTS]
    assert parameters[2].choices == list(ARTISTS[2].choices.items())


def test_settings_come_from_either_host_s_values(installed):
    parameters = job.read_parameters(installed())
    of_gimp_3 = {"strength": 80.0, "brush-size": 150.0, "quality": "fine", "keep-colours": "luminance", "seed": 7}
    of_gimp_2 = {"strength": 80.0, "brush-size": 150, "quality": 2, "keep-colours": 1, "seed": 7.0}
    settings = job.settings_of(parameters, of_gimp_3)
    assert settings == job.settings_of(parameters, of_gimp_2)
    assert isinstance(settings["seed"], int)
    assert nst_core.Settings.from_dict(settings).quality == "fine"
    assert job.settings_of(parameters, {}) == {p.name: p.default for p in parameters}
    with pytest.raises(job.PlainError) as error:
        job.settings_of(parameters, {"quality": 3})
    assert error.value.sentence == "Quality is 3; it must be from 0 to 2."


@pytest.mark.parametrize("content", [None, "no json", "[{}, 3]", '{"name": "strength"}'])
def test_parameters_that_can_t_be_read(tmp_path, content):
    if content is not None:
        (tmp_path / "parameters.json").write_text(content)
    with pytest.raises(job.PlainError) as error:
        job.read_parameters(str(tmp_path))
    assert "parameters.json can't be read: run install.py again." in error.value.sentence


def test_names_and_parasite():
    assert job.layer_name("Bäume", "Sternennacht") == "Bäume · Sternennacht"
    assert job.style_file_name("/a.b/Gemälde Nr. 1.tar.png") == "Gemälde Nr. 1.tar"
    data = job.parasite_data({"seed": 1}, "/Bäume.png", {"device": "cpu"})
    assert json.loads(data.decode("utf-8")) == {
        "settings": {"seed": 1},
        "style": "/Bäume.png",
        "used": {"device": "cpu"},
    }
    assert max(data) < 128


def test_the_notes_of_a_run_are_told_once_each():
    assert job.note_of([{"device": "cpu"}, {"note": ""}]) == job.note_of([]) == ""
    assert job.note_of([{"note": "Tiles."}, {}, {"note": "Slow."}, {"note": "Tiles."}]) == "Tiles. Slow."


def test_progress_words():
    event = {"stage": "painting", "size": [384, 512], "step": 23, "steps": 60, "seconds_left": 12.4, "fraction": 0.5}
    assert job.progress_text(event) == "Neural Style: painting 512 × 384, 23 of 60, about 12 s left"
    event["features"] = "built-in"
    assert job.progress_text(event, 2, 3).startswith("Neural Style: layer 2 of 3, painting 512 × 384")
    assert job.progress_text(event).endswith("left, built-in features")
    assert math.isclose(job.progress_fraction(event, 2, 3), 0.5)
    assert job.progress_fraction({"fraction": 7}) == 1.0
    before = {"stage": "laying out", "size": [144, 192], "step": 0, "steps": 60, "seconds_left": 5}
    assert job.progress_text(before) == "Neural Style: laying out, about 5 s left"
    after = {"stage": "finishing", "size": [384, 512], "step": 60, "steps": 60}
    assert job.progress_text(after) == "Neural Style: finishing"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (-1, ""), (0, "about 1 s left"), (89, "about 89 s left"), (200, "about 3 min left"),
     (3 * 3600, "about 3 h left")],
)  # fmt: skip
def test_time_left(seconds, words):
    assert job.time_left(seconds) == words
