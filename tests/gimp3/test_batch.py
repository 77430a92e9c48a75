"""The example for a shell, ``examples/batch.py``, in GIMP 3's console."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image as Files
from PIL import ImageOps

from .drawing import picture
from .host import REPOSITORY

SCRIPT = (REPOSITORY / "examples/batch.py").read_text(encoding="utf-8")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
FAIL = """
import sys
os.environ.update(paths)
try:
    before = len(Gimp.get_images())
    exec(script, {})
    result = "no failure", None
except RuntimeError as exc:
    result = str(exc), len(Gimp.get_images()) - before
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


def test_red_ink_on_a_transparent_layer_draws_the_photo(console):
    folder = console.gimp.folder / "ink"
    folder.mkdir()
    y, x = np.mgrid[0:200, 0:260]
    away = np.minimum(np.abs((x + 0.3 * y) % 37 - 18), np.abs((y - 0.2 * x) % 53 - 26))
    ink = np.dstack([np.full((200, 260, 3), (0.7, 0.1, 0.1)), np.clip(1.5 - away, 0, 1)])
    y, x = np.mgrid[0:150, 0:210]
    disc = np.hypot(y - 70, x - 110) < 50  # dark on light
    save(np.repeat(np.where(disc, 0.3, 0.7)[..., None], 3, 2), folder / "photo.png")
    save(ink, folder / "ink.png")
    names = {"CONTENT": "photo.png", "STYLE": "ink.png", "OUT": "result.png"}
    console.do(RUN, paths={name: str(folder / file) for name, file in names.items()}, script=draft())
    with Files.open(folder / "result.png") as result:
        painted = np.asarray(result.convert("RGB")) / 255
    border = np.abs(np.hypot(y - 70, x - 110) - 49) < 2.5
    assert np.median(painted[disc & ~border]) > 0.85 < np.median(painted[~disc & ~border])  # paper, in light and dark
    red = painted[border].mean(0) - painted[~border].mean(0)
    assert red[1] < -0.2 and red[1] < red[0] - 0.1


def painted_files(console, **paths):
    """What the example sends to the engine of the files ``content`` and ``style``, and the file that it writes."""
    names = {name.upper(): str(path) for name, path in paths.items()}
    left, [request] = console.record(RUN, paths=names, script=draft())
    assert left == 0
    with Files.open(paths["out"]) as result:
        result.load()
    return request.arrays["content"], request.arrays["style"], result


def as_shown(path, mode: str) -> np.ndarray:
    with Files.open(path) as file:
        return np.asarray(ImageOps.exif_transpose(file).convert(mode)) / 255


def test_the_example_turns_a_photo_as_the_camera_says(console):
    folder = console.gimp.folder / "turned"
    folder.mkdir()
    for name, pixels, orientation in (("photo", picture(47, 61, 3), 6), ("style", picture(40, 53, 3, 2), 8)):
        exif = Files.Exif()
        exif[0x0112] = orientation
        samples = (pixels * 255 + 0.5).astype(np.uint8)
        Files.fromarray(samples).save(folder / f"{name}.jpg", exif=exif, quality=95, subsampling=0)
    photo, style, out = folder / "photo.jpg", folder / "style.jpg", folder / "result.jpg"
    sent, sent_style, result = painted_files(console, content=photo, style=style, out=out)
    assert sent.shape == (61, 47, 3) and sent_style.shape[:2] == (53, 40)
    decoders_differ = 0.02
    assert np.abs(sent - as_shown(photo, "RGB")).max() < decoders_differ
    assert np.abs(sent_style[..., :3] - as_shown(style, "RGB")).max() < decoders_differ
    assert result.size == ImageOps.exif_transpose(result).size == (47, 61)


def test_the_example_paints_an_animation_as_gimp_shows_it(console):
    folder = console.gimp.folder / "animation"
    folder.mkdir()
    save(picture(40, 53, 3, 2), folder / "style.png")
    first, *later = [Files.fromarray((picture(47, 61, 3, n) * 255 + 0.5).astype(np.uint8)) for n in range(3)]
    frames = [first.quantize(128)]
    for number, other in enumerate(later):  # of each later one, the file has only what is new
        frames.append(frames[-1].copy())
        corner = 11 * number, 5 + 9 * number
        frames[-1].paste(other.quantize(palette=frames[0]).crop((0, 0, 23, 17)), corner)
    frames[0].save(folder / "photo.gif", save_all=True, append_images=frames[1:], duration=90)
    sent, _, result = painted_files(
        console, content=folder / "photo.gif", style=folder / "style.png", out=folder / "result.png"
    )
    assert np.abs(sent[..., :3] - np.asarray(frames[2].convert("RGB")) / 255).max() < 1e-3
    assert result.size == (61, 47)
    assert np.asarray(result.convert("RGBA"))[..., 3].min() == 255


def test_the_example_paints_all_that_is_seen_of_several_layers(console):
    folder = console.gimp.folder / "layers"
    folder.mkdir()
    save(picture(40, 53, 3, 2), folder / "style.png")
    shown = console.do(
        """
image = new_image(61, 47)
add_layer(image, "Sky", drawn[0])
group = Gimp.GroupLayer.new(image, "Group")
image.insert_layer(group, None, 0)
add_layer(image, "Tree", drawn[1], group, 0, (19, -6)).set_opacity(70)
add_layer(image, "Hidden", drawn[2], None, 0, (3, 4)).set_visible(False)
Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None)
result = [save("shown", composite(image)), 47, 61, 4]
image.delete()
""",
        drawn=[console.drawn(47, 61, 4), console.drawn(30, 40, 4, 1), console.drawn(20, 50, 3, 3)],
        path=str(folder / "photo.xcf"),
    )
    sent, _, result = painted_files(
        console, content=folder / "photo.xcf", style=folder / "style.png", out=folder / "result.png"
    )
    shown = console.array(shown)
    solid = shown[..., 3] > 0
    assert 0 < solid.mean() < 1
    assert np.abs(sent - shown)[solid].max() < 1e-3
    assert (result.mode, result.size) == ("RGBA", (61, 47))
    assert np.abs(np.asarray(result)[..., 3] / 255 - shown[..., 3]).max() < 1e-3


@pytest.mark.parametrize("clear", [None, 5])
def test_the_example_paints_a_picture_with_a_palette(console, clear):
    folder = console.gimp.folder / f"palette {clear}"
    folder.mkdir()
    save(picture(40, 53, 3, 2), folder / "style.png")
    drawn = Files.fromarray((picture(47, 61, 3) * 255 + 0.5).astype(np.uint8)).quantize(32)
    drawn.save(folder / "photo.png", **({} if clear is None else {"transparency": clear}))
    mode = "RGB" if clear is None else "RGBA"
    sent, _, result = painted_files(
        console, content=folder / "photo.png", style=folder / "style.png", out=folder / "result.png"
    )
    expected = as_shown(folder / "photo.png", mode)
    solid = np.asarray(drawn) != clear
    assert sent.shape == expected.shape and np.abs(sent - expected)[solid].max() < 1e-3
    assert (result.mode, result.size) == (mode, (61, 47))
    if clear is not None:
        assert not solid.all() and np.array_equal(np.asarray(result)[..., 3], solid * 255)


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
        sentence, left = console.do(FAIL, paths={**good, name: str(path)}, script=draft())
        assert said in sentence
        assert left == 0  # GIMP grumbles at its end about an image that nobody deleted
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
