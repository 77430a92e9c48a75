"""What the artist sees and does: the menu item, the dialog, Undo, Repeat and Cancel. In GIMP 3's window."""

from __future__ import annotations

import json

import pytest

SCENE = """
image = new_image(131, 97)
back = add_layer(image, "Back", drawn[0])
group = Gimp.GroupLayer.new(image, "Group")
image.insert_layer(group, None, 0)
inner = add_layer(image, "Inner", drawn[1], group, 0, (17, -6))
add_mask(inner, drawn[2])
style = add_layer(image, "Style", drawn[3])
image.set_selected_layers([inner])
display = Gimp.Display.new(image)
main = wait_for_window(r"\\*\\[Untitled\\]")
time.sleep(1)
before = state(image)
"""


@pytest.fixture
def scene(window):
    sizes = [(97, 131, 3), (47, 61, 4), (47, 61, 1), (70, 90, 4)]
    window.do(SCENE, drawn=[window.drawn(*size, number) for number, size in enumerate(sizes)])
    yield window
    window.do("display.delete()")


def test_the_menu_item(window):
    asked = "p = procedure(); result = [p.get_menu_label(), p.get_menu_paths(), p.get_image_types()]"
    assert window.do(asked) == ["_Neural Style…", ["<Image>/Filters/Artistic"], "RGB*, GRAY*"]


def test_dialog_ok_undo_and_repeat(scene):
    told = scene.do("""
dialog = open_dialog(main)
choose_style(dialog)
key(dialog, "alt+q", "Up")
time.sleep(0.5)
screenshot("dialog")
with Watch() as watch:
    key(dialog, "alt+o")
    new = wait_for(lambda: by_name(image, "Inner · Style"))
    time.sleep(1)
screenshot("result")
result = {"new": facts(new), "parasite": parasite(new), "engines": len(watch.seen), "left": engines()}
key(main, "ctrl+z")
result["undone"] = wait_for(lambda: state(image) == before, 10)
screenshot("undone")
key(main, "ctrl+y")
result["redone"] = bool(wait_for(lambda: by_name(image, "Inner · Style"), 10))
key(main, "ctrl+z")
result["undone again"] = wait_for(lambda: state(image) == before, 10)

# the last values hold for Repeat, the style layer too
result["repeated"] = call(image, [inner], run_mode=Gimp.RunMode.WITH_LAST_VALS)
again = by_name(image, "Inner · Style")
result["parasite again"] = parasite(again)
result["same"] = facts(again)["pixels"] == result["new"]["pixels"]
key(main, "ctrl+z")
result["undone at last"] = wait_for(lambda: state(image) == before, 10)
""")
    new = told["new"]
    assert (new["size"], new["offsets"], new["parent"], new["position"]) == ([61, 47], [17, -6], "Group", 0)
    assert (told["engines"], told["left"]) == (1, [])
    assert json.loads(told["parasite"])["settings"]["quality"] == "draft"
    assert told["undone"] and told["redone"] and told["undone again"] and told["undone at last"]
    assert told["repeated"] == ["success", None]
    first, second = json.loads(told["parasite"]), json.loads(told["parasite again"])
    assert (first["settings"], first["style"]) == (second["settings"], second["style"])
    assert told["same"]


def test_ok_waits_for_a_style(scene):
    """It went on without one, to say after the dialog was gone that there is none."""
    told = scene.do("""
dialog = open_dialog(main)
screenshot("no-style")
key(dialog, "alt+o")
key(dialog, "Return")  # the button that has the focus: GIMP's own chooser
key(wait_for_window("Choose drawable"), "Escape")
time.sleep(1)
result = {"without": [window_of("Neural Style$") == dialog, window_of("GIMP Message"), engines()]}
image.set_selected_layers([style])
key(dialog, "Escape")
wait_for(lambda: not window_of("Neural Style$"))
time.sleep(0.5)

# the style is the layer to be painted itself
dialog = open_dialog(main)
choose_style(dialog)
screenshot("itself")
key(dialog, "alt+o")
time.sleep(1)
result["itself"] = [window_of("Neural Style$") == dialog, window_of("GIMP Message"), engines()]
key(dialog, "Escape")
wait_for(lambda: not window_of("Neural Style$"))
image.set_selected_layers([inner])
result["same"] = state(image) == before
""")
    waits = [True, None, []]
    assert told == {"without": waits, "itself": waits, "same": True}


def test_help_that_there_is_not_is_not_offered(scene):
    told = scene.do("""
dialog = open_dialog(main)
key(dialog, "alt+h")
time.sleep(2)
result = [window_of("Neural Style$") == dialog, window_of("Question|GIMP Message|.*[Hh]elp|.*[Mm]anual")]
screenshot("help")
key(dialog, "Escape")
wait_for(lambda: not window_of("Neural Style$"))
key(main, "Escape")
""")
    assert told == [True, None]


def test_the_dialog_is_closed(scene):
    told = scene.do("""
dialog = open_dialog(main)
key(dialog, "Escape")
wait_for(lambda: not processes("neural-style.py"))
time.sleep(0.5)
result = [state(image) == before, window_of("GIMP Message"), engines()]
""")
    assert told == [True, None, []]


def test_the_dialog_is_closed_while_a_style_is_chosen(scene):
    told = scene.do("""
dialog = open_dialog(main)
key(dialog, "Return")
wait_for_window("Choose drawable")
key(dialog, "Escape")
closed = wait_for(lambda: not window_of("Neural Style$|Choose drawable") and not processes("neural-style.py"), 20)
result = [closed, state(image) == before, window_of("GIMP Message"), engines()]
""")
    assert told == [True, True, None, []]


def test_an_error_is_shown_once_in_a_sentence(scene):
    path = scene.gimp.plugin / "engine.json"
    good = path.read_text(encoding="utf-8")
    path.write_text(json.dumps({**json.loads(good), "command": ["/nowhere/python"]}), encoding="utf-8")
    try:
        told = scene.do("""
dialog = open_dialog(main)
choose_style(dialog)
key(dialog, "alt+o")
message = wait_for_window("GIMP Message")
screenshot("error")
shown = shell("xdotool", "search", "--onlyvisible", "--name", "^GIMP Message").split()
key(message, "Return")
gone = wait_for(lambda: not window_of("GIMP Message"), 10)
result = [state(image) == before, len(shown), gone]
""")
    finally:
        path.write_text(good, encoding="utf-8")
    assert told == [True, 1, True]


def test_the_layer_is_removed_meanwhile(scene):
    told = scene.do("""
log = len(log_text())
dialog = open_dialog(main)
choose_style(dialog)
key(dialog, "alt+o")
wait_for(lambda: "engine started" in log_text()[log:])
group.get_image().remove_layer(inner)
image.clean_all()
before = state(image)
message = wait_for_window("GIMP Message", 120)
screenshot("removed")
key(message, "Return")
result = [state(image) == before, image.is_dirty(), engines()]
""")
    assert told == [True, False, []]


def test_gimps_own_cancel(window):
    told = window.do(
        """
image = new_image(801, 601)
content = add_layer(image, "Content", drawn[0])
style = add_layer(image, "Style", drawn[1])
image.set_selected_layers([content])
display = Gimp.Display.new(image)
main = wait_for_window(r"\\*\\[Untitled\\].*801x601")
time.sleep(1)
before, log = state(image), len(log_text())
dialog = open_dialog(main)
choose_style(dialog)
key(dialog, "alt+q", "Down", "Down")
key(dialog, "alt+o")
wait_for(lambda: ": content (" in log_text()[log:])
time.sleep(4)
screenshot("progress")
running = [len(processes("neural-style.py")), len(engines())]
click_cancel(main)
started = time.monotonic()
wait_for(lambda: not engines() and not processes("neural-style.py"), 20)
result = {"running": running, "seconds": time.monotonic() - started}
time.sleep(1)
screenshot("cancelled")
result["same"] = state(image) == before
result["messages"] = window_of("GIMP Message")

# Undo is still one step a time: no undo group is open
image.insert_layer(Gimp.Layer.new(image, "More", 9, 9, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL), None, 0)
key(main, "ctrl+z")
result["undone"] = wait_for(lambda: state(image) == before, 10)
display.delete()
""",
        drawn=[window.drawn(601, 801, 3), window.drawn(70, 90, 3, 1)],
    )
    assert told["running"] == [1, 1]
    assert told["seconds"] < 2
    assert told["same"] and told["undone"]
    assert told["messages"] is None
    assert "undo" not in window.gimp.output()
