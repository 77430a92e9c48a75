"""The files that both hosts share run under Python 2.7 and 3 alike."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .studio import PLUG_IN, drawn

BOTH = ("job.py", "engine.py", "neural-style.py", "gimp2.py")
COMPILE = "import io, sys; compile(io.open(sys.argv[1], encoding='utf-8').read().encode('utf-8'), sys.argv[1], 'exec')"
WORK = """
# -*- coding: utf-8 -*-
from __future__ import print_function, unicode_literals
import hashlib, json, sys
folder = sys.argv[1]
sys.path.insert(0, folder)
sys.dont_write_bytecode = True
import job
from engine import Engine, EngineError, clean_environment
from job import Box, Job, Picture, PlainError

events, said = [], {}
parameters = job.read_parameters(folder)
said["table"] = [(p.argument, p.title, p.default) for p in parameters]
said["settings"] = job.settings_of(parameters, {"quality": 0, "seed": 7.0, "strength": 33, "keep-colours": "palette"})
for name, value in (("quality", 3), ("strength", 101), ("seed", float("nan"))):
    try:
        job.settings_of(parameters, {name: value})
    except PlainError as refused:
        said[name] = refused.sentence
said["boxes"] = [job.working_box(200, 150, Box(x, 20, 30, 40)) for x in (-500, -10, 0, 90, 190)]
said["words"] = [job.layer_name("Blätter", "Øl"), job.style_file_name("/a/Gemälde №1.tar.png"), job.time_left(100)]
content = Picture(47, 61, 4, "u8", open(sys.argv[2], "rb").read())
style = Picture(40, 53, 3, "u8", open(sys.argv[3], "rb").read())
with Engine(folder, "tests") as engine:
    painted = engine.stylize(Job(content, style, said["settings"]), events.append)
    said["picture"] = [list(painted.picture[:4]), hashlib.sha256(painted.picture.data).hexdigest()]
    try:
        engine.stylize(Job(content, Picture(1, 1, 3, "u8", b"abc"), said["settings"]))
    except EngineError as failed:
        said["failure"] = [failed.code, failed.sentence]
said["first"] = job.progress_text(dict(events[0], seconds_left=125.4), 2, 3)
said["fractions"] = [job.progress_fraction({"fraction": f}, 2, 3) for f in (None, -1, 0.5, 2)]
said["told"] = len(events) > 2  # how often is a matter of time
used = dict(painted.used, seconds=0)
said["parasite"] = job.parasite_data(said["settings"], "Øl", used).decode("utf-8")
environment = {"PYTHONPATH": "a", "GIMP2_X": "b", "HOME": "/é", "CUDA_X": "c"}
said["environment"] = sorted(clean_environment(environment).items())
print(json.dumps(said, sort_keys=True))
"""


@pytest.mark.parametrize("name", BOTH)
def test_it_compiles_under_python_2_7(python, name):
    done = subprocess.run([*python, "-c", COMPILE, str(PLUG_IN / name)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", sorted(PLUG_IN.glob("*.py")), ids=lambda path: path.name)
def test_it_compiles_under_python_3(path):
    compile(path.read_text(encoding="utf-8"), str(path), "exec", dont_inherit=True)


def test_both_pythons_do_the_same(studio, python, tmp_path):
    script, content, style = tmp_path / "work.py", tmp_path / "content", tmp_path / "style"
    script.write_text(WORK.lstrip(), encoding="utf-8")
    content.write_bytes(drawn(47, 61, 4).tobytes())
    style.write_bytes(drawn(40, 53, 3, 2).tobytes())
    said = []
    for command in (python, [sys.executable, "-X", "utf8"]):
        arguments = [str(studio.plug_in), str(content), str(style)]
        done = subprocess.run([*command, str(script), *arguments], capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        said.append(json.loads(done.stdout))
    assert said[0] == said[1]
    assert said[0]["picture"][0] == [47, 61, 4, "u8"]
    assert said[0]["failure"][0] == "picture" and said[0]["told"]
    assert "Seed is nan; it must be from 0" in said[0]["seed"]
    assert len(studio.engines()) == 2
