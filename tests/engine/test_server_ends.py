"""When the engine ends: asked to, left alone, cut off, told nonsense, or without a log. It must, at once, and truly."""

import os
import struct
import subprocess
import sys
import time

import pytest
from engine_process import ROOT, engine_command

from nst_core.engine.protocol import MAX_HEADER_BYTES, frame_bytes

EXIT_BYE, EXIT_HOST_GONE, EXIT_FRAME, EXIT_LOG = 0, 1, 2, 3


def in_mid_run(engine, drawn):
    """Starts a run of minutes, of evaluations of a second and more, and returns once it is at work."""
    engine.greet()
    engine.stylize(1, drawn(3, height=600, width=801), evaluations=5000)
    engine.read_until("progress")


def test_bye_ends_it(start):
    engine = start()
    engine.greet()
    engine.send({"type": "bye", "id": 1})
    assert engine.exit_code() == EXIT_BYE


@pytest.mark.parametrize("greeted", [False, True])
def test_the_end_of_its_input_ends_it(start, greeted):
    engine = start()
    if greeted:
        engine.greet()
    engine.process.stdin.close()
    assert engine.exit_code(within=10) == EXIT_BYE


def test_the_end_of_its_input_ends_it_in_mid_run(start, drawn):
    engine = start()
    in_mid_run(engine, drawn)
    engine.process.stdin.close()
    began = time.monotonic()
    assert engine.exit_code() == EXIT_HOST_GONE
    assert time.monotonic() - began < 2


def test_the_end_of_its_input_within_a_frame_ends_it(start, drawn):
    engine = start()
    engine.greet()
    raw = b"".join(map(bytes, frame_bytes({"type": "stylize", "id": 1}, {"content": drawn(4), "style": drawn(3)})))
    engine.send_bytes(raw[: len(raw) // 2])
    engine.process.stdin.close()
    assert engine.exit_code(within=10) == EXIT_BYE


def test_nobody_listening_any_more_ends_it(start, drawn):
    engine = start()
    in_mid_run(engine, drawn)
    engine.process.stdout.close()
    assert engine.exit_code(within=60) == EXIT_HOST_GONE


HOST = """
import sys, time
from engine_process import EngineProcess, drawn_picture
engine = EngineProcess(sys.argv[1])
engine.greet()
engine.stylize(1, drawn_picture(3, height=600, width=801), evaluations=5000)
engine.read_until("progress")
print(engine.process.pid, flush=True)
time.sleep(600)
"""


def test_a_killed_host_leaves_no_engine(tmp_path, gone_within):
    paths = os.pathsep.join([str(ROOT), os.path.dirname(__file__)])
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-c", HOST, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as host:
        pid = int(host.stdout.readline())
        host.kill()
        assert gone_within(pid, 2)


def declared(**changes):
    sound = {"name": "content", "dtype": "f32", "height": 8, "width": 8, "channels": 4}
    return {"type": "stylize", "id": 1, "settings": {}, "attachments": [{**sound, **changes}]}


def header_only(header):
    return next(frame_bytes(header))


NONSENSE = {
    "garbage": b"GET / HTTP/1.1\r\n\r\n",
    "no header": struct.pack(">I", 0),
    "a header over 1 MiB": struct.pack(">I", MAX_HEADER_BYTES + 1) + b" " * 4096,
    "a header of another length": struct.pack(">I", 5) + b'{"type": "stylize", "id": 1}',
    "a header that is no JSON": struct.pack(">I", 4) + b"\xff\xff\xff\xff",
    "an unknown request": header_only({"type": "paint", "id": 4}),
    "a request without a number": header_only({"type": "cancel", "id": None}),
    "an attachment of no height": header_only(declared(height=0)),
    "a side of 65,536": header_only(declared(width=65_536)),
    "17 GB": header_only(declared(height=65_535, width=65_535, channels=1)),
    "5 channels": header_only(declared(channels=5)),
    "an unknown dtype": header_only(declared(dtype="f64")),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_refused_and_ends_it(start, what):
    engine = start()
    engine.greet()
    engine.send_bytes(NONSENSE[what])
    error = engine.read()
    assert (error.type, error.header["code"]) == ("error", "frame"), error.header
    assert error.header["message"].endswith(".") and "\n" not in error.header["message"]
    assert engine.exit_code() == EXIT_FRAME


def test_attachments_that_are_too_long_are_the_next_frame_and_refused(start, drawn):
    engine = start()
    engine.greet()
    parts = [bytes(p) for p in frame_bytes({"type": "stylize", "id": 1}, {"content": drawn(3), "style": drawn(3)})]
    engine.send_bytes(b"".join(parts) + b"one row too much" * 20)
    event = engine.read_until("error")[0]
    assert event.header["code"] == "frame"
    assert engine.exit_code() == EXIT_FRAME


@pytest.mark.parametrize(
    "first",
    [
        {"type": "hello", "id": 0, "protocol": 2, "client": "from the future"},
        {"type": "hello", "id": 0, "client": "of no version"},
        {"type": "hello", "id": 0, "protocol": "1"},
        {"type": "stylize", "id": 0},
    ],
)
def test_another_version_is_refused_and_ends_it(start, first):
    engine = start()
    engine.send(first)
    error = engine.read()
    assert (error.header["code"], error.id) == ("version", 0)
    assert "protocol version 1" in error.header["message"]
    assert engine.exit_code() == EXIT_FRAME


def within_tmpfs(folder, options):
    """The command of an engine that sees a tmpfs of its own at ``folder``."""
    mount = f'mount -t tmpfs -o "{options}" tmpfs "{folder}" && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", mount, "sh", *engine_command()]


@pytest.mark.parametrize(
    ("options", "reason"),
    [("ro", "Read-only file system"), ("size=4k,nr_inodes=1", "No space left on device")],
)
def test_no_log_is_told_and_ends_it(start, tmp_path, options, reason):
    (tmp_path / "log").mkdir()
    engine = start(within_tmpfs(tmp_path / "log", options), log_dir=tmp_path / "log")
    engine.send({"type": "hello", "id": 0, "protocol": 1, "client": "test 1"})
    error = engine.read()
    assert (error.type, error.id, error.header["code"]) == ("error", 0, "log")
    assert error.header["message"] == f"The log file {tmp_path}/log/engine.log can't be written: {reason}."
    assert error.header["advice"].startswith("Make room on the disk")
    assert engine.exit_code() == EXIT_LOG


def test_a_log_folder_that_is_a_file_is_told(start, tmp_path):
    (tmp_path / "file").write_text("in the way")
    engine = start(log_dir=tmp_path / "log", NST_LOG_DIR=str(tmp_path / "file"))
    engine.send({"type": "hello", "id": 0, "protocol": 1, "client": "test 1"})
    assert engine.read().header["code"] == "log"
    assert engine.exit_code() == EXIT_LOG


def test_a_disk_that_fills_up_later_is_told_too(start, tmp_path, drawn):
    (tmp_path / "log").mkdir()
    engine = start(within_tmpfs(tmp_path / "log", "size=4k"), log_dir=tmp_path / "log")
    engine.greet()
    codes = []
    while "log" not in codes and len(codes) < 100:
        engine.stylize(len(codes), drawn(1), strength=-1)
        codes.append(engine.answer().header["code"])
    assert codes[:-1] == ["settings"] * (len(codes) - 1) and len(codes) > 5
    assert codes[-1] == "log"
    assert engine.exit_code() == EXIT_LOG


def test_the_log_is_kept_small(start, tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "engine.log").write_bytes(b"x" * 1_000_000)
    engine = start(log_dir=tmp_path / "log")
    engine.greet()
    assert sorted(os.listdir(tmp_path / "log")) == ["engine.log", "engine.log.1"]
    assert b"engine started" in (tmp_path / "log" / "engine.log").read_bytes()
