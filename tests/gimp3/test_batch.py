"""The example for a shell, ``examples/batch.py``, in GIMP 3's console."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image as Files

from .drawing import picture
from .host import REPOSITORY

SCRIPT = (REPOSITORY / "examples/batch.py").read_text(encoding="utf-8")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
FAIL = """
import sys
os.environ.update(paths)
try:
    exec(script, {})
    result = "no failure"
except RuntimeError as exc:
    result = str(exc)
finally:
    sys.tracebacklimit = 1000  # this process is not the script's own, as a console is
"""
RUN = """
os.environ.update(paths)
before = len(Gimp.get_images())
exec(script, {})
result = len(Gimp.get_images()) - before
"""


def draft() -> str:
    assert '("quality", "normal")' in SCRIPT
    return SCRIPT.replace('("quality", "normal")', '("quality", "draft")')


def save(pixels: np.ndarray, path) -> np.ndarray:
    samples = (pixels * 255 + 0.5).astype(np.uint8)
    Files.fromarray(samples).save(path)
    return samples


def test_the_example_paints_a_file(console):
    folder = console.gimp.folder / "Bilder ü"
    folder.mkdir()
    drawn = {"photo": picture(47, 61, 3), "Gemälde": picture(40, 53, 3, 2)}
    for name, pixels in drawn.items():
        save(pixels, folder / f"{name}.png")
    names = {"CONTENT": "photo.png", "STYLE": "Gemälde.png", "OUT": "result.png"}
    paths = {name: str(folder / file) for name, file in names.items()}
    assert console.do(RUN, paths=paths, script=draft()) == 0
    with Files.open(folder / "result.png") as result:
        assert result.mode == "RGB"
        painted = np.asarray(result)
    assert painted.shape == (47, 61, 3)
    assert (painted != np.asarray(Files.open(folder / "photo.png"))).mean() > 0.5


@pytest.mark.parametrize(("ending", "mode"), [("png", "RGBA"), ("tif", "RGBA"), ("webp", "RGBA"), ("jpg", "RGB")])
def test_the_example_keeps_transparency_where_the_file_can(console, ending, mode):
    folder = console.gimp.folder / f"see-through {ending}"
    folder.mkdir()
    pixels = picture(47, 61, 4)
    pixels[:9, :, 3] = 0
    content = save(pixels, folder / "photo.png")
    save(picture(40, 53, 3, 2), folder / "style.png")
    names = {"CONTENT": "photo.png", "STYLE": "style.png", "OUT": f"result.{ending}"}
    console.do(RUN, paths={name: str(folder / file) for name, file in names.items()}, script=draft())
    with Files.open(folder / names["OUT"]) as result:
        assert (result.mode, result.size) == (mode, (61, 47))
        if mode == "RGBA":
            assert np.array_equal(np.asarray(result)[..., 3], content[..., 3])


def test_the_example_says_what_it_can_not_read_or_write(console):
    folder = console.gimp.folder / "nothing here"
    folder.mkdir()
    photo = folder / "photo.png"
    save(picture(47, 61, 3), photo)
    (folder / "letter.png").write_text("no picture")
    good = {"CONTENT": str(photo), "STYLE": str(photo), "OUT": str(folder / "result.png")}
    for name, path, said in (
        ("CONTENT", folder / "none.png", "There is no file"),
        ("CONTENT", folder / "letter.png", "letter.png as a picture: name another CONTENT."),
        ("CONTENT", "", "The variable CONTENT is not set"),
        ("STYLE", "", "The variable STYLE is not set"),
        ("OUT", "", "The variable OUT is not set"),
        ("OUT", folder / "none" / "result.png", "There is no folder"),
        ("OUT", folder / "result.nothing", "result.nothing: name another OUT"),
        ("OUT", folder, "is a folder"),
        ("OUT", folder / "result", "has no ending"),
        ("STYLE", folder / "none.png", "There is no file"),
        ("STYLE", folder / "letter.png", "can't be opened"),
    ):
        assert said in console.do(FAIL, paths={**good, name: str(path)}, script=draft())
    assert sorted(path.name for path in folder.iterdir()) == ["letter.png", "photo.png"]


def test_the_readmes_command_fails_with_a_sentence_and_a_true_exit_code(console):
    folder = console.gimp.folder / "of the readme"
    (folder / "examples").mkdir(parents=True)
    (folder / "examples/batch.py").write_text(draft(), encoding="utf-8")
    (folder / "photo.jpg").write_text("no picture")
    save(picture(40, 53, 3, 2), folder / "painting.jpg")
    (command,) = re.findall(r"^CONTENT=.* --quit$", README, re.M)
    done = console.gimp.batch(command, folder)
    assert done.returncode == 64, done.stdout
    assert "Traceback" not in done.stdout and "crashed" not in done.stdout
    (said,) = re.findall(r"^RuntimeError: (.*)$", done.stdout, re.M)
    assert said == f"GIMP can't open {folder / 'photo.jpg'} as a picture: name another CONTENT."
    save(picture(47, 61, 3), folder / "photo.jpg")
    done = console.gimp.batch(command, folder)
    assert done.returncode == 0, done.stdout
    assert f"Neural Style: wrote {folder / 'result.png'}\n" in done.stdout
