"""A selection bounds the work and masks the result. In GIMP 3's console."""

from __future__ import annotations

import numpy as np


def test_a_feathered_selection(console):
    told, [request] = console.record(
        """
image = new_image(331, 277, "RGB", "FLOAT_NON_LINEAR")
back = add_layer(image, "Back", drawn[0])
content = add_layer(image, "Content", drawn[1], None, 0, (20, -11))
style = add_layer(image, "Style", drawn[2])
style.set_visible(False)
image.select_ellipse(Gimp.ChannelOps.REPLACE, 120, 90, 60, 40)
Gimp.Selection.feather(image, 9.0)
bounds = list(Gimp.Selection.bounds(image))[2:]
selection = image.get_selection()
mask = selection.get_buffer().get(Gegl.Rectangle.new(0, 0, 331, 277), 1.0, "Y float", Gegl.AbyssPolicy.NONE)
before, seen = state(image), composite(image)
called = call(image, [content], style=style, quality="draft")
new = by_name(image, "Content · Style")
after = composite(image)
result = {
    "called": called, "before": before, "after": state(image), "bounds": bounds, "mask": save("mask", mask),
    "seen": save("seen", seen), "now": save("now", after), "new": facts(new),
    "content": keep("content", content), "style": keep("style", style), "pixels": keep("result", new),
    "still selected": list(Gimp.Selection.bounds(image))[2:],
}
image.delete()
""",
        drawn=[console.drawn(277, 331, 3), console.drawn(250, 300, 3, 1), console.drawn(60, 70, 3, 2)],
    )
    assert told["called"] == ["success", None]
    assert told["still selected"] == told["bounds"]
    before, after = (
        next(layer for layer in told[when] if layer["name"] == "Content")["pixels"] for when in ("before", "after")
    )
    assert before == after
    new = told["new"]
    assert (new["size"], new["offsets"], new["type"]) == ([300, 250], [20, -11], "rgba-image")

    # only the selection's box and 32 pixels around it are computed
    left, top, right, bottom = told["bounds"]
    height, width = bottom - top + 64, right - left + 64
    assert request.arrays["content"].shape == (height, width, 3)

    # outside the selection nothing looks different; inside it does
    mask = np.fromfile(told["mask"], np.float32).reshape(277, 331)
    seen, now = (np.fromfile(told[name], np.float32).reshape(277, 331, 4) for name in ("seen", "now"))
    assert np.array_equal(seen[mask == 0], now[mask == 0])
    assert np.abs(seen - now)[mask > 0.5].max() > 0.05

    # the result's alpha is the selection, its colours are the engine's for the pixels of that box
    painted = console.array(told["pixels"])
    x, y = left - 32 - 20, top - 32 + 11
    inner = np.s_[y : y + height, x : x + width]
    expected = np.pad(mask, ((11, 0), (0, 0)))[:250, 20:320]
    assert np.abs(painted[..., 3] - expected).max() < 1e-6
    assert np.array_equal(request.arrays["content"], console.array(told["content"])[inner])
    alone = console.alone(request)
    solid = expected[inner] > 0
    assert np.abs(painted[inner][..., :3] - alone)[solid].max() < 1e-6


def test_a_selection_in_an_8_bit_grey_image_at_the_layer_s_corner(console):
    told = console.do(
        """
image = new_image(121, 97, "GRAY")
content = add_layer(image, "Content", drawn[0])
style = add_layer(image, "Style", drawn[1])
style.set_visible(False)
image.select_rectangle(Gimp.ChannelOps.REPLACE, 111, 90, 40, 40)
seen = composite(image)
called = call(image, [content], style=style, quality="draft")
new = by_name(image, "Content · Style")
result = {"called": called, "type": new.type().value_nick, "pixels": keep("result", new),
          "seen": save("seen", seen), "now": save("now", composite(image))}
image.delete()
""",
        drawn=[console.drawn(97, 121, 1), console.drawn(40, 53, 1, 2)],
    )
    assert told["called"] == ["success", None]
    assert told["type"] == "graya-image"
    alpha = np.zeros((97, 121), np.float32)
    alpha[90:, 111:] = 1
    assert np.array_equal(console.array(told["pixels"])[..., 1], alpha)
    seen, now = (np.fromfile(told[name], np.float32).reshape(97, 121, 4) for name in ("seen", "now"))
    assert np.array_equal(seen[alpha == 0], now[alpha == 0])
    assert not np.array_equal(seen[alpha == 1], now[alpha == 1])
