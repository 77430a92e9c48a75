"""Strokes that a search would spoil are searched again, gently, and others are not: on real pixels."""

import numpy as np
import pytest

from nst_core import painting
from nst_core.likeness import distance
from nst_core.samples.painting import painting as painted
from nst_core.samples.scene import scene
from nst_core.stylizing import Settings, Stop, stylize, stylize_fully
from tests.core.drawing import tensor


@pytest.fixture(autouse=True)
def few_samples(quick_fit):
    """The fit as it is, of fewer patches."""


def settings(**values):
    return Settings(**{"features": "built-in", "device": "cpu", "quality": "draft", **values})


def poster(height, width, hour):
    """Flat colours with sharp edges: a sky, a sun, hills and windows, at another hour in others."""
    y, x = np.mgrid[0:height, 0:width] / height
    picture = np.full((height, width, 3), ([0.98, 0.84, 0.64], [0.4, 0.62, 0.88])[hour], np.float32)
    picture[(x - 0.9) ** 2 + (y - 0.3) ** 2 < 0.03] = ([0.95, 0.75, 0.35], [1, 1, 1])[hour]
    picture[y > 0.55 + 0.12 * np.sin(4 * x + 2 * hour)] = ([0.16, 0.34, 0.28], [0.45, 0.6, 0.3])[hour]
    picture[y > 0.75 - 0.1 * hour] = ([0.17, 0.46, 0.58], [0.72, 0.4, 0.3])[hour]
    if hour:
        picture[(y > 0.72) & (y < 0.85) & (np.modf(4 * x)[0] < 0.5)] = 0.15
    return picture


def test_flat_colours_stay_clean_in_a_style_of_flat_colours(monkeypatch):
    """Where the search would spoil the start with halos and relief, it is made again, gently, and told as one scale."""
    pictures, told = (poster(192, 256, 0), poster(192, 256, 1)), []
    gently = stylize_fully(*pictures, settings(evaluations=8), told.append)
    style = tensor(pictures[1])
    monkeypatch.setattr(painting, "distance", lambda *args: 0.0)  # as if nothing were ever spoilt
    as_usual = stylize_fully(*pictures, settings(evaluations=8))
    unlike = [distance(tensor(x.picture), style) for x in (gently, as_usual)]
    assert unlike[0] < 0.9 * unlike[1], unlike
    assert gently.evaluations == 16 and as_usual.evaluations == 8 and gently.finished
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    assert max(progress.step for progress in told) == told[-1].steps == 8


def test_what_is_asked_to_finish_while_made_again_is_finished():
    steps = []

    def finish(progress):
        steps.append(progress.step)
        return Stop.FINISH if steps.count(3) == 2 else None

    result = stylize_fully(poster(192, 256, 0), poster(192, 256, 1), settings(evaluations=8), finish)
    assert not result.finished and result.evaluations == 8 + 3


def test_strokes_that_the_search_makes_more_like_the_style_are_searched_once(monkeypatch):
    content, style = scene(192, 256), painted(192, 256)
    once = stylize_fully(content, style, settings(evaluations=8))
    monkeypatch.setattr(painting, "distance", lambda *args: 0.0)
    assert once.evaluations == 8
    assert once.picture.tobytes() == stylize(content, style, settings(evaluations=8)).tobytes()
