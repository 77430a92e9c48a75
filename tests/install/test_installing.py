"""install.py for real: pip, PyTorch and all, into a folder of its own, and the plug-in into four GIMPs."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

from installer import ROOT
from nst_core.settings import parameters_json
from tests.gimp2 import python27

PROFILES = ".config/GIMP/3.0", ".config/GIMP/2.10", ".config/GIMP/3.2", ".var/app/org.gimp.GIMP/config/GIMP/3.0"
NO_PIP_CONFIGURATION = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}


def answer_of(plug_in: Path) -> dict:
    """What the engine answers to ``hello`` when it is started as ``engine.json`` says."""
    started = json.loads((plug_in / "engine.json").read_text(encoding="utf-8"))
    hello = b'{"type": "hello", "id": 0, "protocol": 1, "client": "test"}'
    with subprocess.Popen(
        started["command"], cwd=started["directory"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as engine:
        engine.stdin.write(struct.pack(">I", len(hello)) + hello)
        engine.stdin.flush()
        (length,) = struct.unpack(">I", engine.stdout.read(4))
        return json.loads(engine.stdout.read(length))


def one_sentence(done: subprocess.CompletedProcess) -> str:
    """What was said of a failure, which has to be one line for a person, with exit code 1."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


@pytest.mark.parametrize("profile", PROFILES)
def test_every_gimp_gets_the_whole_plug_in(installed, profile):
    plug_in = installed[0].plug_in(profile)
    sources = {path.name: path.read_bytes() for path in (installed[0].checkout / "plugin/neural-style").glob("*.py")}
    copied = {path.name: path.read_bytes() for path in plug_in.iterdir() if path.is_file()}
    assert set(copied) == {*sources, "engine.json", "parameters.json"}
    entry, others = copied.pop("neural-style.py"), sources.keys() - {"neural-style.py"}
    assert {name: copied[name] for name in others} == {name: sources[name] for name in others}
    assert entry.splitlines()[1:] == sources["neural-style.py"].splitlines()[1:]
    # GIMP 2.10 starts its own Python 2.7 by this line
    assert entry.splitlines()[0] == (b"#!/usr/bin/env python" if "2.10" in profile else b"#!/usr/bin/env python3")
    assert copied["parameters.json"].decode() == parameters_json()
    assert os.access(plug_in / "neural-style.py", os.X_OK)
    assert [path.name for path in plug_in.parent.iterdir()] == ["neural-style"]  # nothing half beside it


def test_the_engine_answers_as_the_plug_in_starts_it(installed):
    answer = answer_of(installed[0].plug_in())
    assert answer["type"] == "ready"
    assert "built-in" in answer["features"]
    started = json.loads((installed[0].plug_in() / "engine.json").read_text(encoding="utf-8"))
    assert started["command"][1:] == ["-I", "-X", "utf8", "-m", "nst_core.engine"]
    assert Path(started["command"][0]).is_relative_to(installed[0].data)


def test_torchvision_has_brought_no_other_torch(installed):
    person = installed[0]
    code = (
        "import torch, json, importlib.metadata as m; print(json.dumps([m.version('torch'), m.version('torchvision')]))"
    )
    started = json.loads((person.plug_in() / "engine.json").read_text(encoding="utf-8"))
    done = subprocess.run([started["command"][0], "-I", "-c", code], capture_output=True, text=True, check=True)
    torch, torchvision = (version.partition("+")[0] for version in json.loads(done.stdout))
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert f"torch=={torch}" in pins
    assert f"torchvision=={torchvision}" in pins


def test_it_says_what_it_did_and_what_is_next(installed):
    person, said = installed
    assert str(person.data) in said
    assert all(str(person.plug_in(profile).parent) in said for profile in PROFILES)
    assert "Filters ▸ Artistic ▸ Neural Style…" in said.splitlines()[-1]
    python = re.search(r"The engine's Python, for the command line, is (.*)\.\n", said)[1]
    assert "--strength" in subprocess.check_output([python, "-m", "nst_core", "--help"], cwd="/", text=True)


def test_a_second_run_is_quick_and_changes_nothing(installed):
    person = installed[0]
    before, started = person.files(), time.monotonic()
    done = person.run()
    assert time.monotonic() - started < 3
    assert done.returncode == 0
    assert "nothing had to be changed" in done.stdout
    assert person.files() == before


def test_a_gimp_that_came_later_gets_the_plug_in_alone(newcomer):
    newcomer.run()
    later = newcomer.home / ".config/GIMP/3.4"
    later.mkdir()
    before = newcomer.files("data/engine-")
    done = newcomer.run()
    assert done.returncode == 0
    assert (later / "plug-ins/neural-style/neural-style.py").is_file()
    assert str(later) in done.stdout
    assert newcomer.plug_in().as_posix() not in done.stdout
    assert newcomer.files("data/engine-") == before


def test_a_plug_in_that_was_changed_or_lost_a_file_is_mended(newcomer):
    newcomer.run()
    (newcomer.plug_in() / "job.py").write_text("broken")
    (newcomer.plug_in() / "engine.json").unlink()
    (newcomer.plug_in() / "left_over.py").write_text("from an older version")
    assert newcomer.run().returncode == 0
    source = newcomer.checkout / "plugin/neural-style/job.py"
    assert (newcomer.plug_in() / "job.py").read_bytes() == source.read_bytes()
    assert answer_of(newcomer.plug_in())["type"] == "ready"
    assert not (newcomer.plug_in() / "left_over.py").exists()


def test_a_newer_checkout_brings_the_engine_up_to_date(newcomer, newer_checkout):
    newcomer.run()
    ours, checkout = answer_of(newcomer.plug_in())["version"], newer_checkout
    package = checkout / "nst_core/__init__.py"
    package.write_text(package.read_text(encoding="utf-8").replace(f'"{ours}"', '"99.1"'), encoding="utf-8")
    files = sorted(path.relative_to(checkout) for path in checkout.rglob("*") if "__pycache__" not in path.parts)
    done = newcomer.at(checkout).run()
    assert done.returncode == 0, done.stderr
    assert "99.1" in done.stdout
    assert answer_of(newcomer.plug_in())["version"] == "99.1"
    left = sorted(path.relative_to(checkout) for path in checkout.rglob("*") if "__pycache__" not in path.parts)
    assert left == files  # pip builds elsewhere


def test_uninstall_leaves_nothing(newcomer):
    before = set(newcomer.files(".config", ".var"))
    newcomer.run()
    answer_of(newcomer.plug_in())
    (newcomer.logs).mkdir(parents=True, exist_ok=True)
    (newcomer.logs / "engine.log.1").write_text("an older log")
    (newcomer.data / "weights").mkdir()
    (newcomer.data / "weights/vgg16-imagenet.safetensors").write_bytes(bytes(1000))
    done = newcomer.run("--uninstall")
    assert done.returncode == 0, done.stderr
    assert not newcomer.data.exists()
    assert not newcomer.logs.exists()
    assert set(newcomer.files(".config", ".var")) == before | {f"{profile}/plug-ins" for profile in PROFILES}
    removed = [f"the plug-in in {newcomer.plug_in(profile).parent}" for profile in PROFILES]
    for what in ("the engine", "the weights", "the logs", *removed):
        assert f"Removed {what}" in done.stdout
    again = newcomer.run("--uninstall")
    assert (again.returncode, again.stdout.strip()) == (0, "Neural Style is not installed here; nothing was removed.")


def test_uninstall_leaves_what_is_not_ours(newcomer):
    newcomer.run()
    theirs = newcomer.plug_in().parent / "someone-elses/someone-elses.py"
    theirs.parent.mkdir()
    theirs.write_text("print()")
    letter = newcomer.data / "letter.txt"
    letter.write_text("dear")
    done = newcomer.run("--uninstall")
    assert theirs.exists()
    assert os.listdir(newcomer.data) == ["letter.txt"]
    assert "Left in place" in done.stdout


def test_no_gimp_is_told_with_what_to_do(newcomer, tmp_path):
    for profile in (".config", ".var"):
        shutil.rmtree(newcomer.home / profile)
    done = newcomer.run(PATH="")
    assert done.returncode == 0
    assert "No GIMP was found" in done.stdout
    assert "--plug-ins" in done.stdout
    named = tmp_path / "GIMP 4/plug-ins"
    mistyped = newcomer.run("--plug-ins", str(named), PATH="")
    assert mistyped.returncode == 1 and "There is no folder" in mistyped.stderr
    assert not named.parent.exists()
    named.parent.mkdir()
    assert newcomer.run("--plug-ins", str(named), PATH="").returncode == 0
    assert answer_of(named / "neural-style")["type"] == "ready"
    assert newcomer.run("--uninstall", PATH="").returncode == 0  # it remembers the folder
    assert not (named / "neural-style").exists()


def test_gimps_own_variable_goes_before_the_folders(newcomer, tmp_path):
    done = newcomer.run(GIMP3_DIRECTORY=str(tmp_path / "profile"))
    assert done.returncode == 0
    assert (tmp_path / "profile/plug-ins/neural-style/neural-style.py").is_file()
    assert not newcomer.plug_in().exists()
    assert newcomer.plug_in(".config/GIMP/2.10").exists()


# ----------------------------------------------------------------------------------------------- what can go wrong


def test_no_network(person):
    before = person.files()
    nowhere = "http://127.0.0.1:9/simple"
    index = {**NO_PIP_CONFIGURATION, "PIP_INDEX_URL": nowhere, "PIP_RETRIES": "1"}
    said = one_sentence(person.run("--torch-index", "default", **index))
    assert said.startswith("The packages could not be fetched: check the internet connection")
    log = Path(said.rpartition("Details: ")[2])
    assert "127.0.0.1" in log.read_text(encoding="utf-8")
    log.unlink()
    assert person.files().keys() == before.keys()


def test_no_pytorch_for_this_python(person):
    before = person.files()
    said = one_sentence(person.run("--torch-index", "default", **NO_PIP_CONFIGURATION, PIP_NO_INDEX="1"))
    assert said.startswith("There is no PyTorch for this Python")
    Path(said.rpartition("Details: ")[2]).unlink()
    assert person.files().keys() == before.keys()


def test_no_space(person, root_only):
    person.data.mkdir()
    before = person.files()
    said = one_sentence(person.run(before=f"mount -t tmpfs -o size=60m tmpfs '{person.data}'"))
    assert "0.1 GB free" in said
    assert "NST_DATA_DIR" in said
    assert person.files().keys() == before.keys()


def test_a_data_folder_that_may_not_be_written(person, root_only):
    person.data.mkdir()
    said = one_sentence(person.run(before=f"mount -t tmpfs -o ro tmpfs '{person.data}'"))
    assert f"The folder {person.data} can't be written" in said


def test_a_plug_ins_folder_that_may_not_be_written_does_not_stop_the_others(newcomer, root_only):
    locked = newcomer.plug_in().parent
    locked.mkdir()
    said = one_sentence(newcomer.run(before=f"mount -t tmpfs -o ro tmpfs '{locked}'"))
    assert f"The plug-in can't be written to {locked}" in said
    assert newcomer.plug_in(".config/GIMP/3.2").exists()


def start(person, **how) -> subprocess.Popen:
    return subprocess.Popen(person.command(), env=person.environment(), stdout=subprocess.DEVNULL, **how)


def wait_for(found, seconds=60):
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_install_leaves_nothing(person, how):
    before = person.files()
    run = subprocess.Popen(
        person.command(), env=person.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    wait_for(lambda: any(person.data.glob("engine-*/bin/python")))
    run.send_signal(how)
    said = run.communicate(timeout=60)[1].decode()
    assert run.returncode == 130
    assert "Stopped." in said
    assert "Traceback" not in said
    assert person.files().keys() == before.keys()


def test_what_a_killed_install_leaves_can_be_removed(person):
    before = person.files()
    run = subprocess.Popen(
        person.command(), env=person.environment(), stdout=subprocess.DEVNULL, start_new_session=True
    )
    wait_for(lambda: any(person.data.glob("engine-*/bin/python")))
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert not (person.data / "installed.json").exists()
    assert not person.plug_in().exists()
    assert person.run("--uninstall").returncode == 0
    assert person.files().keys() == before.keys()


def test_an_old_python_is_told_so(person):
    done = subprocess.run(
        [*python27.find_or_install(), str(ROOT / "install.py")],
        capture_output=True,
        text=True,
        env=person.environment(),
    )
    assert "needs Python 3.10 or newer" in one_sentence(done)
