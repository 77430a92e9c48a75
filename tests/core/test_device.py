"""What a run may take: plans that keep to the limit, and a run that keeps to its plan."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nst_core import device, painting, precision, vgg
from nst_core.place import FAILED_ON_CARD, IN_TILES, LEAST_LIMIT, Place, tried
from nst_core.settings import PARAMETERS, Settings, SettingsError
from nst_core.stylizing import stylize_fully
from tests.core.drawing import drawn, small_network

ROOT = Path(__file__).parents[2]
MB = device.MEGABYTE
NETWORK = small_network("relu4_1", dtype=torch.float32, channels=(32, 64, 128, 256, 256))
MARGIN = vgg.reach("relu4_1")
SIDES = st.integers(16, 12_000)


def planned(height, width, plan):
    """Bytes that a plan takes, by the module's own figures."""
    at_once = height * width if plan.tile is None else plan.tile**2
    pairs = plan.history if plan.method == "l-bfgs" else 1  # of pictures, in float32
    state = (24 * pairs + device._BYTES_OF_STATE) * height * width
    return device.RUNTIME_MB * MB + at_once * device.bytes_per_pixel(NETWORK) + state


@given(SIDES, SIDES, st.integers(700, 64_000), st.sampled_from(["l-bfgs", "adam"]), st.integers(3, 50))
def test_plans_keep_to_the_limit(height, width, limit_mb, method, history):
    plan = device.budget(height, width, NETWORK, (method, history), limit_mb * MB, MARGIN)
    assert plan.method == method or (method, plan.method) == ("l-bfgs", "adam")
    assert plan.history <= history
    least = device.Budget(device.SMALLEST_TILE, 0, "adam")
    if planned(height, width, least) <= limit_mb * MB:
        assert planned(height, width, plan) <= limit_mb * MB
    else:
        # nothing fits: then as little as there is
        assert plan.tile == device.SMALLEST_TILE or plan.tile is None


@given(SIDES, SIDES, st.integers(0, 64_000))
def test_tiles_are_worth_their_margins(height, width, limit_mb):
    plan = device.budget(height, width, NETWORK, ("l-bfgs", 20), limit_mb * MB, MARGIN)
    if plan.tile is not None:
        assert 4 * MARGIN <= plan.tile <= max(device.LARGEST_TILE, 4 * MARGIN)
        assert plan.tile >= device.SMALLEST_TILE


@given(SIDES, SIDES, st.integers(500, 8_000))
def test_more_memory_never_gives_less(height, width, limit_mb):
    def plan(limit):
        return device.budget(height, width, NETWORK, ("l-bfgs", 20), limit * MB, MARGIN)

    little, much = plan(limit_mb), plan(2 * limit_mb)
    assert much.history >= little.history
    assert much.tile is None or little.tile is not None
    assert (little.method, much.method) != ("l-bfgs", "adam")


def test_the_least_limit_that_may_be_set_can_be_kept():
    least = next(p.least for p in PARAMETERS if p.name == "memory_limit")
    assert least - 20 < planned(64, 64, device.Budget(device.SMALLEST_TILE, 0, "adam")) / MB <= least
    assert Settings(memory_limit=least).memory_limit == least and Settings(memory_limit=0).memory_limit == 0
    for limit in (1, least - 1):
        with pytest.raises(SettingsError, match=f"is {limit}; it must be 0 or from {least} to 10000000 MB"):
            Settings(memory_limit=limit)


def test_enough_memory_needs_no_tiles():
    assert device.budget(384, 512, NETWORK, ("l-bfgs", 20), 8000 * MB, MARGIN) == device.Budget(None, 20, "l-bfgs")


def test_a_deeper_network_takes_more():
    shallow = small_network("relu2_1", channels=(32, 64, 128, 256, 256)).to(torch.float32)
    assert device.bytes_per_pixel(shallow) < device.bytes_per_pixel(NETWORK)


def test_a_device_that_is_not_there_is_told():
    assert device.choose("cpu") == torch.device("cpu")
    assert device.choose("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    missing = next(
        name
        for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available()))
        if not there
    )
    with pytest.raises(device.DeviceError, match=rf"no {missing.upper()} device.*choose the device cpu or auto"):
        device.choose(missing)


def test_free_memory_is_what_the_machine_has():
    free = device.free_memory(torch.device("cpu"))
    assert 50 * MB < free < 1 << 50


RUN = """
import sys
import numpy as np, torch
torch.set_num_threads(1)
from nst_core.settings import Settings
from nst_core.stylizing import stylize_fully
from nst_core.weights import fitted
from tests.core.drawing import QUICK_FIT, drawn
vars(fitted).update(QUICK_FIT)
height, width, limit = map(int, sys.argv[1:])
content, style = drawn(height, width, seed=1), drawn(200, 150, seed=2)
settings = Settings(
    preset="gatys", quality="fine", evaluations=1, features="built-in", memory_limit=limit, device="cpu"
)
result = stylize_fully(content, style, settings)
assert result.evaluations == 1 and np.isfinite(result.picture).all()
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc here to read the peak from")
def test_a_run_keeps_near_its_memory_limit():
    """A megapixel whole takes more than a gigabyte; in the tiles that the limit asks for it does not."""

    def peak_mb(limit):
        command = [sys.executable, "-c", RUN, "1200", "1600", str(limit)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return int(done.stdout) * 1024 / MB

    assert peak_mb(0) > 1000 > 1.1 * 800 > peak_mb(800)


ARTISTS_RUN = """
import sys
import numpy as np
from nst_core.settings import Settings
from nst_core.stylizing import stylize_fully
from tests.core.drawing import drawn
limit, quality = int(sys.argv[1]), sys.argv[2]
values = {"evaluations": 1, "features": "built-in", "device": "cpu", "quality": quality}
if sys.argv[3:]:  # noise, which takes no more to make than it takes
    sides, random = list(map(int, sys.argv[3:])), np.random.default_rng(1)
    content, style = (random.random((*sides[i : i + 2], 3), np.float32) for i in (0, 2))
else:
    content, style = drawn(900, 1200, seed=1), drawn(200, 150, seed=2)
styles = [style]
del style
result = stylize_fully(content, styles.pop(), Settings(memory_limit=limit, **values))
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0], result.note)
"""


def artists_run(*arguments):
    """The peak in megabytes and the note of a run in a process of its own."""
    command = [sys.executable, "-c", ARTISTS_RUN, *arguments]
    peak, _, note = subprocess.check_output(command, cwd=ROOT, text=True).strip().partition(" ")
    return int(peak) * 1024 / MB, note


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc here to read the peak from")
def test_a_large_picture_takes_a_few_copies_of_it():
    """Of 12 megapixels: a style is there as it came and as it is split, then no larger than it is shown."""

    none = artists_run("680", "draft", "27", "40", "30", "40")[0]

    def copies(*sizes):
        return (artists_run("680", "draft", *map(str, sizes))[0] - none) / (4 * 3 * 12)

    assert copies(27, 40, 3000, 4000) < 4
    assert copies(3000, 4000, 30, 40) < 12


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc here to read the peak from")
def test_a_limit_that_is_too_low_for_the_picture_is_told():
    run = artists_run
    peak, note = run("680", "fine")
    told = re.fullmatch(r"The memory limit of 680 MB could not be kept: this picture takes about (\d+) MB .*\.", note)
    assert told and int(told[1]) == pytest.approx(peak, rel=0.35)  # PyTorch itself takes 300 MB more in its CUDA build
    assert run("680", "draft")[1] == "" and run("0", "fine")[1] == ""


def test_memory_that_runs_short_on_the_way_leads_to_tiles_and_a_sentence(monkeypatch):
    """A device that refuses whole pictures: the run goes on in tiles, and the picture is the same."""
    content, style = drawn(290, 310, seed=1), drawn(120, 90, seed=2)
    values = {"preset": "gatys", "quality": "fine", "evaluations": 2, "optimizer": "adam", "features": "built-in"}
    settings, told = Settings(device="cpu", memory_limit=2_000, **values), []
    whole = stylize_fully(content, style, settings)
    minimise = painting.minimise

    def refuse_whole(objective, *args):
        if len(objective.tiles) == 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 800 bytes.")
        return minimise(objective, *args)

    monkeypatch.setattr(painting, "minimise", refuse_whole)
    tiled = stylize_fully(content, style, settings, lambda progress: told.append(progress.fraction))
    assert whole.note == "" and tiled.note.startswith("Memory ran short") and "tiles" in tiled.note
    assert np.abs(whole.picture - tiled.picture).max() < 1e-3
    assert told == sorted(told)

    def refuse_all(objective, *args):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 800 bytes.")

    monkeypatch.setattr(painting, "minimise", refuse_all)
    with pytest.raises(RuntimeError, match="can't allocate"):
        stylize_fully(content, style, settings)


def test_another_device_has_a_precision_of_its_own(monkeypatch):
    """A card's bfloat16 must not follow the run to a processor that can only emulate it."""
    processor, multiplies, seen = torch.device("cpu", 0), iter([True, False]), []  # the first is the card's double
    monkeypatch.setattr(device, "multiplies_bfloat16", lambda _: next(multiplies))
    monkeypatch.setattr(precision, "same_loss", lambda *_: True)
    monkeypatch.setattr(Place, "next", lambda place: Place(processor, place.limit, "It went on elsewhere."))
    minimise = painting.minimise

    def refuse_on_card(objective, *args):
        seen.append(objective.network.weights[1][0].dtype)
        if len(seen) == 1:
            raise torch.OutOfMemoryError
        return minimise(objective, *args)

    monkeypatch.setattr(painting, "minimise", refuse_on_card)
    settings = Settings(device="cpu", quality="draft", evaluations=1, features="built-in")
    result = stylize_fully(drawn(290, 310, seed=1), drawn(120, 90, seed=2), settings)
    assert seen[0] == torch.bfloat16 and set(seen[1:]) == {torch.float32} and result.note == "It went on elsewhere."


def test_a_graphics_card_that_is_too_small_leaves_it_to_the_processor():
    card = Place(torch.device("cuda"), 3 * LEAST_LIMIT)
    smaller = card.next()
    assert smaller.on.type == "cuda" and LEAST_LIMIT < smaller.limit < card.limit and "tiles" in smaller.note
    last = smaller.next().next()
    assert last.on.type == "cpu" and "processor" in last.note
    assert Place(torch.device("cpu"), LEAST_LIMIT).next() is None
    kept = Place(torch.device("cuda"), 2_000 * MB, asked=2_000)
    while kept.on.type != "cpu":
        kept = kept.next()
    assert kept.limit == 2_000 * MB
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(device, "free_memory", lambda on: 8_000 * MB)
        assert smaller.next().next().limit == 8_000 * MB * device.SHARE_OF_FREE


FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB.")
GONE = RuntimeError("CUDA error: the launch timed out and was terminated")


@pytest.mark.parametrize(
    ("trial", "told"),
    [
        (FULL, "memory ran short"),
        (NotImplementedError("The operator 'aten::x' is missing on MPS."), "failed"),
        (RuntimeError("CUDA error: no kernel image is available for execution on the device"), "failed"),
        (False, "gave other results"),
    ],
    ids=["full", "lacks an operator", "lacks the code", "is wrong"],
)
def test_a_card_that_fails_a_trial_leaves_it_to_the_processor(trial, told):
    def agrees():
        if isinstance(trial, Exception):
            raise trial
        return trial

    on, why = tried(torch.device("mps"), agrees)
    assert on.type == "cpu" and re.fullmatch(rf"The graphics card.* {told}.*, so the processor painted it\.", why)
    with pytest.raises(ZeroDivisionError):
        tried(torch.device("mps"), lambda: 1 / 0)


def test_a_card_that_agrees_with_the_processor_paints():
    assert tried(torch.device("mps"), lambda: True) == (torch.device("mps"), "")
    assert tried(torch.device("cpu"), None) == (torch.device("cpu"), "")


def test_what_happens_on_the_way_decides_where_to_go_on():
    card, processor = (
        Place(torch.device("mps"), 3 * LEAST_LIMIT, asked=900),
        Place(torch.device("cpu"), 3 * LEAST_LIMIT),
    )
    assert card.after(FULL).note == processor.after(FULL).note == IN_TILES
    gone = card.after(GONE)
    assert (gone.on.type, gone.limit, gone.note) == ("cpu", 900 * MB, FAILED_ON_CARD)
    assert processor.after(GONE) is None
    assert card.after(KeyError("a fault of our own")) is None


def test_a_card_that_others_fill_is_not_tried_in_vain(monkeypatch):
    monkeypatch.setattr(device, "free_memory", lambda on: 1_000 * MB)
    card = Place(torch.device("mps"), 40_000 * MB).next()
    assert card.within_what_is_free().limit == 1_000 * MB * device.SHARE_OF_FREE
    for kept in (Place(torch.device("mps"), 5_000 * MB, asked=5_000), Place(torch.device("cpu"), 5_000 * MB)):
        assert kept.within_what_is_free() == kept


def test_a_run_on_a_device_that_fails_goes_on_and_says_so(quick_fit, monkeypatch, caplog):
    """A whole run, on a device that holds no numbers at all."""
    content, style = drawn(90, 121, seed=1), drawn(83, 100, seed=2)
    values = {"quality": "draft", "evaluations": 2, "features": "built-in"}
    processors = stylize_fully(content, style, Settings(device="cpu", **values))
    monkeypatch.setattr(device, "choose", lambda _: torch.device("meta"))
    caplog.set_level("INFO")
    result = stylize_fully(content, style, Settings(device="cuda", **values))
    assert (result.device, result.note) == ("cpu", FAILED_ON_CARD)
    assert caplog.records[-1].exc_info
    assert (result.picture == processors.picture).all()
