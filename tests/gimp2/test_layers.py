"""An artist paints layers in GIMP 2.10: what comes out, and that nothing else changes. With the real engine."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image as Files

from tests import artist

from .app import core
from .app.core import LayerMask
from .studio import drawn, engine_says, running, state


def parasite(layer) -> dict:
    flags, data = layer.parasites["neural-style"]
    assert flags == 3  # persistent, and undone with the layer
    return json.loads(data.decode("utf-8"))


def test_the_layer_in_a_group_gets_its_result_above_it(studio):
    image = studio.image()
    studio.layer(image, "Top", drawn(20, 30, 3, 4), 3, 9)
    group = studio.group(image, "Gruppe")
    studio.layer(group.image, "Sister", drawn(17, 23, 2, 5)[..., :1].repeat(3, 2), parent=group)
    content = studio.layer(image, "Blätter", drawn(47, 61, 4), 7, -5, group)
    style = studio.layer(image, "Øl på træ", drawn(40, 53, 3, 2))
    content.opacity, content.mode, content.color_tag = 75.0, 30, 4
    content.mask = LayerMask(content)
    content.mask.pixels, content.mask.layer = drawn(47, 61, 1, 7), content
    content.mask.x, content.mask.y = 7, -5
    before = state(image)

    assert studio.paint(image, content, style) == "success"

    assert [child.name for child in group.children] == ["Sister", "Blätter · Øl på træ", "Blätter"]
    result = group.children[1]
    assert (result.x, result.y, result.width, result.height, result.parent) == (7, -5, 61, 47, group)
    assert (result.opacity, result.mode, result.color_tag, result.visible, result.linked) == (75.0, 30, 4, True, False)
    assert (result.alpha, result.base) == (True, core.RGB)
    expected = engine_says(content.pixels, style.pixels)
    assert np.array_equal(result.pixels, expected)
    assert np.array_equal(result.pixels[..., 3], content.pixels[..., 3])
    assert (result.pixels[..., :3] != content.pixels[..., :3]).mean() > 0.5
    assert np.array_equal(result.mask.pixels, content.mask.pixels) and result.mask is not content.mask
    kept = parasite(result)
    assert kept["style"] == "Øl på træ"
    assert kept["settings"] == artist.settings(quality="draft", seed=3)
    assert kept["used"]["features"] and kept["used"]["version"]

    assert len(image.undo_steps) == 1 and image.undo_depth == 0 and image.unrecorded == []
    image.undo()
    assert state(image) == before
    assert studio.gimp.said == []
    assert studio.gimp.stderr == ""
    fractions = [fraction for _, fraction in studio.gimp.progress if fraction is not None]
    assert len(fractions) > 3 and fractions == sorted(fractions) and fractions[-1] == 1.0
    texts = [text for text, _ in studio.gimp.progress if text]
    assert all(text.startswith("Neural Style: ") for text in texts)
    assert any("built-in" in text for text in texts)


def test_a_grey_image_stays_grey(studio):
    image = studio.image(base=core.GRAY)
    contents = [studio.layer(image, f"Grey {channels}", drawn(47, 61, channels)) for channels in (1, 2)]
    contents[0].linked = contents[1].linked = True
    coloured = studio.image()
    style = studio.layer(coloured, "Colours", drawn(40, 53, 3, 2))
    assert studio.paint(image, contents[0], style) == "success"
    for content, result in zip(contents, image.layers[::2], strict=True):
        assert (result.base, result.alpha, result.name) == (core.GRAY, content.alpha, f"{content.name} · Colours")
        assert np.array_equal(result.pixels, engine_says(content.pixels, style.pixels))
    assert len(coloured.layers) == 1 and coloured.undo_steps == []


@pytest.mark.parametrize("precision", [core.U16_GAMMA, core.FLOAT_LINEAR])
def test_at_every_precision_eight_bits_cross(studio, precision):
    image, content, style = studio.scene(precision)
    sent = content.as_u8()
    before = content.pixels.copy()
    assert studio.paint(image, content, style) == "success"
    result = image.layers[0]
    assert result.pixels.dtype == core.SAMPLES[precision]
    assert np.array_equal(result.as_u8(), engine_says(sent, style.as_u8()))
    assert np.array_equal(content.pixels, before)


def test_a_feathered_selection_bounds_the_work_and_the_result(studio):
    image = studio.image(300, 200)
    content = studio.layer(image, "Content", drawn(180, 260, 3), 12, 9)
    style = studio.layer(image, "Style", drawn(40, 53, 3, 2))
    image.selection.select_rectangle(100, 80, 50, 30, 12)
    selected = content.selected()
    assert studio.paint(image, content, style) == "success"
    result = image.layers[0]
    assert (result.x, result.y, result.width, result.height) == (12, 9, 260, 180)
    # the result shows as far as the selection goes; nothing of it is seen outside
    alpha = core.to_unit(result.pixels[..., 3:])
    assert result.alpha and np.abs(alpha - selected).max() <= 1.5 / 255
    assert (alpha[selected == 0] == 0).all() and alpha.max() > 0.9
    left, top, right, bottom = image.selection.bounds()
    width, height = right - left + 64, bottom - top + 64
    assert any(f"{width} × {height}" in text for text, _ in studio.gimp.progress if text)
    box = slice(top - 32 - 9, bottom + 32 - 9), slice(left - 32 - 12, right + 32 - 12)
    painted = engine_says(content.pixels[box], style.pixels)
    inside = result.pixels[box][..., :3]
    assert np.array_equal(inside, painted)


def test_the_selection_that_was_when_it_began_counts(studio):
    image, content, style = studio.scene()
    image.selection.select_rectangle(10, 10, 20, 20)

    def artist(gimp):
        image.selection.pixels = np.zeros_like(image.selection.pixels)

    studio.gimp.on_progress = artist
    assert studio.paint(image, content, style) == "success"
    alpha = image.layers[0].pixels[..., 3]
    assert alpha[15:35, 3:23].any() and not alpha[:15].any() and not alpha[:, 23:].any()


def test_linked_layers_are_painted_one_after_the_other_by_one_engine(studio):
    image = studio.image()
    group = studio.group(image, "Group")
    one = studio.layer(image, "One", drawn(47, 61, 3), 5, 3, group)
    two = studio.layer(image, "Two", drawn(33, 41, 4, 1), 20, 30)
    studio.layer(image, "Alone", drawn(33, 41, 3, 4))
    style = studio.layer(image, "Style", drawn(40, 53, 3, 2))
    one.linked = two.linked = True
    before = state(image)
    assert studio.paint(image, two, style) == "success"
    assert len(studio.engines()) == 1 and not running(studio.engines()[0])
    assert [layer.name for layer in image.layers] == ["Group", "Two · Style", "Two", "Alone", "Style"]
    assert [layer.name for layer in group.children] == ["One · Style", "One"]
    assert not image.layers[1].linked and not group.children[0].linked
    assert np.array_equal(group.children[0].pixels, engine_says(one.pixels, style.pixels))
    assert np.array_equal(image.layers[1].pixels, engine_says(two.pixels, style.pixels))
    assert any("layer 2 of 2" in text for text, _ in studio.gimp.progress if text)
    assert len(image.undo_steps) == 1
    image.undo()
    assert state(image) == before


def test_a_style_file_whose_path_is_not_plain(studio):
    image, content, other = studio.scene()
    path = studio.home / "Стиль №1 ünd 画.png"
    Files.fromarray(drawn(40, 53, 3, 3)).save(path)
    assert studio.paint(image, content, other, str(path)) == "success"
    result = image.layers[0]
    assert result.name == "Blätter · Стиль №1 ünd 画"
    assert parasite(result)["style"] == str(path)
    style = np.concatenate([drawn(40, 53, 3, 3), np.full((40, 53, 1), 255, np.uint8)], 2)
    assert np.array_equal(result.pixels, engine_says(content.pixels, style))
    assert list(studio.gimp.images) == [image.id]


def test_an_indexed_style_is_read_as_its_colours(studio):
    image, content, _ = studio.scene()
    indexed = studio.image(base=core.INDEXED)
    indexed.colormap = drawn(16, 16, 3, 5)[3]
    style = studio.layer(indexed, "Palette", (drawn(40, 53, 1, 2) // 16).astype(np.uint8))
    assert studio.paint(image, content, style) == "success"
    colours = indexed.colormap[style.pixels[..., 0]]
    assert np.array_equal(image.layers[0].pixels, engine_says(content.pixels, colours))


def test_progress_tells_the_time_that_is_left(studio):
    image = studio.image()
    content, style = (studio.layer(image, name, drawn(240, 320, 3, i)) for i, name in enumerate(("Content", "Style")))
    assert studio.paint(image, content, style) == "success"
    assert any(re.search(r"about \d+ s left", text) for text, _ in studio.gimp.progress if text)
