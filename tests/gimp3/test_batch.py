"""The batch example, run as an artist would from a shell: GIMP 3's console, no display, no agent."""

from __future__ import annotations

import pytest

from .host import REPOSITORY

RUN = """
files = {"CONTENT": content, "STYLE": style, "OUT": os.path.join(FOLDER, "painted.png")}
batch = ["gimp-console", "-i", "--batch-interpreter=python-fu-eval", "-b", f"exec(open({example!r}).read())", "--quit"]
started = subprocess.run(batch, env={**os.environ, **files}, capture_output=True, text=True)
result = {"code": started.returncode, "said": started.stdout + started.stderr, "painted": None, "left": engines()}
if os.path.exists(files["OUT"]):
    page = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(files["OUT"]))
    result["painted"] = keep("painted", page.get_layers()[0])
    page.delete()
    os.remove(files["OUT"])
"""


@pytest.fixture(scope="module")
def run(console):
    """A function that runs the example on two drawn files, or on other paths."""
    drawn = {"content": console.drawn(47, 61, 3), "style": console.drawn(53, 40, 3, 1)}
    paths = console.do(
        """
result = {}
for name, picture in drawn.items():
    page = new_image(picture[2], picture[1])
    add_layer(page, name, picture)
    result[name] = os.path.join(FOLDER, name + ".png")
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, page, Gio.File.new_for_path(result[name]), None)
    page.delete()
""",
        drawn=drawn,
    )
    return lambda **others: console.do(RUN, example=str(REPOSITORY / "examples/batch.py"), **{**paths, **others})


def test_the_batch_example(console, run):
    told = run()
    assert told["code"] == 0, told["said"]
    assert "Neural Style: wrote " in told["said"]
    assert told["left"] == []
    painted = console.array(told["painted"])
    assert painted.shape == (47, 61, 3)
    content = console.array(console.drawn(47, 61, 3))
    assert abs(painted - content).max() > 0.05


def test_the_batch_example_fails_truly(run):
    told = run(style="/nowhere/style.png")
    assert told["code"] == 64
    assert "/nowhere/style.png can't be opened" in told["said"]
    assert told["painted"] is None
