"""The folders that --plug-ins names: only good ones are used, and only those that were are remembered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from installer import InstallError
from installer.places import check_plug_ins


def remembered(person) -> list[str]:
    return json.loads((person.data / "installed.json").read_text(encoding="utf-8"))["further"]


@pytest.fixture
def named(newcomer, tmp_path):
    """The plug-ins folder of a GIMP elsewhere, named once with success."""
    folder = tmp_path / "disk/GIMP/plug-ins"
    folder.parent.mkdir(parents=True)
    assert newcomer.run("--plug-ins", str(folder), PATH="").returncode == 0
    assert remembered(newcomer) == [str(folder)]
    return folder


def test_a_file_is_told_before_anything_is_done(newcomer, tmp_path):
    letter = tmp_path / "letter.txt"
    letter.write_text("dear")
    before = newcomer.files()
    done = newcomer.run("--plug-ins", str(letter), PATH="")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{letter} is a file, ") and "Folders ▸ Plug-ins" in line
    assert newcomer.files() == before and letter.read_text() == "dear"
    done = newcomer.run(PATH="")
    assert done.returncode == 0 and "letter.txt" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["{}/GIMP/3.0/plugins", "{}/nothing here/plug-ins", "~nobody at all/x"])
def test_a_folder_that_is_not_there_is_not_made(newcomer, tmp_path, name):
    (tmp_path / "GIMP/3.0").mkdir(parents=True)
    before = newcomer.files()
    done = newcomer.run("--plug-ins", name.format(tmp_path), PATH="")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("There is no folder ") and "Folders ▸ Plug-ins" in line
    assert newcomer.files() == before
    assert [path.name for path in tmp_path.rglob("*") if "home" not in path.parts] == ["GIMP", "3.0"]


def test_a_folder_at_the_root_is_a_typing_error():
    with pytest.raises(InstallError) as told:
        check_plug_ins(Path(Path.home().anchor, "plug-ins"))
    assert "There is no folder" in str(told.value)


def test_a_plug_ins_folder_is_made_in_gimps_own_and_any_that_is_there_is_taken(newcomer, tmp_path):
    profile, there = tmp_path / "GIMP/3.0", tmp_path / "of my own"
    profile.mkdir(parents=True)
    there.mkdir()
    options = ["--plug-ins", str(profile / "plug-ins"), "--plug-ins", str(there)]
    assert newcomer.run(*options, PATH="").returncode == 0
    for folder in (profile / "plug-ins", there):
        assert (folder / "neural-style/neural-style.py").is_file()
    assert remembered(newcomer) == sorted([str(profile / "plug-ins"), str(there)])


def test_a_folder_that_could_not_be_written_is_not_remembered(newcomer, tmp_path, root_only):
    assert newcomer.run(PATH="").returncode == 0
    locked = tmp_path / "locked"
    locked.mkdir()
    done = newcomer.run(
        "--plug-ins", str(locked), before=f"mount -t tmpfs -o ro tmpfs '{locked}'", PATH="/usr/bin:/bin"
    )
    assert done.returncode == 1
    assert f"The plug-in can't be written to {locked}" in done.stderr
    assert "up to date" not in done.stdout
    assert remembered(newcomer) == []
    assert newcomer.run(PATH="").returncode == 0


def test_a_remembered_folder_whose_disk_is_gone_is_left_out_until_it_is_back(newcomer, named):
    away = named.parents[1].rename(named.parents[2] / "taken away")
    newcomer.plug_in().joinpath("job.py").write_text("broken")
    done = newcomer.run(PATH="")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Note: there is no folder {named} now" in done.stdout
    assert newcomer.plug_in().joinpath("job.py").read_text(encoding="utf-8") != "broken"
    assert not named.parents[1].exists()
    away.rename(named.parents[1])
    shutil.rmtree(named)  # the folder itself is made again, as GIMP's own are
    done = newcomer.run(PATH="")
    assert done.returncode == 0 and str(named) in done.stdout and "there is no folder" not in done.stdout
    assert (named / "neural-style/neural-style.py").is_file()


def test_a_remembered_folder_that_is_now_a_file_is_told_once_and_forgotten(newcomer, named):
    shutil.rmtree(named)
    named.write_text("a file")
    done = newcomer.run(PATH="")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Note: there is no folder {named} now" in done.stdout
    assert named.read_text() == "a file"
    assert remembered(newcomer) == []
    assert str(named) not in newcomer.run(PATH="").stdout


def test_a_remembered_folder_that_can_not_be_written_holds_up_nothing_but_is_told(newcomer, named, tmp_path, root_only):
    before = f"mount -t tmpfs -o ro tmpfs '{named}'"
    done = newcomer.run("--demo", cwd=tmp_path, before=before, PATH="/usr/bin:/bin")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"The plug-in can't be written to {named}")
    assert "up to date" not in done.stdout
    assert (tmp_path / "demo.png").is_file()
    assert remembered(newcomer) == [str(named)]


def test_a_folder_of_the_same_name_that_is_someone_elses_stays(newcomer, tmp_path):
    theirs = tmp_path / "sources/neural-style/thesis.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("long")
    done = newcomer.run("--plug-ins", str(tmp_path / "sources"), PATH="")
    assert done.returncode == 1 and theirs.read_text() == "long"
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{theirs.parent} holds something that install.py did not make: move it away")
    assert remembered(newcomer) == []


def test_uninstall_tells_of_a_folder_that_is_not_there_now(newcomer, named):
    named.parent.rename(named.parent.with_name("away"))
    done = newcomer.run("--uninstall", PATH="")
    assert done.returncode == 0
    assert f"{named} is not there now; if it comes back, delete neural-style in it yourself." in done.stdout
