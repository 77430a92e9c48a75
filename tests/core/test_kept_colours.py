"""Which colours a painting has: the content's where they are kept, none where the content or the style has none."""

import numpy as np
import pytest

from nst_core.settings import Settings
from nst_core.stylizing import stylize
from tests.core.drawing import drawn, luma

CONTENT, STYLE = drawn(47, 61, seed=1), drawn(53, 40, seed=2)


@pytest.fixture(autouse=True)
def few_samples(quick_fit):
    """The fit as it is, of fewer patches."""


def settings(**values):
    return Settings(**{"features": "built-in", "device": "cpu", "quality": "draft", "evaluations": 6, **values})


def chroma(picture):
    return picture[..., :3] - luma(picture)[..., None]


def spread(picture):
    """How far from grey the least grey pixel is."""
    return float((picture[..., :3].max(-1) - picture[..., :3].min(-1)).max())


@pytest.mark.parametrize("style_channels", [1, 3])
def test_grey_in_grey_out(style_channels):
    """Grey pictures of three channels, as GIMP's RGB images hold them."""
    grey = np.repeat(drawn(47, 61, 1, seed=3), 3, -1)
    style = drawn(53, 40, 1, seed=4)
    result = stylize(grey, np.repeat(style, style_channels, -1), settings())
    assert spread(result) == 0
    assert np.abs(result - grey).mean() > 0.01


@pytest.mark.parametrize("strength", [50, 100])
def test_a_grey_style_gives_a_grey_picture(strength):
    result = stylize(CONTENT, drawn(53, 40, 1, seed=4), settings(strength=strength))
    assert spread(CONTENT) > 0.5 and spread(result) < 1e-6


def test_keeping_luminance_keeps_every_pixels_colours():
    result = stylize(CONTENT, STYLE, settings(keep_colours="luminance"))
    ours, theirs = chroma(result), chroma(CONTENT)
    # the same hue everywhere, and the same strength where there is room for it
    length, wanted = np.linalg.norm(ours, axis=-1), np.linalg.norm(theirs, axis=-1)
    along = (ours * theirs).sum(-1)
    strong = (length > 0.02) & (wanted > 0.02)
    assert strong.mean() > 0.5
    np.testing.assert_allclose(along[strong], (length * wanted)[strong], rtol=1e-3)
    assert (length <= wanted + 1e-5).all()
    room = (result.min(-1) > 0.01) & (result.max(-1) < 0.99)
    assert room.mean() > 0.3
    np.testing.assert_allclose(ours[room], theirs[room], atol=1e-5)
    assert np.abs(luma(result) - luma(CONTENT)).mean() > 0.01


@pytest.mark.parametrize("channels", [1, 3])
def test_keeping_luminance_keeps_the_tones_of_a_dark_style_away(channels):
    content, dark = (drawn(47, 61, channels, seed=3), (0.4 * drawn(53, 40, seed=2)).astype(np.float32))
    off, kept = (stylize(content, dark, settings(keep_colours=keep)) for keep in ("off", "luminance"))
    wanted = luma(content) if channels == 3 else content
    off, kept = (luma(x) if channels == 3 else x for x in (off, kept))
    assert abs(off.mean() - wanted.mean()) > 0.15 > 10 * abs(kept.mean() - wanted.mean())
    assert 0.8 < kept.std() / wanted.std() < 1.25


def test_a_grey_layer_is_painted_in_colours_and_gives_its_luminance():
    grey = drawn(47, 61, 1, seed=3)
    painted = stylize(np.repeat(grey, 3, -1), STYLE, settings())
    assert spread(painted) > 0.1
    np.testing.assert_allclose(stylize(grey, STYLE, settings())[..., 0], luma(painted), atol=1e-4)


def test_a_palette_is_nearer_to_the_contents_colours():
    red_style = (drawn(53, 40, seed=2) * [0.9, 0.25, 0.2]).astype(np.float32)

    def distance(keep):
        result = stylize(CONTENT, red_style, settings(keep_colours=keep)).reshape(-1, 3)
        content = CONTENT.reshape(-1, 3)
        return np.linalg.norm(result.mean(0) - content.mean(0)) + np.linalg.norm(
            np.linalg.cholesky(np.cov(result.T)) - np.linalg.cholesky(np.cov(content.T))
        )

    off, palette = distance("off"), distance("palette")
    assert palette < 0.5 * off
