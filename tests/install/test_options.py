"""Options of install.py that are wrong: one sentence, exit code 2, and nothing is done."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from installer.cli import make_parser
from installer.environment import NEWEST_PYTHON, THIS_PYTHON, advice

NO_PIP_CONFIGURATION = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}
NOTHING_FOUND = "ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--demmo"], "Unrecognized arguments: --demmo"),
        (["--dem"], "Unrecognized arguments: --dem"),
        (["--demo", "--imagenet"], "Argument --imagenet: not allowed with argument --demo"),
        (["--plug-ins"], "Argument --plug-ins: expected one argument"),
        (["--plug-ins", ""], "Argument --plug-ins: it is empty, and has to name a GIMP's plug-ins folder"),
        (["--torch-index", "nonsense"], "Argument --torch-index: “nonsense” is no place to take PyTorch from: give "
         "an address that begins with http://, https:// or file://, a folder that is there, or “default”"),
        (["--torch-index", ""], "Argument --torch-index: “” is no place"),
        (["--torch-index", "download.pytorch.org/whl/cpu"], "Argument --torch-index: “download.pytorch.org/whl/cpu”"),
    ],
)  # fmt: skip
def test_wrong_options_are_told_in_one_sentence(person, options, said):
    before = person.files()
    done = person.run(*options)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(said)
    assert line.endswith("; see --help.")
    assert person.files() == before


@pytest.mark.parametrize("how", ["{}", "file://{}"])
def test_a_place_without_pytorch_is_named_rather_than_the_python(person, tmp_path, how):
    empty = tmp_path / "empty"
    empty.mkdir()
    before = person.files()
    done = person.run("--torch-index", how.format(empty), **NO_PIP_CONFIGURATION)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"The PyTorch that Neural Style needs is not at {how.format(empty)} for this Python (")
    Path(line.rpartition("Details: ")[2]).unlink()
    assert person.files().keys() == before.keys()


def test_an_address_that_does_not_answer_is_named_rather_than_the_connection_alone(person):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/whl"
    before = person.files()
    done = person.run("--torch-index", address, **NO_PIP_CONFIGURATION)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{address} could not be reached: check the address (")
    Path(line.rpartition("Details: ")[2]).unlink()
    assert person.files().keys() == before.keys()


def test_default_is_pips_own_index_even_beside_a_folder_of_that_name(tmp_path, monkeypatch):
    (tmp_path / "default").mkdir()
    (tmp_path / "wheels").mkdir()
    monkeypatch.chdir(tmp_path)
    said = [make_parser().parse_args(["--torch-index", text]).torch_index for text in ("default", "wheels")]
    assert said == ["default", str(tmp_path / "wheels")]


def test_a_python_that_is_too_new_is_named_rather_than_the_place(monkeypatch):
    place = "https://download.pytorch.org/whl/cu128"
    assert place in advice(NOTHING_FOUND, place)
    monkeypatch.setattr("sys.version_info", (3, NEWEST_PYTHON[1] + 1))
    assert advice(NOTHING_FOUND, place).startswith(f"There is no PyTorch for this Python ({THIS_PYTHON})")
    assert "no space left" in advice("OSError: [Errno 28] No space left on device", place)
