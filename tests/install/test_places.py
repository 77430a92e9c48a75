"""Where GIMP keeps plug-ins and people their data, on systems that this one is not: real folders, named as there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from installer import places
from installer.environment import advice, python_of
from installer.places import Gimp


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("NST_DATA_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "GIMP2_DIRECTORY", "GIMP3_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "AppData/Roaming"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "AppData/Local"))
    return tmp_path


def found(home: Path) -> dict[str, str]:
    return {gimp.plug_ins.relative_to(home).as_posix(): str(gimp) for gimp in places.find_gimps()}


def make(home: Path, *folders: str) -> None:
    for folder in folders:
        (home / folder).mkdir(parents=True)


def test_linux_and_its_packagings(home, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    make(home, ".config/GIMP/2.10", ".config/GIMP/3.0", ".config/GIMP/3.2", ".config/GIMP/2.8", ".config/GIMP/3.0.old")
    make(home, ".var/app/org.gimp.GIMP/config/GIMP/2.10", "snap/gimp/current/.config/GIMP/3.0")
    assert found(home) == {
        ".config/GIMP/2.10/plug-ins": "GIMP 2.10",
        ".config/GIMP/3.0/plug-ins": "GIMP 3.0",
        ".config/GIMP/3.2/plug-ins": "GIMP 3.2",
        ".var/app/org.gimp.GIMP/config/GIMP/2.10/plug-ins": "GIMP 2.10 (Flatpak)",
        "snap/gimp/current/.config/GIMP/3.0/plug-ins": "GIMP 3.0 (Snap)",
    }
    assert places.data_folder() == home / "snap/gimp/common/neural-style-for-gimp"  # nothing hidden in its path


def test_linux_follows_xdg(home, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "settings"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    make(home, "settings/GIMP/3.0", ".config/GIMP/3.0")
    assert found(home) == {"settings/GIMP/3.0/plug-ins": "GIMP 3.0"}
    assert places.data_folder() == home / "data/neural-style-for-gimp"


def test_windows_and_its_store(home, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    store = "AppData/Local/Packages/GIMP.43237F745C459_1/LocalCache/Roaming/GIMP/3.0"
    make(home, "AppData/Roaming/GIMP/3.0", "AppData/Roaming/GIMP/2.10", store)
    assert found(home) == {
        "AppData/Roaming/GIMP/2.10/plug-ins": "GIMP 2.10",
        "AppData/Roaming/GIMP/3.0/plug-ins": "GIMP 3.0",
        f"{store}/plug-ins": "GIMP 3.0 (Microsoft Store)",
    }
    assert places.data_folder() == home / "AppData/Local/neural-style-for-gimp"
    assert python_of(home).as_posix().endswith("/Scripts/python.exe")


def test_macos(home, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    make(home, "Library/Application Support/GIMP/3.0")
    assert found(home) == {"Library/Application Support/GIMP/3.0/plug-ins": "GIMP 3.0"}
    assert places.data_folder() == home / "Library/Application Support/neural-style-for-gimp"


def test_gimps_variables_go_first_relative_to_home(home, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    make(home, ".config/GIMP/2.10", ".config/GIMP/3.0")
    monkeypatch.setenv("GIMP2_DIRECTORY", "my-gimp")
    monkeypatch.setenv("GIMP3_DIRECTORY", str(home / "other"))
    assert found(home) == {"other/plug-ins": "GIMP 3", "my-gimp/plug-ins": "GIMP 2"}


CONSOLE = """#!/bin/sh
case "$*" in
  --version) echo "GNU Image Manipulation Program version {version}" ;;
  *) echo asked >> {home}/asked; echo "(gimp-console:7): some warning"; echo "neural-style asks {home}/profile" ;;
esac
"""


@pytest.mark.parametrize("version", ["3.0.4", "2.10.34"])
def test_a_console_is_asked_once(home, monkeypatch, version):
    monkeypatch.setattr(sys, "platform", "linux")
    make(home, "bin")
    console = home / "bin/gimp-console"
    console.write_text(CONSOLE.format(version=version, home=home))
    console.chmod(0o755)
    answers = {}
    first = places.find_gimps(answers)
    assert places.find_gimps(answers) == first
    if version.startswith("3"):
        assert first == [Gimp("3.0", home / "profile/plug-ins")]
        assert (home / "asked").read_text().split() == ["asked"]
    else:
        assert first == [Gimp("2.10", home / ".config/GIMP/2.10/plug-ins")]
    console.write_text(CONSOLE.format(version="3.2.6", home=home))  # GIMP was replaced by a newer one
    assert places.find_gimps(answers) == [Gimp("3.2", home / "profile/plug-ins")]
    console.unlink()
    assert places.find_gimps(answers) == []
    assert answers == {}


def test_a_console_that_does_not_work_is_passed_over(home, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    make(home, "bin")
    (home / "bin/gimp-console").write_text("#!/bin/sh\nexit 3\n")
    (home / "bin/gimp-console").chmod(0o755)
    assert places.find_gimps() == []


@pytest.mark.parametrize(
    ("packaging", "python", "warned"),
    [("Flatpak", "/usr/bin/python3", True), ("Snap", "/usr/bin/python3", True), ("", "/usr/bin/python3", False),
     ("Flatpak", ".mine/bin/python", False), ("Snap", ".mine/bin/python", True), ("Snap", "mine/bin/python", False)],
)  # fmt: skip
def test_a_sandbox_that_does_not_see_the_python_is_told(home, packaging, python, warned):
    said = places.warnings_for(Gimp("3.0", home, packaging), home / python)
    assert bool(said) == warned
    assert all("Python of your own" in sentence for sentence in said)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("OSError: [Errno 28] No space left on device", "no space left"),
        ("WARNING: Retrying after connection broken by 'NewConnectionError(... [Errno -3] Temporary failure in name "
         "resolution')'\nERROR: No matching distribution found for torch", "check the internet connection"),
        ("ReadTimeoutError(\"HTTPSConnectionPool: Read timed out.\")", "check the internet connection"),
        ("ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407'))", "proxy refused"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))", "secure connection"),
        ("ERROR: Could not find a version that satisfies the requirement torch==2.13.0 (from versions: none)",
         "There is no PyTorch for this Python"),
        ("The virtual environment was not created successfully because ensurepip is not\navailable.", "python3-venv"),
        ("PermissionError: [Errno 13] Permission denied: '/x'", "may not be written"),
        ("something never seen\nthe last line\n", "the last line"),
        ("", "without a word"),
    ],
)  # fmt: skip
def test_what_pip_says_becomes_advice(output, said):
    sentence = advice(output)
    assert said in sentence
    assert "\n" not in sentence
