"""What the documents promise is what the program does."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from PIL import Image

import nst_core
from installer import ROOT
from installer.cli import make_parser
from nst_core import picture as pictures
from tests.artist import ARTISTS

README = (ROOT / "README.md").read_text(encoding="utf-8")
BATCH = (ROOT / "examples/batch.py").read_text(encoding="utf-8")


def slider_row(parameter) -> str:
    if parameter.choices:
        labels = ", ".join(parameter.choices.values())
        span = f"{labels}; begins at {parameter.choices[parameter.default]}"
    else:
        unit = f" {parameter.unit}" if parameter.unit else ""
        span = f"{parameter.minimum:.10g} to {parameter.maximum:.10g}{unit}, begins at {parameter.default:.10g}"
    return f"| **{parameter.label}** | {span} | {parameter.help} |"


def test_the_readme_lists_the_sliders_of_the_table_in_its_order():
    rows = re.findall(r"^\| \*\*.*\|$", README, re.M)
    assert rows == [slider_row(parameter) for parameter in ARTISTS]


def test_the_readme_lists_every_option_of_install_py_and_no_other():
    options = {option for action in make_parser()._actions for option in action.option_strings} - {"-h", "--help"}
    assert set(re.findall(r"install\.py (--[\w-]+)", README)) == options


def test_the_readmes_command_line_is_understood():
    (command,) = re.findall(r"^python (-m nst_core .*)$", README, re.M)
    run = [sys.executable, *command.split()]
    unknown = subprocess.run([*run, "--no-such-option"], cwd=ROOT, capture_output=True, text=True)
    assert (unknown.returncode, "no-such-option" in unknown.stderr) == (2, True)  # nothing but that is wrong with it
    missing = subprocess.run(run, cwd=ROOT, capture_output=True, text=True)
    assert "photo.jpg" in missing.stderr


def test_the_command_line_reads_and_writes_what_the_readme_says(tmp_path):
    read, written = re.search(r"^reads ([\w, ]+), writes ([\w, ]+), and shows", README, re.M).groups()
    kinds = [re.findall(r"[A-Z]\w+", names) for names in (read, written)]
    for kind in kinds[0]:
        path = tmp_path / f"picture.{kind.lower()}"
        Image.new("RGB", (61, 47), (200, 100, 50)).save(path)
        assert pictures.read(path).pixels.shape[:2] == (47, 61)
    for kind in kinds[1]:
        pictures.check_writable(tmp_path / f"picture.{kind.lower()}")
    assert {f".{kind.lower()}" for kind in kinds[1]} == set(pictures.SUFFIXES) - {".tif", ".jpg"}


def test_the_batch_example_names_every_slider_with_its_default():
    names: dict = {}
    exec(re.search(r"^SETTINGS = [^]]*]", BATCH, re.M)[0], names)
    exec(re.search(r"^NUMBERS = [^}]*}", BATCH, re.M)[0], names)
    assert names["SETTINGS"] == [(p.name.replace("_", "-"), p.default) for p in ARTISTS]
    assert names["NUMBERS"] == {value: n for p in ARTISTS if p.choices for n, value in enumerate(p.choices)}


def test_the_readmes_commands_name_files_that_are_there():
    commands = re.findall(r"open\('([^']+)'\)", README) + re.findall(r"\]\((\w+(?:\.md)?)\)", README)
    assert commands
    assert all((ROOT / name).is_file() for name in commands)


def test_the_changelog_tells_of_this_version():
    assert f"## {nst_core.__version__}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_package_in_use_is_pinned():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lists = re.findall(r"^(?:dependencies|test) = \[(.*?)\]$", project, re.M | re.S)
    wanted = {re.match(r"[\w-]+", name)[0] for text in lists for name in re.findall(r'"([^"]+)"', text)}
    pins = re.findall(r"^([\w-]+)==\S+( ; python_version (?:<|>=) \"3\.11\")?$", constraints(), re.M)
    assert wanted <= {name for name, _ in pins}
    for name in {name for name, _ in pins}:  # one pin for all Pythons, or two that share them
        conditions = sorted(condition for pinned, condition in pins if pinned == name)
        assert conditions in ([""], [' ; python_version < "3.11"', ' ; python_version >= "3.11"'])


def constraints() -> str:
    return (ROOT / "constraints.txt").read_text(encoding="utf-8")


def test_the_tests_environment_holds_the_pinned_versions():
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-deps", "-r", "constraints.txt"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Would install" not in done.stdout


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_ruff_is_content(command):
    done = subprocess.run([sys.executable, "-m", "ruff", *command, "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_no_file_is_too_long_and_nothing_is_left_open():
    folders = "benchmarks", "examples", "installer", "nst_core", "plugin", "tests"
    for path in [ROOT / "install.py", *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 450, path
        assert not re.search(r"\b(TO" + r"DO|FIX" + r"ME)\b", text), path
