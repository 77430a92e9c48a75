"""The double of GIMP 2.10 answers as GIMP does: the plug-in's tests are worth as much as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .studio import PLUG_IN

HERE = Path(__file__).parent


def test_it_answers_as_gimp_2_10_34_did(studio, tmp_path):
    out = tmp_path / "answers.json"
    code = f"OUT = {str(out)!r}\nexecfile({str(HERE / 'conformance.py')!r})"
    status, _ = studio.gimp.eval(code)
    assert status == "success", studio.gimp.stderr
    expected = json.loads((HERE / "conformance.json").read_text(encoding="utf-8"))
    answered = json.loads(out.read_text(encoding="utf-8"))
    assert len(answered) > 180
    different = [row for row in zip(answered, expected, strict=True) if comparable(*row[0]) != comparable(*row[1])]
    assert different == []


def comparable(line, answer):
    """A failure counts by its kind: GIMP's messages hold the names of its C types."""
    kind, colon, _ = answer.partition(": ")
    return line, kind if colon and kind.isidentifier() else answer


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("name='bad name'", "procedure name contains illegal characters"),
        ("params=[(PF_INT, 'a', 'b')]", "at least 4 elements"),
        ("params=[('PF_INT', 'a', 'b', 1)]", "parameter types must be integers"),
        ("params=[(PF_INT, 'a b', 'b', 1)]", "parameter name contains illegal characters"),
        ("nothing=1", "unexpected keyword argument"),
    ],
)
def test_register_refuses_what_gimpfu_refuses(studio, change, words):
    code = (
        "def f(name='python-fu-x', params=[], **more):\n"
        "    register(name, '', '', '', '', '', 'X', '', params, [], f, menu='<Image>', **more)\n"
        f"f({change})"
    )
    assert studio.gimp.eval(code)[0] == "execution error"
    assert words in studio.gimp.stderr


def test_pixels_outside_an_undo_step_and_locked_layers(studio):
    image, content, _ = studio.scene()
    write = (
        "layer = gimp._id2drawable(%d); region = layer.get_pixel_rgn(0, 0, 61, 47, True, False)\n"
        "region[0:61, 0:47] = 'x' * 11468; layer.flush()"
    )
    studio.gimp.eval(write % content.id)
    assert image.unrecorded == ["pixels of Blätter"]
    content.lock_content = True
    before = content.pixels
    assert studio.gimp.eval(write % content.id)[0] == "execution error"
    assert content.pixels is before
    assert "locked drawable" in studio.gimp.said[-2][1] and "crashed" in studio.gimp.said[-1][1]


def test_a_group_left_open_is_closed_for_the_plug_in(studio):
    image, _, _ = studio.scene()
    studio.gimp.eval(f"gimp._id2image({image.id}).undo_group_start()")
    assert image.undo_depth == 0
    assert "undo in inconsistent state" in studio.gimp.said[-1][1]


def test_gimp_2_10_starts_the_installed_plug_in_with_its_own_python(studio, python):
    assert studio.gimp.interpreter(studio.plug_in / "neural-style.py") == python
    # the file as it lies in the sources is for GIMP 3, which has no table of interpreters in Debian
    assert studio.gimp.interpreter(PLUG_IN / "neural-style.py") == ["/usr/bin/env", "python3"]
