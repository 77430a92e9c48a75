"""At which size a picture is painted, and its style shown."""

import pytest

from nst_core import stylizing
from nst_core.stylizing import Cancelled, Settings, stylize
from tests.core.drawing import drawn


@pytest.fixture(autouse=True)
def few_samples(quick_fit):
    """The fit as it is, of fewer patches."""


def settings(**values):
    return Settings(**{"features": "built-in", "device": "cpu", "quality": "draft", "evaluations": 2, **values})


@pytest.mark.parametrize(
    ("content", "style", "values", "kept"),
    [
        ((288, 384), (90, 120), {}, (288, 384)),
        # as the content is computed, so that it is not enlarged on the way
        ((288, 384), (90, 120), {"quality": "normal"}, (576, 768)),
        ((288, 384), (90, 120), {"quality": "normal", "max_size": 400}, (300, 400)),
        ((288, 384), (90, 120), {"quality": "normal", "brush_size": 50}, (288, 384)),
        ((60, 80), (90, 120), {"quality": "normal"}, (120, 160)),
        ((1200, 1600), (90, 120), {}, (768, 1024)),
        ((288, 384), (700, 900), {}, (700, 900)),
        ((288, 384), (1800, 2400), {}, (768, 1024)),
        ((288, 384), (1800, 2400), {"brush_size": 400}, (1800, 2400)),
        ((288, 384), (90, 120), {"preset": "gatys"}, (90, 120)),
    ],
)
def test_a_style_is_as_large_as_it_is_shown(monkeypatch, content, style, values, kept):
    seen = []

    def paint(pictures, *args):
        seen.append([*pictures.style.shape[2:], *pictures.visible_in_style.shape[2:]])
        raise Cancelled

    monkeypatch.setattr(stylizing, "paint", paint)
    with pytest.raises(Cancelled):
        stylize(drawn(*content), drawn(*style, channels=4), settings(**values))
    assert seen == [[*kept, *kept]]


@pytest.mark.parametrize("size", [(40, 800), (800, 40)])
def test_a_banner_is_painted_at_its_own_size(size):
    """And not 14 pixels high, as it would be if a draft of it were 288 pixels long."""
    told = []
    picture = stylize(drawn(*size, seed=1), drawn(60, 80, seed=2), settings(), told.append)
    assert picture.shape == (*size, 3)
    assert told[-1].size == size
