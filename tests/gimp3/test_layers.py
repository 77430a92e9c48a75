"""The new layer: where it is, what is in it, and that nothing else has changed. In GIMP 3's console."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests import artist

DRAFT = artist.settings(quality="draft")


def without(layers, names):
    """``layers`` without those of ``names``, at every level, and without positions: these move up by one."""
    rest = []
    for layer in layers:
        if layer["name"] not in names:
            layer = {key: value for key, value in layer.items() if key != "position"}
            if "children" in layer:
                layer["children"] = without(layer["children"], names)
            rest.append(layer)
    return rest


def assert_sent(studio, request, told, settings):
    """Checks that the engine was sent the layers' own pixels, and the settings."""
    assert request.header["settings"] == settings
    for name in ("content", "style"):
        pixels = studio.array(told[name])
        assert np.abs(request.arrays[name][..., : pixels.shape[2]] - pixels).max() < 1e-4


def test_an_offset_half_transparent_layer_in_a_group(console):
    told, [request] = console.record(
        """
image = new_image(131, 97)
back = add_layer(image, "Back", drawn[0])
group = Gimp.GroupLayer.new(image, "Group")
image.insert_layer(group, None, 0)
inner = add_layer(image, "Inner", drawn[1], group, 0, (17, -6))
inner.set_opacity(62.0)
add_mask(inner, drawn[2])
style = add_layer(image, "Style", drawn[3])
before = state(image)
called = call(image, [inner.get_mask()], style=style, quality="draft")  # which GIMP selects when it is new
new = by_name(image, "Inner · Style")
result = {
    "called": called, "before": before, "after": state(image), "new": facts(new), "mask": facts(inner)["mask"],
    "parasite": parasite(new), "selected": [l.get_name() for l in image.get_selected_layers()],
    "content": keep("content", inner), "style": keep("style", style), "pixels": keep("result", new),
}
""",
        drawn=[
            console.drawn(97, 131, 4), console.drawn(47, 61, 4, 1), console.drawn(47, 61, 1, 2),
            console.drawn(40, 53, 4, 3),
        ],
    )  # fmt: skip
    assert told["called"] == ["success", None]
    new = told["new"]
    assert (new["size"], new["offsets"], new["parent"], new["position"]) == ([61, 47], [17, -6], "Group", 0)
    assert (new["type"], new["opacity"], new["mode"], new["visible"]) == ("rgba-image", 62.0, "normal", True)
    assert new["mask"] == told["mask"] is not None
    assert without(told["after"], {new["name"]}) == without(told["before"], set())
    assert told["selected"] == ["Inner · Style"]
    kept = json.loads(told["parasite"])
    assert kept["settings"] == DRAFT
    assert kept["style"] == "Style"
    assert kept["used"]["features"] == "built-in"
    content, painted = console.array(told["content"]), console.array(told["pixels"])
    assert np.array_equal(painted[..., 3], content[..., 3])
    assert np.abs(painted - content)[..., :3].max() > 0.05
    assert_sent(console, request, told, kept["settings"])
    assert np.abs(painted - console.alone(request)).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize(
    ("base", "precision", "channels", "exact"),
    [
        ("RGB", "U8_NON_LINEAR", 3, 0.5 / 255),
        ("RGB", "U8_LINEAR", 4, 0.03),
        ("RGB", "U16_NON_LINEAR", 4, 0.5 / 65535),
        ("RGB", "FLOAT_NON_LINEAR", 4, 0),
        ("RGB", "FLOAT_LINEAR", 3, 2e-6),
        ("GRAY", "U8_NON_LINEAR", 1, 0.5 / 255),
        ("GRAY", "U16_LINEAR", 2, 1e-3),
        ("GRAY", "FLOAT_NON_LINEAR", 2, 0),
    ],
)
def test_every_precision_and_grey(console, base, precision, channels, exact):
    told, [request] = console.record(
        """
image = new_image(37, 29, base, precision)
content = add_layer(image, "Content", drawn[0])
other = new_image(23, 31)
style = add_layer(other, "Style", drawn[1])
before = state(image)
called = call(image, [content], style=style, quality="draft")
new = by_name(image, "Content · Style")
result = {
    "called": called, "before": before, "after": state(image),
    "type": [content.type().value_nick, new.type().value_nick],
    "content": keep("content", content), "style": keep("style", style), "pixels": keep("result", new),
}
image.delete()
other.delete()
""",
        base=base, precision=precision, drawn=[console.drawn(29, 37, channels), console.drawn(31, 23, 3, 1)],
    )  # fmt: skip
    assert told["called"] == ["success", None]
    assert told["type"][0] == told["type"][1]
    assert without(told["after"], {"Content · Style"}) == without(told["before"], set())
    painted, content = console.array(told["pixels"]), console.array(told["content"])
    assert painted.shape == content.shape == (29, 37, channels)
    assert np.abs(painted - content).max() > 0.05
    assert_sent(console, request, told, DRAFT)
    assert np.abs(painted - console.alone(request)).max() <= exact + (1e-6 if exact else 0)


def test_an_image_with_a_colour_profile_of_its_own(console):
    told, [request] = console.record(
        """
image = new_image(61, 47, "RGB", "FLOAT_NON_LINEAR")
image.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())
content = add_layer(image, "Content", drawn[0])
style = add_layer(image, "Style", drawn[1])
called = call(image, [content], style=style, quality="draft")
new = by_name(image, "Content · Style")
result = {
    "called": called, "content": keep("content", content), "style": keep("style", style), "pixels": keep("result", new),
}
image.delete()
""",
        drawn=[console.drawn(47, 61, 4), console.drawn(53, 40, 3, 1)],
    )
    assert told["called"] == ["success", None]
    assert_sent(console, request, told, DRAFT)
    ways_differ = 1e-3  # babl's, into the profile and out of it
    assert np.abs(console.array(told["pixels"]) - console.alone(request)).max() < ways_differ


def test_a_style_file_and_all_the_settings(console):
    told, [request] = console.record(
        """
image = new_image(61, 47)
content = add_layer(image, "Content", drawn[0])
page = new_image(40, 53, "RGB", "U8_NON_LINEAR")
style = add_layer(page, "Page", drawn[1])
path = os.path.join(FOLDER, "Gemälde Nr. 1.png")
Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, page, Gio.File.new_for_path(path), None)
images = len(Gimp.get_images())
called = call(image, [content], style_file=Gio.File.new_for_path(path), style=content, strength=80.0,
              brush_size=150.0, quality="draft", keep_colours="luminance", seed=7)  # the file goes before the layer
new = by_name(image, "Content · Gemälde Nr. 1")
result = {
    "called": called, "parasite": parasite(new), "path": path, "images": len(Gimp.get_images()) - images,
    "content": keep("content", content), "style": keep("style", style), "pixels": keep("result", new),
}
image.delete()
page.delete()
""",
        drawn=[console.drawn(47, 61, 3), console.drawn(53, 40, 3, 1)],
    )
    assert told["called"] == ["success", None]
    assert told["images"] == 0
    kept = json.loads(told["parasite"])
    used = {"strength": 80.0, "brush_size": 150.0, "quality": "draft", "keep_colours": "luminance", "seed": 7}
    settings = artist.settings(**used)
    assert (kept["settings"], kept["style"]) == (settings, told["path"])
    assert_sent(console, request, told, settings)
    assert np.abs(console.array(told["pixels"]) - console.alone(request)).max() <= 0.5 / 255 + 1e-6


def test_two_layers_by_one_engine(console):
    told = console.do(
        """
image = new_image(101, 77)
low = add_layer(image, "Low", drawn[0])
between = add_layer(image, "Between", drawn[1])
high = add_layer(image, "High", drawn[2], None, 0, (-9, 14))
style = add_layer(image, "Style", drawn[3])
before = state(image)
log = len(log_text())
with Watch() as watch:
    called = call(image, [high, low], style=style, quality="draft")
time.sleep(0.1)
result = {
    "called": called, "before": before, "after": state(image), "engines": len(watch.seen), "left": engines(),
    "log": log_text()[log:],
}
image.delete()
""",
        drawn=[
            console.drawn(77, 101, 4), console.drawn(30, 40, 4, 1), console.drawn(47, 61, 4, 2),
            console.drawn(53, 40, 3, 3),
        ],
    )  # fmt: skip
    assert told["called"] == ["success", None]
    order = ["Style", "High · Style", "High", "Between", "Low · Style", "Low"]
    assert [layer["name"] for layer in told["after"]] == order
    assert without(told["after"], {"High · Style", "Low · Style"}) == without(told["before"], set())
    assert told["after"][1]["offsets"] == [-9, 14]
    assert (told["engines"], told["left"]) == (1, [])
    assert told["log"].count("engine started") == 1


def test_groups_text_and_styles_of_other_kinds(console):
    told = console.do(
        """
image = new_image(101, 77)
group = Gimp.GroupLayer.new(image, "Group")
image.insert_layer(group, None, 0)
add_layer(image, "One", drawn[0], group, 0, (3, 5))
add_layer(image, "Two", drawn[1], group, 0, (20, 9))
text = Gimp.TextLayer.new(image, "Æsthetic", Gimp.Font.get_by_name("DejaVu Sans") or Gimp.context_get_font(),
                          30.0, Gimp.Unit.pixel())
image.insert_layer(text, None, 0)
grey = new_image(33, 29, "GRAY", "U16_NON_LINEAR")
style = add_layer(grey, "Grey style", drawn[2])
called = [call(image, [group, text], style=style, quality="draft", strength=0.0)]
result = {
    "called": called, "group": facts(group), "text": facts(text), "text is text": text.is_text_layer(),
    "painted group": facts(by_name(image, "Group · Grey style")),
    "painted text": facts(by_name(image, text.get_name() + " · Grey style")),
    "kinds": [by_name(image, "Group · Grey style").is_group(),
              by_name(image, text.get_name() + " · Grey style").is_text_layer()],
}
image.delete()
grey.delete()
""",
        drawn=[console.drawn(47, 61, 4), console.drawn(30, 40, 4, 1), console.drawn(29, 33, 2, 2)],
    )
    assert told["called"] == [["success", None]]
    assert told["kinds"] == [False, False]
    for kind in ("group", "text"):
        source, painted = told[kind], told[f"painted {kind}"]
        assert (source["offsets"], source["size"]) == (painted["offsets"], painted["size"])
        assert painted["parent"] is None
        assert painted["position"] == source["position"] - 1
        assert painted["type"] == "rgba-image"
    assert told["text is text"] is True


def test_filters_that_a_layer_wears_are_painted_too(console):
    told = console.do(
        """
image = new_image(61, 47, "RGB", "FLOAT_NON_LINEAR")
image.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())
content = add_layer(image, "Content", drawn[0], None, 0, (5, -3))
for name in ("gegl:invert-gamma", "gegl:dropshadow"):
    worn = Gimp.DrawableFilter.new(content, name, "")
    if name == "gegl:dropshadow":
        worn.get_config().set_property("x", -20.0)
    content.append_filter(worn)
style = add_layer(image, "Style", drawn[1])
before = state(image)
called = call(image, [content], style=style, strength=0.0, quality="draft")
new = by_name(image, "Content · Style")
result = {
    "called": called, "after": state(image), "before": before, "filters": len(content.get_filters()),
    "new": facts(new), "content": keep("content", content), "pixels": keep("result", new),
}
image.delete()
""",
        drawn=[console.drawn(47, 61, 3), console.drawn(53, 40, 3, 1)],
    )
    assert told["called"] == ["success", None]
    assert told["filters"] == 2
    assert without(told["after"], {"Content · Style"}) == without(told["before"], set())
    assert (told["new"]["offsets"], told["new"]["size"]) == ([5, -3], [61, 47])
    content, painted = console.array(told["content"]), console.array(told["pixels"])
    alike = [np.corrcoef(painted[..., i].ravel(), (1 - content[..., i]).ravel())[0, 1] for i in range(3)]
    assert min(alike) > 0.9
