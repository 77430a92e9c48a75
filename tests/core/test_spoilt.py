"""What a search would spoil, on real pixels: strokes are searched again, gently, and a mesh is kept away."""

import numpy as np
import pytest

from benchmarks.drawn import flat_areas, low_contrast
from nst_core import painting, synthesis
from nst_core import recipe as recipes
from nst_core.colour import matched
from nst_core.likeness import distance
from nst_core.lost import lost
from nst_core.pyramid import blurred
from nst_core.samples.painting import painting as painted
from nst_core.samples.scene import scene
from nst_core.stylizing import Settings, Stop, stylize, stylize_fully
from nst_core.weights import fitted
from tests.core.drawing import ARTISTS_FIT, tensor


@pytest.fixture(autouse=True)
def few_samples(quick_fit):
    """The fit as it is, of fewer patches."""


def settings(**values):
    return Settings(**{"features": "built-in", "device": "cpu", "quality": "draft", **values})


FLAT = scene(192, 256), flat_areas(192, 256)


@pytest.fixture
def as_if_not_flat(monkeypatch):
    """Flat styles are left to the choice between a usual search and a gentle one, as others are."""
    monkeypatch.setattr(recipes, "FLATTEST", 2.0)


def test_a_style_of_flat_colours_is_searched_gently_at_once(monkeypatch):
    gently = stylize_fully(*FLAT, settings(evaluations=8))
    monkeypatch.setattr(recipes, "FLATTEST", 2.0)
    monkeypatch.setattr(painting, "distance_to", lambda *args: lambda *args: 0.0)  # as if nothing were ever spoilt
    as_usual = stylize_fully(*FLAT, settings(evaluations=8))
    unlike = [distance(tensor(x.picture), tensor(FLAT[1])) for x in (gently, as_usual)]
    assert unlike[0] < 0.8 * unlike[1], unlike
    assert gently.evaluations == as_usual.evaluations == 8


def test_flat_colours_stay_clean_in_a_style_of_flat_colours(monkeypatch, as_if_not_flat):
    """Where the search would spoil the start with halos and relief, it is made again, gently, and told as one scale."""
    told = []
    monkeypatch.setattr(recipes, "INSISTENCE", 0.0)  # a start with more of the content has less that can be spoilt
    gently = stylize_fully(*FLAT, settings(evaluations=8), told.append)
    monkeypatch.setattr(painting, "distance_to", lambda *args: lambda *args: 0.0)  # as if nothing were ever spoilt
    as_usual = stylize_fully(*FLAT, settings(evaluations=8))
    unlike = [distance(tensor(x.picture), tensor(FLAT[1])) for x in (gently, as_usual)]
    assert unlike[0] < 0.8 * unlike[1], unlike
    assert gently.evaluations == 16 and as_usual.evaluations == 8 and gently.finished
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    assert max(progress.step for progress in told) == told[-1].steps == 8


def test_what_is_searched_gently_is_compared_with_a_softer_style(monkeypatch):
    """What the usual search lacks would be fringes there; flat styles, which have no others, keep their edges."""
    pictures, seen = (scene(192, 256), flat_areas(384, 512)), []

    class Seen(painting.Objective):
        def __init__(self, network, weights, content, style, *args, **kwargs):
            seen.append(float((style - blurred(style, 0.5)).std()))
            super().__init__(network, weights, content, style, *args, **kwargs)

    monkeypatch.setattr(painting, "Objective", Seen)
    stylize(*pictures, settings(evaluations=1))
    monkeypatch.setattr(recipes, "FLATTEST", 2.0)
    stylize(*pictures, settings(evaluations=1))
    flat, usual, gentle = seen
    assert flat == usual > 1.1 * gentle


def test_flat_colours_are_those_of_the_style(monkeypatch):
    """Where the content has shading of its own, as leaves and clouds have."""
    colours, counts = np.unique(FLAT[1].reshape(-1, 3), axis=0, return_counts=True)
    flat = colours[np.argsort(-counts)[:12]]

    def muddy():
        painted = stylize(*FLAT, settings(evaluations=8))
        return (np.abs(painted[:, :, None] - flat).max(3).min(2) > 0.06).mean()

    without = muddy()
    monkeypatch.setattr(recipes, "DRAWN_GENTLY", 1.0)
    assert without < 0.6 * muddy()


def test_flat_colours_are_not_cut_to_shreds(monkeypatch):
    """Where the content has a little on it everywhere, which strokes would follow."""
    # which mend some of it, or bring in drawing on purpose, and have tests of their own
    for mend in ("CONTRAST_OF_FLAT", "INSISTENCE", "EMPHASIS"):
        monkeypatch.setattr(recipes, mend, 0.0)

    def unlike(guidance, tear):
        monkeypatch.setattr(recipes, "GUIDANCE_OF_FLAT", guidance)
        monkeypatch.setattr(synthesis, "TEAR", tear)
        painted = stylize(low_contrast(192, 256), FLAT[1], settings(evaluations=4))
        return distance(tensor(painted), tensor(FLAT[1]))

    less_guided, hanging_together = recipes.GUIDANCE_OF_FLAT, synthesis.TEAR
    shreds = unlike(1.0, 0.0)
    assert unlike(less_guided, 0.0) < 0.85 * shreds
    assert unlike(1.0, hanging_together) < 0.85 * shreds


def test_what_is_lost_in_flat_colours_comes_back_in_whole_pieces(monkeypatch):
    """A door is seen again; its edges, and blades of grass, are not sought on fine scales, where all would fray."""

    def painted():
        return stylize(*FLAT, settings(evaluations=4))

    def unlike(picture):
        return distance(tensor(picture), tensor(FLAT[1]))

    def missing(picture):
        content = matched(*map(tensor, FLAT))
        return float(lost(content, tensor(picture)).mean())

    whole = painted()
    monkeypatch.setattr(synthesis, "FRAYED", 10_000)
    frayed = painted()
    monkeypatch.undo()
    monkeypatch.setattr(recipes, "INSISTENCE", 0.0)
    without = painted()
    assert unlike(whole) < 0.8 * unlike(frayed)
    assert missing(whole) < 0.95 * missing(without)


def test_what_is_asked_to_finish_while_made_again_is_finished(as_if_not_flat):
    steps = []

    def finish(progress):
        steps.append(progress.step)
        return Stop.FINISH if steps.count(3) == 2 else None

    result = stylize_fully(*FLAT, settings(evaluations=8), finish)
    assert not result.finished and result.evaluations == 8 + 3


def test_a_later_scale_is_searched_again_where_it_spoils_what_it_began_with(monkeypatch):
    """As if the second of two scales left the picture twice as unlike the style as it was; the bar goes on, too."""
    told, small = [], settings(quality="normal", evaluations=6)

    def distance_to(style, visible_in_style, longest):
        seen = iter([1.0, 0.5, 0.5] if longest == 512 else [1.0, 1.0])
        return lambda *args: next(seen)

    content, style = scene(192, 256), painted(192, 256)
    once = stylize_fully(content, style, small)
    monkeypatch.setattr(painting, "distance_to", distance_to)
    twice = stylize_fully(content, style, small, told.append)
    assert once.evaluations == 8 + 6 and twice.evaluations == 8 + 6 + 6 and twice.finished
    assert twice.picture.tobytes() != once.picture.tobytes()
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    assert {(p.scale, p.scales) for p in told if p.stage == "painting"} == {(1, 2), (2, 2)}


def test_strokes_that_the_search_makes_more_like_the_style_are_searched_once(monkeypatch):
    content, style = scene(192, 256), painted(192, 256)
    once = stylize_fully(content, style, settings(evaluations=8))
    monkeypatch.setattr(painting, "distance_to", lambda *args: lambda *args: 0.0)
    assert once.evaluations == 8
    assert once.picture.tobytes() == stylize(content, style, settings(evaluations=8)).tobytes()


WINDOWS = [np.s_[top : top + 12, left : left + 12] for top in (64, 128) for left in (64, 122, 180)]
WALL = np.s_[60:150, 5:25, 0]  # beside the house, where all is calm


def house_and_strokes():
    """A light house in grey, its windows, and strokes that are neither as light nor as dark."""
    content = np.repeat(np.linspace(0.45, 0.65, 192, dtype=np.float32)[:, None, None], 256, 1)
    content[48:, 42:213] = 0.85
    for window in WINDOWS:
        content[window] = 0.2
    random = np.random.default_rng(4)
    style = np.full((192, 192, 1), 0.6, np.float32)
    for top, left in random.integers(0, 192, (900, 2)):
        height, width = random.permutation((3, 9))
        style[top : top + height, left : left + width] = random.uniform(0.4, 0.8)
    return content, style


def artists(monkeypatch, content, style):
    for name, value in ARTISTS_FIT.items():
        monkeypatch.setattr(fitted, name, value)
    return lambda: stylize(content, style, settings(quality="normal", evaluations=24, max_size=256))


def test_what_is_darker_than_all_of_a_style_gets_no_mesh(monkeypatch):
    content, style = house_and_strokes()
    colours = np.float32([0.8, 0.9, 1.0])
    result = artists(monkeypatch, content * colours, style * colours[::-1])

    def mesh():
        painted = result()
        return np.mean([painted[window][3:-3, 3:-3].std((0, 1)).mean() for window in WINDOWS])

    without = mesh()
    monkeypatch.setattr(recipes, "USUAL", (1e6, 1e6))
    assert without < 0.4 * mesh()


def test_calm_places_of_grey_pictures_get_no_mesh(monkeypatch):
    """Bends from pixel to pixel, in either direction; those of a mesh are everywhere."""
    monkeypatch.setattr(synthesis, "SMEAR", 0.0)  # few strokes on the wall, so that it is a mesh that is measured
    result = artists(monkeypatch, *house_and_strokes())

    def mesh():
        wall = result()[WALL]
        return sum(np.median(np.abs(np.diff(wall, 2, axis))) for axis in (0, 1))

    without = mesh()
    monkeypatch.setattr(painting, "TINT", 1.0)
    assert without < 0.4 * mesh()
