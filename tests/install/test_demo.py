"""The demo, as a person runs it: with the engine alone, and in a real GIMP 3."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_core import samples
from nst_core.samples.sheet import side_by_side
from tests.gimp3.host import gimp_folder, in_namespaces, python_folders


def check_panels(path: Path) -> None:
    """Three panels: the scene, the painting, and a picture that is the scene's but looks more like the painting."""
    with Image.open(path) as picture:
        sheet = np.asarray(picture.convert("RGB"), np.float32) / 255
    height, width, gap = 384, 512, 384 // 20
    left = gap, 2 * gap + width, 3 * gap + 2 * width
    panels = [sheet[gap : gap + height, x : x + width] for x in left]
    assert sheet.shape[1] == 3 * width + 4 * gap
    assert np.abs(panels[0] - samples.scene()).max() < 0.01
    assert np.abs(panels[1] - samples.painting()).max() < 0.01
    grey = [panel.mean(2) - panel.mean() for panel in panels]
    likeness = [np.corrcoef(grey[2].ravel(), other.ravel())[0, 1] for other in grey[:2]]
    assert likeness[0] > 0.3 > abs(likeness[1])  # what is where comes from the scene, not from the painting
    assert np.abs(panels[2] - panels[0]).mean() > 0.02
    labels = sheet[gap + height :]
    assert all((labels[:, x : x + width] < 0.5).any() for x in left)


def test_with_the_engine_alone(newcomer, tmp_path):
    done = newcomer.run("--demo", cwd=tmp_path, PATH="")
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "demo.png") in done.stdout
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["demo.png"]
    check_panels(tmp_path / "demo.png")
    assert {path.name for path in newcomer.data.iterdir()} == {
        "installed.json",
        next(newcomer.data.glob("engine-*")).name,
    }


def test_in_gimp_3(newcomer, tmp_path):
    environment = {"HOME": str(newcomer.home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    environment |= {"NST_DATA_DIR": str(newcomer.data), "NST_LOG_DIR": str(newcomer.logs)}
    inside = f"cd {tmp_path} && exec {shlex.join(newcomer.command('--demo'))}"
    shared = [*python_folders(), str(newcomer.checkout), str(newcomer.home), str(tmp_path)]
    command = in_namespaces(gimp_folder(), inside, list(dict.fromkeys(shared)), environment)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in GIMP 3" in done.stdout
    assert f"{newcomer.plug_in().parent}, for GIMP 3.0" in done.stdout
    check_panels(tmp_path / "demo.png")
    assert "host: gimp3" in (newcomer.logs / "engine.log").read_text(encoding="utf-8")  # the engine was GIMP's


def test_a_place_that_may_not_be_written(newcomer, tmp_path, root_only):
    locked, taken = tmp_path / "locked", tmp_path / "taken" / "demo.png"
    locked.mkdir()
    taken.mkdir(parents=True)
    done = newcomer.run("--demo", before=f"mount -t tmpfs -o ro tmpfs '{locked}'; cd '{locked}'", PATH="/usr/bin:/bin")
    assert done.returncode == 1
    assert f"{locked / 'demo.png'} can't be written" in done.stderr.splitlines()[-1]
    done = newcomer.run("--demo", before=f"cd '{taken.parent}'", PATH="/usr/bin:/bin")
    assert done.returncode == 1
    assert f"{taken} is a folder: give it another name" in done.stderr.splitlines()[-1]
    assert "Drawing a scene" not in done.stdout and list(taken.parent.iterdir()) == [taken]


@pytest.mark.parametrize("size", [(97, 131), (75, 60)])
def test_samples_are_the_same_each_time_and_fill_any_size(size):
    for draw in (samples.scene, samples.painting):
        picture = draw(*size)
        assert picture.shape == (*size, 3)
        assert picture.dtype == np.float32
        assert picture.min() >= 0
        assert picture.max() <= 1
        assert picture.std() > 0.1
        assert np.array_equal(picture, draw(*size))


def test_a_sheet_shows_transparent_and_grey_pictures():
    clear = Image.new("LA", (31, 20), (0, 0))
    sheet = np.asarray(side_by_side([("clear", clear), ("grey", Image.new("L", (10, 40), 128))], height=80))
    assert sheet.shape[1] == 3 * 8 + 124 + 20
    assert (sheet[8:88, 8 : 8 + 124] == (250, 249, 246)).all()
    assert (sheet[8:88, 2 * 8 + 124 : 2 * 8 + 144] == 128).all()


def test_samples_are_drawn_into_a_folder_or_it_is_said_why_not(tmp_path, capsys):
    from nst_core.samples.__main__ import main

    assert main(["draw", str(tmp_path / "new"), "--width", "64", "--height", "48"]) == 0
    assert [Path(line.removeprefix("Written: ")).name for line in capsys.readouterr().out.splitlines()] == [
        "content.png",
        "style.png",
    ]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["content.png", "style.png"]
    (tmp_path / "file").write_text("no folder")
    assert main(["draw", str(tmp_path / "file")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert (tmp_path / "file").read_text() == "no folder"
