"""The host's side of the protocol, with the real engine's process and with ones that fail for real."""

from __future__ import annotations

import array
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import engine
import job
import pytest

DRAFT = {"quality": "draft"}
LIAR = Path(__file__).parents[1] / "gimp3" / "liar.py"


def picture(height, width, channels, seed=1):
    values = array.array("f", ((i * 7919 + seed * 104729) % 1009 / 1008 for i in range(height * width * channels)))
    return job.Picture(height, width, channels, "f32", values.tobytes())


def failure(host, request):
    with pytest.raises(engine.EngineError) as caught:
        host.stylize(request)
    sentence = caught.value.sentence
    assert sentence[0].isupper() and "\n" not in sentence and "Traceback" not in sentence
    assert host._process is None
    return caught.value


REQUEST = job.Job(picture(47, 61, 4), picture(30, 40, 3), DRAFT)


def test_many_requests_go_to_one_engine(installed):
    events = []
    with engine.Engine(installed(), "test") as host:
        first = host.stylize(REQUEST, events.append)
        process = host._process
        for channels in (1, 2, 3):
            content = picture(20, 31, channels)
            assert host.stylize(job.Job(content, picture(30, 40, 3), DRAFT)).picture[:4] == content[:4]
        again = host.stylize(REQUEST)
        assert host._process is process
    assert process.returncode == 0
    assert first.picture[:4] == REQUEST.content[:4]
    assert len(first.picture.data) == first.picture.size
    assert first.picture.data == again.picture.data != REQUEST.content.data
    assert first.picture.data[12::16] == REQUEST.content.data[12::16]  # a byte of every alpha
    assert first.used["features"] == "built-in"
    assert {e["type"] for e in events} == {"progress"}
    fractions = [e["fraction"] for e in events]
    assert fractions == sorted(fractions)


def test_it_goes_on_after_a_request_that_can_t_be_met(installed):
    with engine.Engine(installed(), "test") as host:
        for request, code, words in (
            (job.Job(picture(2, 3, 4), picture(30, 40, 3), DRAFT), "picture", "3×2"),
            (job.Job(picture(20, 31, 3), picture(1, 1, 3), DRAFT), "picture", "1×1"),
            (job.Job(picture(20, 31, 3), picture(30, 40, 3), {"strength": 101}), "settings", "from 0 to 100"),
        ):
            with pytest.raises(engine.EngineError) as caught:
                host.stylize(request)
            assert caught.value.code == code
            assert words in caught.value.sentence
        assert host.stylize(REQUEST).picture[:4] == REQUEST.content[:4]


def test_an_engine_that_is_missing(installed):
    error = failure(engine.Engine(installed("/nowhere/python"), "test"), REQUEST)
    assert error.code == "missing"
    assert "can't be started (No such file or directory): run install.py again." in error.sentence


@pytest.mark.parametrize("content", ["", "[]", '{"command": "python"}', '{"command": [1]}', '{"command": []}'])
def test_an_installation_that_can_t_be_read(installed, content):
    folder = installed()
    Path(folder, "engine.json").write_text(content, encoding="utf-8")
    assert "run install.py again" in failure(engine.Engine(folder, "test"), REQUEST).sentence


def test_an_engine_that_dies_at_once_leaves_its_words_in_the_log(installed, tmp_path):
    error = failure(engine.Engine(installed(sys.executable, "-c", "import nowhere"), "test"), REQUEST)
    assert error.code == "died"
    assert str(tmp_path / "engine.log") in error.sentence
    assert "No module named 'nowhere'" in (tmp_path / "plug-in.log").read_text(encoding="utf-8")


def test_an_engine_that_never_gets_ready(installed):
    host = engine.Engine(installed(sys.executable, "-c", "import time; time.sleep(60)"), "test", ready_seconds=1)
    started = time.monotonic()
    assert "has not answered for 1 seconds" in failure(host, REQUEST).sentence
    assert time.monotonic() - started < 10


def test_an_engine_that_is_killed_half_way(installed):
    host = engine.Engine(installed(), "test")
    large = job.Job(picture(300, 400, 3), picture(30, 40, 3), {"quality": "fine"})
    kill = threading.Event()

    def on_progress(_event):
        if not kill.is_set():
            kill.set()
            os.kill(host._process.pid, signal.SIGKILL)

    with pytest.raises(engine.EngineError) as caught:
        host.stylize(large, on_progress)
    assert caught.value.code == "died"
    assert "stopped from outside" in caught.value.sentence
    # and the same host starts another for the next request
    assert host.stylize(REQUEST).picture[:4] == REQUEST.content[:4]
    host.close()


@pytest.mark.parametrize("lie", ["header", "no json", "giant", "other size", "short"])
def test_an_engine_that_breaks_the_protocol(installed, lie):
    error = failure(engine.Engine(installed(sys.executable, str(LIAR), lie), "test"), REQUEST)
    assert error.code == ("died" if lie == "short" else "reply")


def test_an_engine_of_another_protocol(installed):
    text = json.dumps({"type": "ready", "id": 0, "protocol": 2})
    code = f"import os, struct; os.write(1, struct.pack('>I', {len(text)}) + {text.encode()!r}); os.read(0, 9)"
    error = failure(engine.Engine(installed(sys.executable, "-c", code), "test"), REQUEST)
    assert (error.code, "do not belong together" in error.sentence) == ("version", True)


def test_a_callback_that_fails_ends_the_engine(installed):
    host = engine.Engine(installed(), "test")
    seen = []

    def on_progress(_event):
        seen.append(host._process)
        raise KeyError("the host's own fault")

    with pytest.raises(KeyError):
        host.stylize(REQUEST, on_progress)
    assert seen[0].poll() is not None


def test_the_engine_s_environment_is_free_of_gimp_s():
    ours = {
        "HOME": "/home/a", "PATH": "/usr/bin", "HTTPS_PROXY": "p", "CUDA_VISIBLE_DEVICES": "0", "HIP_PATH": "h",
        "XDG_CACHE_HOME": "/home/a/.cache", "SSL_CERT_FILE": "/etc/ssl/cert.pem", "GTKX": "1",
    }  # fmt: skip
    gimps = dict.fromkeys(
        ["PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH", "LD_PRELOAD",
         "DYLD_LIBRARY_PATH", "GI_TYPELIB_PATH", "GTK_PATH", "GDK_PIXBUF_MODULE_FILE", "GEGL_PATH", "BABL_PATH",
         "GIMP3_DIRECTORY", "GIMP2_PLUGINDIR", "GS_LIB", "XDG_DATA_DIRS"], "/app/share",
    )  # fmt: skip
    assert engine.clean_environment({**ours, **gimps}) == ours
    bundled = {**ours, "APPDIR": "/tmp/.mount_x", "SSL_CERT_FILE": "/tmp/.mount_x/cert.pem"}
    assert "SSL_CERT_FILE" not in engine.clean_environment(bundled)
    snap = {**ours, "SNAP": "/snap/gimp/1", "LD_LIBRARY_PATH": "/snap/gimp/1/lib"}
    assert engine.clean_environment(snap)["LD_LIBRARY_PATH"] == "/snap/gimp/1/lib"
