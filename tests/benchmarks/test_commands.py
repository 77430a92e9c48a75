"""Each measurement as a real, small run: its numbers must make sense, its pictures must be what was measured."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import convergence, speed
from benchmarks.__main__ import main
from benchmarks.pairs import drawn_pairs
from benchmarks.scores import Judge
from benchmarks.sheet import image
from tests.benchmarks.drawing import hills, stripes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def measure(tmp_path):
    """Runs a measurement; its output, and the JSON that it leaves."""

    def run(*arguments):
        command = [sys.executable, "-X", "utf8", "-m", "benchmarks", *arguments, "--out", str(tmp_path)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        return done

    return run


def left(folder, name):
    return json.loads((folder / f"{name}.json").read_text())


def test_without_a_name_speed_and_convergence_are_measured_in_one_run(measure, tmp_path):
    arguments = "--sizes=64,96", "--qualities=draft,normal", "--evaluations=4", "--process-size=64", "--size=64"
    out = measure(*arguments).stdout
    rows = left(tmp_path / "overview", "speed")["rows"]
    assert [(row["size"], row["quality"]) for row in rows] == [
        (64, "draft"), (64, "normal"), (96, "draft"), (96, "normal"),
    ]  # fmt: skip
    assert len(left(tmp_path / "overview", "scene+painting")["plain"]["points"]) == 4
    lines = [line for line in out.splitlines() if line.startswith("| ")]
    titles = [line for line in lines if re.match(r"\| (picture|whole process|pair) +\|", line)]
    assert len(titles) == 3 and len(lines) == 3 * 2 + 4 + 3 + 2  # with the rules below the titles
    for column in ("seconds", "evaluations", "s/evaluation", "floor s", "× floor", "peak MB"):
        assert f" {column} |" in titles[0]
    assert [line.split("|")[2].strip() for line in lines[-2:]] == ["equal loss", "equal picture"]


def test_threads_of_a_measurement_sleep_where_they_wait(tmp_path):
    """torch looks once at how its threads are to wait, so that has to be settled before it is imported."""
    code = """
import os, sys
class Seen:
    def find_spec(self, name, path=None, target=None):
        if name == "torch" and not hasattr(self, "policy"):
            self.policy = os.environ.get("OMP_WAIT_POLICY")
sys.meta_path.insert(0, Seen())
import benchmarks.__main__
print(sys.meta_path[0].policy)
"""
    clean = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean, capture_output=True, text=True)
    assert done.stdout == "PASSIVE\n", done.stderr


def test_a_python_without_the_packages_is_told_in_a_sentence(tmp_path):
    (tmp_path / "PIL.py").write_text("raise ModuleNotFoundError(\"No module named 'PIL'\", name='PIL')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "benchmarks", "--help"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert re.fullmatch(r"PIL is missing here; the README tells [^.]+\.\n", done.stderr)


def test_what_is_measured_without_a_name_is_what_the_names_measure(monkeypatch, tmp_path):
    seen = []
    for measurement in (speed, convergence):
        monkeypatch.setattr(measurement, "run", lambda options: seen.append(vars(options)) or 0)
    for name in ([], ["speed"], ["convergence"]):
        assert main([*name, "--out", str(tmp_path)]) == 0
    for both, alone in zip(seen[:2], seen[2:], strict=True):
        assert set(alone) <= set(both)
        assert {key for key in alone if alone[key] != both[key]} == {"command", "out"}
    assert (seen[0]["sizes"], seen[0]["qualities"]) == ([256, 512, 1024, 2048], ["draft", "normal", "fine"])


def test_speed_measures_a_run_and_whole_processes(measure, tmp_path):
    out = measure("speed", "--sizes=96", "--qualities=draft", "--evaluations=3", "--process-size=64").stdout
    measured = left(tmp_path / "speed", "speed")
    (row,) = measured["rows"]
    assert (row["width"], row["height"], row["evaluations"], row["threads"]) == (96, 72, 3, 1)
    assert 0 < row["fit_seconds"] < row["seconds"]
    assert 2 * row["evaluation_seconds"] < row["seconds"] - row["fit_seconds"] + 0.01
    floor = row["evaluation_flops"] / row["device_flops"]
    assert 0.3 < row["evaluation_seconds"] / floor < 100  # a busy machine slows either down
    assert 150 < row["peak_mb"] < 3000
    command_line, ready = measured["processes"].values()
    assert 0 < ready < command_line
    assert "96×72" in out and "GFLOP/s" in out and "64×48, draft" in out


def test_a_run_that_fails_is_told_and_the_others_are_measured(measure, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NST_DATA_DIR": str(tmp_path)}  # with no weights in it
    command = [sys.executable, "-m", "benchmarks", "speed", "--sizes=64", "--qualities=draft", "--features=imagenet"]
    command += ["--process-size=64", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 1
    assert "64 px, draft: exit code 1" in done.stderr and "not installed" in done.stderr
    assert list(left(tmp_path / "speed", "speed")["processes"]) == ["python -m nst_core.engine until ready"]


def test_convergence_compares_two_traces_of_one_loss(measure, tmp_path):
    out = measure("convergence", "--size=64", "--evaluations=8").stdout
    folder = tmp_path / "convergence"
    traces = left(folder, "scene+painting")
    plain, ours = traces["plain"]["points"], traces["engine"]["points"]
    assert len(plain) == 8 and 1 <= len(ours) <= 8
    for points in (plain, ours):
        seconds, losses = [p["seconds"] for p in points], [p["loss"] for p in points]
        assert seconds == sorted(seconds) and seconds[0] > 0
        assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0]
        assert points[0]["scores"] and points[-1]["scores"]
    assert abs(plain[0]["scores"]["style"]) < 0.02  # it starts from the content itself, at the size it is computed at
    assert plain[0]["scores"]["content"] > 0.95
    assert traces["engine"]["fit_seconds"] > 0
    assert "equal loss" in out and "equal picture" in out and "plain ended at loss" in out
    if find_spec("matplotlib"):
        assert Image.open(folder / "scene+painting.png").width == 1200
    else:
        assert "no plot, as matplotlib is not installed" in out and not (folder / "scene+painting.png").exists()
    assert Image.open(folder / "scene+painting-pictures.png").width > 4 * 64


def test_quality_scores_the_pictures_that_it_leaves(measure, tmp_path):
    (tmp_path / "pictures").mkdir()
    image(hills()).save(tmp_path / "pictures" / "content-hills.png")
    image(stripes()).save(tmp_path / "pictures" / "style-stripes.png")
    arguments = "--size=64", "--qualities=draft", "--evaluations=3"
    out = measure("quality", str(tmp_path / "pictures"), *arguments).stdout
    ((name, quality, style, content, seconds),) = left(tmp_path / "quality", "quality")
    assert (name, quality) == ("content-hills+style-stripes", "draft") and seconds > 0
    result = np.asarray(Image.open(tmp_path / "quality" / f"{name}-draft.png"), np.float32) / 255
    assert result.shape == (48, 64, 3)
    reduced = [_reduced(picture, (64, 48)) for picture in (hills(), stripes())]
    scores = Judge(*reduced).scores(result)
    assert (scores.style, scores.content) == pytest.approx((style, content), abs=1e-4)
    assert Image.open(tmp_path / "quality" / "sheet-1.png").width > 3 * 64
    assert "content-hills+style-stripes" in out and "mean" in out


def _reduced(picture, size):
    return np.asarray(image(picture).resize(size, Image.Resampling.LANCZOS), np.float32) / 255


def test_sliders_scores_every_position(measure, tmp_path):
    arguments = "--size=64", "--sliders=strength,size", "--strengths=0,50", "--sizes=64", "--evaluations=3", "--count=1"
    out = measure("sliders", *arguments).stdout
    measured = left(tmp_path / "sliders", "sliders")
    untouched, half, only_size = measured["rows"]
    pair = drawn_pairs()[0]
    itself = Judge(pair.content(64), pair.style(64)).scores(pair.content(64))
    assert untouched[:3] == [pair.name, "strength", "0"]
    assert untouched[3:] == [0.0, pytest.approx(itself.content), 0.0, None]  # the content itself
    assert half[4] < itself.content and half[5] > 0 and half[6] == pytest.approx(half[4])
    assert only_size[3:5] == half[3:5]  # the same run
    assert [verdict[:2] for verdict in measured["verdicts"]] == [[pair.name, "strength"], [pair.name, "size"]]
    assert "| pair" in out and Image.open(tmp_path / "sliders" / "strength.png").width > 2 * 64


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["speed", "--sizes=12"], "'12' is no size"),
        (["speed", "--memory-limit=1"], "memory_limit is 1; it must be 0 or from"),
        (["--sizes=12"], "'12' is no size"),
        (["colours"], "invalid choice: 'colours'"),
        (["quality", "--qualities=best"], "quality is 'best'"),
        (["sliders", "--strengths=0,200"], "strength is 200"),
        (["sliders", "--sliders=hue"], "'hue' is no slider"),
        (["convergence", "--evaluations=0"], "'0' is no number of evaluations"),
    ],
)
def test_a_wrong_option_is_told(capsys, arguments, said):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
