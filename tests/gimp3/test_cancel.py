"""GIMP's Cancel is SIGKILL for the plug-in, in the middle of a run. In GIMP 3's console."""

from __future__ import annotations


def test_the_plug_in_is_killed_in_mid_run(console):
    told = console.do(
        """
image = new_image(801, 601)
content = add_layer(image, "Content", drawn[0])
style = add_layer(image, "Style", drawn[1])
image.clean_all()
before, log, killed = state(image), len(log_text()), {}
def kill():
    killed["plug-ins"] = processes("neural-style.py")
    killed["engines"] = engines()
    for number in killed["plug-ins"]:
        os.kill(number, signal.SIGKILL)
    started = time.monotonic()
    while engines() and time.monotonic() < started + 30:
        time.sleep(0.01)
    killed["seconds"] = time.monotonic() - started
with Watch(kill, lambda: ": content (" in log_text()[log:]):
    called = call(image, [content], style=style, quality="fine")
result = {"called": called, "killed": killed, "same": state(image) == before, "dirty": image.is_dirty()}

# nothing is left open: the next run in the same image goes on as ever
called = call(image, [style], style=content, quality="draft")
result["again"] = [called, [layer.get_name() for layer in image.get_layers()]]
image.delete()
""",
        drawn=[console.drawn(601, 801, 3), console.drawn(40, 53, 3, 2)],
    )
    assert len(told["killed"]["plug-ins"]) == 1
    assert len(told["killed"]["engines"]) == 1
    assert told["killed"]["seconds"] < 2
    assert told["called"][0] != "success"
    assert told["same"] and not told["dirty"]
    assert told["again"] == [["success", None], ["Style · Content", "Style", "Content"]]
    assert "undo" not in console.gimp.output()
