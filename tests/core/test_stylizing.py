"""The main job, run for real on small pictures: what goes in, what comes out, and what never changes."""

import hashlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from nst_core import device, painting, synthesis
from nst_core.objective import Objective, Tap, Weights
from nst_core.stylizing import STEPS, Cancelled, PictureError, Settings, Stop, stylize, stylize_fully
from nst_core.weights import fitted
from tests.core.drawing import ARTISTS_FIT, drawn, luma, tensor

ROOT = Path(__file__).parents[2]
CONTENT, STYLE = drawn(47, 61, seed=1), drawn(53, 40, seed=2)


@pytest.fixture(autouse=True)
def few_samples(quick_fit):
    """The fit as it is, of fewer patches."""


def settings(**values):
    return Settings(**{"features": "built-in", "device": "cpu", "quality": "draft", "evaluations": 6, **values})


SAME_BYTES = """
import hashlib, torch
torch.set_num_threads(1)
from nst_core.weights import fitted
from tests.core import test_stylizing as t
from tests.core.drawing import QUICK_FIT
vars(fitted).update(QUICK_FIT)
print(hashlib.sha256(t.stylize(t.CONTENT, t.STYLE, t.settings(seed=7)).tobytes()).hexdigest())
"""


def test_a_seed_gives_the_same_bytes_here_and_in_another_process():
    first, again = (stylize(CONTENT, STYLE, settings(seed=7)) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    assert np.abs(first - stylize(CONTENT, STYLE, settings(seed=8))).mean() > 0.001
    done = subprocess.run([sys.executable, "-c", SAME_BYTES], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == hashlib.sha256(first.tobytes()).hexdigest()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_strength_0_is_the_content_itself(channels):
    content = drawn(61, 47, channels)
    result = stylize_fully(content, STYLE, settings(strength=0))
    assert result.picture.tobytes() == content.tobytes() and result.picture is not content
    assert result.evaluations == 0 and result.finished


def test_more_strength_is_nearer_to_the_style_and_farther_from_the_content(monkeypatch):
    for name, value in ARTISTS_FIT.items():  # a narrow network paints what another one does not recognise
        monkeypatch.setattr(fitted, name, value)
    layers = ("relu1_1", "relu2_1", "relu3_1")
    network = fitted.fit([tensor(CONTENT), tensor(STYLE)], layers[-1])
    weights = Weights({Tap(1, layer): 1.0 for layer in layers}, Tap(1, "relu3_1"))
    objective = Objective(network, weights, tensor(CONTENT), tensor(STYLE))
    little, much = (stylize(CONTENT, STYLE, settings(strength=strength, evaluations=25)) for strength in (5, 90))
    distances = [objective.style_distance(tensor(p)) for p in (CONTENT, little, much)]
    assert distances == sorted(distances, reverse=True)
    assert np.abs(luma(much) - luma(CONTENT)).mean() > 1.5 * np.abs(luma(little) - luma(CONTENT)).mean()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(61, 47), (17, 300), (16, 16)])
def test_every_shape_and_channel_count(channels, height, width):
    content, style = drawn(height, width, channels, seed=3), drawn(53, 40, 5 - channels, seed=4)
    before = content.copy(), style.copy()
    result = stylize(content, style, settings(evaluations=3))
    assert result.shape == content.shape and result.dtype == np.float32
    assert np.isfinite(result).all() and result.min() >= 0 and result.max() <= 1
    colours = 1 if channels < 3 else 3
    assert np.abs(result - content)[..., :colours].mean() > 0.01
    assert result[..., colours:].tobytes() == content[..., colours:].tobytes()  # the alpha, bit for bit
    assert content.tobytes() == before[0].tobytes() and style.tobytes() == before[1].tobytes()


@pytest.mark.parametrize("of", ["content", "style"])
def test_what_transparency_hides_has_no_influence(of):
    content, style = drawn(47, 61, 4, seed=5), drawn(53, 40, 4, seed=6)
    first = stylize(content, style, settings())
    picture = {"content": content, "style": style}[of]
    hidden = picture[..., 3] == 0
    assert 0.1 < hidden.mean() < 0.9
    picture[hidden, :3] = drawn(*picture.shape[:2], seed=99)[hidden]
    again = stylize(content, style, settings())
    seen = content[..., 3] > 0
    assert again[seen].tobytes() == first[seen].tobytes()


def test_gatys_loss_falls_and_its_grams_approach_the_styles():
    told = []
    result = stylize_fully(CONTENT, STYLE, settings(preset="gatys", evaluations=40), told.append)
    losses = [p.loss for p in told if p.stage == "painting"]
    assert len(losses) == result.evaluations == 40 and {p.scales for p in told} == {1}
    assert result.loss == min(losses) < 0.7 * losses[0]
    network = fitted.fit([tensor(STYLE), tensor(CONTENT)], "relu4_3", "max")
    noise = 0.5 + 0.1 * torch.randn(1, 3, 47, 61, generator=torch.Generator().manual_seed(0))
    shares = []
    for layer in ("relu1_2", "relu2_2", "relu3_3", "relu4_3"):
        weights = Weights({Tap(1, layer): 1.0}, Tap(1, layer), plain=True)
        objective = Objective(network, weights, tensor(CONTENT), tensor(STYLE))
        shares.append(objective.style_distance(tensor(result.picture)) / objective.style_distance(noise))
    assert max(shares) < 1 and sum(shares) / 4 < 0.7


@pytest.mark.parametrize("values", [{}, {"max_size": 40}, {"preset": "gatys"}, {"optimizer": "adam", "start": "noise"}])
def test_progress_never_falls_and_ends_at_1(values):
    told = []
    result = stylize_fully(drawn(61, 210, seed=1), STYLE, settings(evaluations=4, **values), told.append)
    fractions = [p.fraction for p in told]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    assert {p.features for p in told} == {"built-in"}
    painting = [p for p in told if p.stage == "painting"]
    assert len(painting) == result.evaluations
    assert all(1 <= p.step <= p.steps and 1 <= p.scale <= p.scales for p in painting)
    # the first evaluations tell nothing of the others; the strokes, where there are any, do
    strokes = "laying out" in {p.stage for p in told}
    assert all((p.seconds_left is None) != strokes for p in painting[:2])
    assert strokes == (values.get("preset") is None and values.get("start") is None)
    assert all(p.seconds_left > 0 for p in [*painting[2:], told[-2]]) and told[-2].stage == "finishing"
    steps = [(p.scale, p.step) for p in painting]
    once = sorted(set(steps))
    # the first scale is searched again where that spoilt the strokes, as it may in a style of noise
    assert steps in (once, [step for step in once if step[0] == 1] + once)
    preview = painting[-1].preview()
    assert preview.shape == (*painting[-1].size, 3) and preview.min() >= 0 and preview.max() <= 1


def test_cancel_gives_nothing():
    told = []

    def cancel(progress):
        told.append(progress)
        return Stop.CANCEL if progress.step == 3 else None

    with pytest.raises(Cancelled):
        stylize(CONTENT, STYLE, settings(), cancel)
    assert told[-1].step == 3


def test_the_fit_is_told_layer_by_layer_and_can_be_cancelled_in_between():
    told = []

    def cancel(progress):
        told.append(progress)
        return Stop.CANCEL if len(told) == 4 else None  # of which the first is before the first layer

    with pytest.raises(Cancelled):
        stylize(CONTENT, STYLE, settings(), cancel)
    fractions = [p.fraction for p in told]
    assert {p.stage for p in told} == {"fitting"}
    assert fractions == sorted(set(fractions)) and len(fractions) == 4 and 0 < fractions[-1] < 0.5


def ending(stage, answer, told):
    """A callback that tells ``told`` of the stages, and answers from the second report of ``stage`` on."""

    def report(progress):
        told.append(progress.stage)
        return answer if told.count(stage) >= 2 else None

    return report


def test_laying_out_the_strokes_can_be_cancelled():
    told = []
    with pytest.raises(Cancelled):
        stylize(CONTENT, STYLE, settings(), ending("laying out", Stop.CANCEL, told))
    assert told[-2:] == ["laying out"] * 2 and told.count("laying out") == 2


@pytest.mark.parametrize("stage", ["fitting", "laying out"])
def test_finish_before_anything_is_painted_gives_the_strokes_as_far_as_they_are(stage):
    content, told, whole = drawn(47, 61, 4, seed=5), [], []
    stylize(content, STYLE, settings(evaluations=1), lambda progress: whole.append(progress.stage))
    result = stylize_fully(content, STYLE, settings(), ending(stage, Stop.FINISH, told))
    assert len(told) < 0.2 * len(whole) and "painting" not in told and len(set(whole)) == 4
    assert not result.finished and result.evaluations == 0 and result.loss is None
    assert result.picture[..., 3].tobytes() == content[..., 3].tobytes()
    assert np.abs(result.picture - content)[..., :3].mean() > 0.02
    assert result.picture.min() >= 0 and result.picture.max() <= 1


def test_finish_before_noise_is_painted_gives_a_painted_picture():
    told = []
    result = stylize_fully(CONTENT, STYLE, settings(start="noise"), ending("fitting", Stop.FINISH, told))
    assert not result.finished and result.evaluations == 1 and "laying out" not in told


@pytest.mark.parametrize("quality", ["draft", "normal"])
def test_the_bar_moves_in_every_stage_and_the_time_left_is_told_early(monkeypatch, quality):
    """Work has to go with time, too; that is for the eye, since no two machines take alike for a unit of it."""
    told = []
    content, style = drawn(300, 400, seed=1), drawn(260, 330, seed=2)
    stylize(content, style, Settings(features="built-in", device="cpu", quality=quality), told.append)
    fractions = [progress.fraction for progress in told]
    assert list(dict.fromkeys(progress.stage for progress in told)) == [
        "fitting",
        "laying out",
        "painting",
        "finishing",
    ]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    assert max(b - a for a, b in itertools.pairwise(fractions)) < 0.2
    first = next(number for number, progress in enumerate(told) if progress.seconds_left is not None)
    assert told[first].stage == "laying out" and fractions[first] < 0.4
    assert all(progress.seconds_left is not None for progress in told[first:-1])


def test_finish_gives_a_whole_picture_at_once():
    # more than one scale, stopped in the first
    content, told = drawn(61, 260, 4, seed=1), []

    def finish(progress):
        told.append(progress)
        return Stop.FINISH if progress.step >= 3 else None

    result = stylize_fully(content, STYLE, settings(quality="normal"), finish)
    assert told[0].scales > 1
    assert not result.finished and result.evaluations == 3
    assert result.picture.shape == content.shape and np.abs(result.picture - content)[..., :3].mean() > 0.01
    assert result.picture[..., 3].tobytes() == content[..., 3].tobytes()


def test_tiles_give_the_same_picture(monkeypatch):
    """A limit of which nothing is left, so that everything is computed in the smallest tiles."""
    content = drawn(290, 310, seed=1)
    values = {"preset": "gatys", "quality": "fine", "evaluations": 2, "optimizer": "adam"}
    whole = stylize(content, STYLE, settings(memory_limit=60_000, **values))
    monkeypatch.setattr(device, "RUNTIME_MB", 1000)
    tiled = stylize(content, STYLE, settings(memory_limit=1000, **values))
    assert np.abs(whole - tiled).max() < 1e-3


def test_the_last_digit_of_a_sample_makes_no_other_picture():
    """GIMP's floats of the same 8 bits differed by it from process to process, and Repeat gave another picture."""
    content, style = (np.rint(x * 255).astype(np.float32) / np.float32(255) for x in (CONTENT, STYLE))
    painted = stylize(content, style, settings())
    beside = np.nextafter(content, np.float32(1)), np.nextafter(style, np.float32(0))
    assert np.array_equal(painted, stylize(*beside, settings()))

    # no sample of a result is half-way between two values of 8 or 16 bits, so that they are rounded alike everywhere
    steps = painted * np.float64(STEPS)
    assert np.abs(steps - np.rint(steps)).max() < 0.1
    for most in (255, 65_535):
        assert np.arange(0.5, most) / most * STEPS % 1 == pytest.approx(0.5, abs=1e-6)


ODD = {
    "flat": np.full((47, 61, 3), 0.6, np.float32),
    "black": np.zeros((47, 61, 3), np.float32),
    "black and white": (CONTENT > 0.5).astype(np.float32),
    "lines of one pixel": np.tile((np.arange(61) % 2).astype(np.float32)[None, :, None], (47, 1, 3)),
    "nearly flat": (0.5 + (CONTENT - 0.5) / 60).astype(np.float32),
}


def painted_in_full(content, style, evaluations):
    """A draft of all the evaluations asked for, and of as many again where its one scale was told a second time."""
    told = []
    result = stylize_fully(content, style, settings(evaluations=evaluations), told.append)
    steps = [progress.step for progress in told if progress.stage == "painting"]
    times = 1 + sum(after <= before for before, after in itertools.pairwise(steps))
    assert times <= 2 and result.evaluations == times * evaluations and result.finished
    return result


@pytest.mark.parametrize("name", ODD)
def test_odd_contents_are_painted(name):
    result = painted_in_full(ODD[name], STYLE, 20)
    assert np.isfinite(result.loss) and result.loss < 1e6
    assert luma(result.picture).std() > 0.03  # never a flat picture


@pytest.mark.parametrize("name", [name for name in ODD if name not in ("flat", "black")])
def test_odd_styles_are_learnt_from(name):
    result = painted_in_full(CONTENT, ODD[name], 6)
    assert np.isfinite(result.loss) and np.isfinite(result.picture).all()


@pytest.mark.parametrize("side", ["top", "bottom", "left", "right"])
def test_a_thin_thing_at_an_edge_is_painted(side):
    content = drawn(47, 61, 4, seed=5)
    content[..., 3] = 0
    content[{"top": np.s_[:2], "bottom": np.s_[-2:], "left": np.s_[:, :2], "right": np.s_[:, -2:]}[side]][..., 3] = 1
    result = painted_in_full(content, STYLE, 6)
    assert np.isfinite(result.loss)
    seen = content[..., 3] == 1
    assert np.abs(result.picture - content)[seen].mean() > 0.01


def flat_with_hidden_picture():
    style = drawn(40, 40, 4)
    style[..., 3] = 0
    style[10, 20, 3] = 1
    return style


BAD = [
    (np.zeros((40, 40), np.float32), STYLE, r"content has the shape \(40, 40\); a picture is H×W×C"),
    (CONTENT, np.zeros((40, 40, 5), np.float32), r"style has the shape \(40, 40, 5\)"),
    (np.zeros((0, 40, 3), np.float32), STYLE, "at least 16×16"),
    ((CONTENT * 255).astype(np.uint8), STYLE, "content is of type uint8; it must be float"),
    (
        CONTENT.astype(float) * 255,
        STYLE,
        r"content has values from .* to 2\d\d.*; they must be from 0 to 1: divide",
    ),
    (CONTENT, STYLE * 4 - 2, "style has values from -2 to 2; they must be from 0 to 1"),
    (CONTENT[:2, :3], STYLE, "content is 3×2 pixels; it must be at least 16×16: choose a larger one"),
    (CONTENT, STYLE[:1, :1], "style is 1×1 pixels"),
    (CONTENT, STYLE[:15], "style is 40×15 pixels"),
    (np.where(CONTENT > 0.9, np.nan, CONTENT), STYLE, "content has pixels that are no numbers"),
    (CONTENT, np.where(STYLE > 0.9, np.inf, STYLE), "style has pixels that are no numbers"),
    (drawn(40, 40, 4) * [1, 1, 1, 0], STYLE, "content is fully transparent"),
    (CONTENT, drawn(40, 40, 2) * [1, 0], "style is fully transparent"),
    (CONTENT, np.full((40, 40, 3), 0.7, np.float32), "style is one flat colour.*choose a picture or a layer"),
    (CONTENT, flat_with_hidden_picture(), "style is one flat colour"),
]


@pytest.mark.parametrize(("content", "style", "message"), BAD)
def test_bad_pictures_are_refused_with_a_sentence(content, style, message):
    told = []
    with pytest.raises(PictureError, match=message) as refused:
        stylize(content, style, settings(), told.append)
    assert str(refused.value).endswith(".") and not told  # before anything is computed


def test_values_out_of_range_are_clipped():
    wide = CONTENT * 3 - 1
    result = stylize(wide, STYLE, settings())
    assert result.tobytes() == stylize(wide.clip(0, 1), STYLE, settings()).tobytes()


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_floats_give_float32(dtype):
    result = stylize(CONTENT.astype(dtype), STYLE.astype(dtype), settings(evaluations=2))
    assert result.dtype == np.float32 and np.isfinite(result).all()


def test_a_program_that_uses_the_library_lets_idle_threads_sleep():
    """Spinning ones kept a busy machine from the very thread they wait for: a draft took minutes."""
    code = "import os, nst_core; nst_core.stylize; print(os.environ['OMP_WAIT_POLICY'])"
    clean = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    told = subprocess.run([sys.executable, "-c", code], env=clean, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "PASSIVE"


def test_a_style_that_is_too_small_to_learn_from_is_told():
    told = [stylize_fully(CONTENT, drawn(*size, seed=4), settings(evaluations=1)).note for size in ((20, 23), (32, 90))]
    assert told == ["The style is only 23×20 pixels, with few strokes to learn from; a larger one does better.", ""]


def test_what_the_settings_mean_reaches_the_strokes_and_the_precision(monkeypatch):
    """Only beyond strength 50 all of the style is to be used; the published method is computed in single precision."""
    even, wanted = [], []
    laid_out, in_precision = synthesis.field, painting.in_precision

    def field(*args, **values):
        even.append(values["even"])
        return laid_out(*args, **values)

    def precise(network, precision, *args):
        wanted.append(precision)
        return in_precision(network, precision, *args)

    monkeypatch.setattr(synthesis, "field", field)
    monkeypatch.setattr(painting, "in_precision", precise)
    for strength in (25, 50, 75, 100):
        stylize(CONTENT, STYLE, settings(strength=strength, evaluations=1))
    stylize(CONTENT, STYLE, settings(preset="gatys", evaluations=1))
    assert even[:2] == [0, 0] and 0 < even[2] < even[3] == 1 and len(even) == 4
    assert wanted == ["auto"] * 4 + ["float32"]


def test_settings_of_another_type_are_refused():
    with pytest.raises(TypeError, match=r"a dict; they must be Settings: Settings\(strength=75\)"):
        stylize(CONTENT, STYLE, {"strength": 75})
