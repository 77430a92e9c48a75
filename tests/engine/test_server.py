"""The engine as hosts use it: one process, many requests, and an answer in plain sentences to whatever goes wrong."""

import re
import resource
import signal
import sys
import time

import numpy as np
import pytest

import nst_core
from nst_core import device

SENTENCE = re.compile(r"[A-Z“/][^\n]*\.$")
SAY_WHAT_TO_DO = {"picture"}  # in their own sentences; once is enough


def told(event, code, request_id):
    """Checks an error event's form; gives its message."""
    assert event.type == "error", event.header
    assert (event.header["code"], event.id) == (code, request_id)
    advice = event.header["advice"]
    assert advice == "" if code in SAY_WHAT_TO_DO else SENTENCE.match(advice)
    assert "\n" not in event.header["message"] and "Traceback" not in event.header["message"]
    assert event.header["log"].endswith("engine.log")
    return event.header["message"]


def works(engine, content, request_id):
    """Whether the engine still serves."""
    engine.stylize(request_id, content, quality="draft")
    return engine.answer().header.get("finished") is True


def test_ready_comes_within_four_seconds_and_is_true(start):
    began = time.monotonic()
    ready = start().greet()
    assert time.monotonic() - began < 4
    assert ready.header["protocol"] == 1
    assert ready.header["version"] == nst_core.__version__
    assert ready.header["features"] == ["built-in"]
    assert ready.header["device"] in ("cpu", "auto")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_result_has_the_contents_form_and_alpha(engine, drawn, dtype, channels):
    content, style = drawn(channels, dtype, 33, 41), drawn(5 - channels, np.uint8, 37, 29)
    engine.stylize(channels, content, style, quality="draft")
    result, before = engine.read_until("result", "error")
    assert result.type == "result", result.header
    picture = result.arrays["result"]
    assert (picture.shape, picture.dtype, result.id) == (content.shape, content.dtype, channels)
    if channels % 2 == 0:
        assert np.array_equal(picture[..., -1], content[..., -1])
    assert not np.array_equal(picture[..., 0], content[..., 0])
    used = result.header["used"]
    assert used["evaluations"] > 0 and used["seconds"] > 0 and used["device"] == device.choose("auto").type
    assert (used["version"], used["features"]) == (nst_core.__version__, "built-in")
    assert {e.type for e in before} == {"progress"}
    fractions = [e.header["fraction"] for e in before]
    assert fractions == sorted(fractions) and fractions[0] >= 0 and fractions[-1] <= 1


def test_the_result_is_what_the_library_gives(engine, drawn):
    import torch

    content, style = drawn(4), drawn(3, height=40, width=52)
    engine.stylize(5, content, style, quality="draft", strength=70, seed=3)
    got = engine.answer().arrays["result"]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    options = nst_core.Settings(quality="draft", strength=70, seed=3)
    direct = nst_core.stylize(content.astype(np.float32) / 255, style.astype(np.float32) / 255, options)
    torch.set_num_threads(threads)
    assert np.abs(np.rint(direct * 255) - got).max() <= 1


def test_float_samples_beyond_the_range_are_cut_off(engine, drawn):
    """Hosts may send any light: what would be refused from a caller of the library is cut off here."""
    content = drawn(3, np.float32) * 400 - 50
    engine.stylize(6, content, quality="draft", strength=0)
    result = engine.answer().arrays["result"]
    assert np.array_equal(result, content.clip(0, 1)) and content.max() > 255 and content.min() < -2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"strength": 101}, "strength is 101; it must be from 0 to 100 %."),
        ({"strength": "much"}, "strength is 'much'; it must be a number."),
        ({"quality": ["fine"]}, "quality is ['fine']; it must be one of draft, normal, fine."),
        ({"seed": 0.5}, "seed is 0.5; it must be a whole number."),
        ({"seed": 10**4000}, "seed is too large a number; it must be from 0 to"),
        ({"brush": 1}, "There is no setting called 'brush'; the settings are strength,"),
    ],
)
def test_bad_settings_are_told(engine, drawn, values, message):
    engine.stylize(7, drawn(3), **values)
    assert message in told(engine.answer(), "settings", 7)


def test_settings_that_are_no_object_are_told(engine, drawn):
    engine.send({"type": "stylize", "id": 7, "settings": [1]}, content=drawn(3), style=drawn(3))
    told(engine.answer(), "settings", 7)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["content", "style"])
def test_pixels_that_are_not_numbers_are_told(engine, drawn, value, which):
    pictures = {"content": drawn(4, np.float32), "style": drawn(3, np.float32)}
    pictures[which][11, 17, 2] = value
    engine.send({"type": "stylize", "id": 8, "settings": {}}, **pictures)
    assert f"The {which} holds values that are not numbers" in told(engine.answer(), "picture", 8)


@pytest.mark.parametrize(("which", "height", "width"), [("content", 2, 3), ("style", 1, 1), ("content", 15, 61)])
def test_pictures_too_small_are_told(engine, drawn, which, height, width):
    pictures = {"content": drawn(4), "style": drawn(3)}
    pictures[which] = pictures[which][:height, :width]
    engine.send({"type": "stylize", "id": 9, "settings": {}}, **pictures)
    message = told(engine.answer(), "picture", 9)
    assert message == f"The {which} is {width}×{height} pixels; it must be at least 16×16: choose a larger one."


@pytest.mark.parametrize("which", ["content", "style"])
def test_a_picture_not_sent_is_told(engine, drawn, which):
    engine.send({"type": "stylize", "id": 10}, **{"content style".replace(which, "").strip(): drawn(3)})
    assert f"No {which} was sent; install" in told(engine.answer(), "picture", 10)


def test_weights_not_installed_are_told(engine, drawn):
    engine.stylize(11, drawn(3), features="imagenet-v1")
    assert "--fetch-weights imagenet-v1" in told(engine.answer(), "weights", 11)


def test_after_all_that_the_engine_serves(engine, drawn):
    engine.stylize(12, drawn(3), strength=-1)
    told(engine.answer(), "settings", 12)
    assert works(engine, drawn(3), 13)


def test_cancel_stops_a_run_and_the_next_request_is_served(engine, drawn):
    engine.stylize(20, drawn(3, height=200, width=303), evaluations=5000)
    engine.read_until("progress")
    engine.send({"type": "cancel", "id": 20})
    told(engine.answer(), "cancelled", 20)
    assert works(engine, drawn(3), 21)


def test_finish_gives_the_best_so_far(engine, drawn):
    content = drawn(4, height=200, width=303)
    engine.stylize(22, content, evaluations=5000)
    engine.read_until("progress")
    engine.send({"type": "finish", "id": 22})
    result = engine.answer()
    assert result.type == "result", result.header
    assert result.header["finished"] is False
    assert result.arrays["result"].shape == content.shape


def test_a_request_that_waits_can_be_cancelled(engine, drawn):
    engine.stylize(23, drawn(3, height=100, width=151), quality="draft")
    engine.stylize(24, drawn(3), quality="draft")
    engine.stylize(25, drawn(3), quality="draft")
    engine.send({"type": "cancel", "id": 24})
    answers = [engine.answer() for _ in range(3)]
    assert [(a.id, a.type) for a in answers] == [(23, "result"), (24, "error"), (25, "result")]
    told(answers[1], "cancelled", 24)


def test_what_comes_too_late_is_ignored(engine, drawn):
    for kind in ("cancel", "finish"):
        engine.send({"type": kind, "id": 25})
        engine.send({"type": kind, "id": 9999})
    assert works(engine, drawn(3), 26)


def test_previews_come_when_asked_for_and_are_small(engine, drawn):
    engine.stylize(30, drawn(4, height=400, width=603), preview=True, evaluations=5000)
    times = []
    for _ in range(2):
        preview, before = engine.read_until("preview", "result", "error")
        times.append(time.monotonic())
        assert {e.type for e in before} <= {"progress"}
        pixels = preview.arrays["preview"]
        assert (pixels.dtype, pixels.shape[2], preview.id) == (np.uint8, 3, 30)
        assert max(pixels.shape[:2]) <= 256
        assert pixels.std() > 5
    assert times[1] - times[0] > 1.5
    engine.send({"type": "cancel", "id": 30})
    told(engine.answer(), "cancelled", 30)


def test_ctrl_c_in_the_hosts_terminal_is_the_hosts(engine, drawn):
    engine.process.send_signal(signal.SIGINT)
    assert works(engine, drawn(3), 31)


def test_too_little_memory_is_told_and_the_engine_goes_on(start, drawn):
    engine = start()
    engine.greet()
    assert works(engine, drawn(3), 1)
    with open(f"/proc/{engine.process.pid}/statm") as statm:
        now = int(statm.read().split()[0]) * resource.getpagesize()
    resource.prlimit(engine.process.pid, resource.RLIMIT_AS, (now + (150 << 20), resource.RLIM_INFINITY))
    engine.stylize(2, np.tile(drawn(3), (60, 60, 1)))  # 30 MB, of which the run needs many times more
    assert told(engine.answer(), "memory", 2) == "There is not enough memory for this picture."
    engine.stylize(3, np.tile(drawn(4, np.float32), (60, 60, 1)))  # does not even arrive: 165 MB
    told(engine.answer(), "memory", 3)
    resource.prlimit(engine.process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert works(engine, drawn(3), 4)


FAULTY = """
import os, sys
import nst_core.stylizing as stylizing
from nst_core.engine import server
true = stylizing.stylize_fully
def faulty(content, style, settings, on_progress):
    print("a stray print")
    os.write(1, b"and stray bytes")
    if settings.seed == 1:
        raise ZeroDivisionError("secret")
    return true(content, style, settings, on_progress)
stylizing.stylize_fully = faulty
server.main()
"""


def test_a_fault_inside_is_told_without_a_traceback_and_nothing_else_reaches_the_host(start, drawn):
    engine = start([sys.executable, "-c", FAULTY])
    engine.greet()
    engine.stylize(1, drawn(3), seed=1, quality="draft")
    message = told(engine.answer(), "internal", 1)
    assert "ZeroDivisionError" in message
    assert "secret" not in message
    assert "Traceback" in engine.log.read_text()
    assert works(engine, drawn(3), 2)
    engine.send({"type": "bye", "id": 3})
    assert engine.exit_code() == 0
    assert engine.read() is None
