"""Fetching the ImageNet weights from a server of our own: a file of the true form, whole, cut, wrong, missing."""

import hashlib
import http.server
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from nst_core.weights import imagenet
from nst_core.weights.imagenet import WeightsError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def state():
    """A VGG16 state dictionary as torchvision saves it, the classifier small, the convolutions in their true shape."""
    generator = torch.Generator().manual_seed(7)
    state = {}
    for layer, inputs, outputs in zip(imagenet._LAYERS, imagenet.CHANNELS, imagenet.CHANNELS[1:], strict=False):
        state[f"features.{layer}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=generator)
        state[f"features.{layer}.bias"] = torch.randn(outputs, generator=generator)
    for layer in (0, 3, 6):
        state[f"classifier.{layer}.weight"] = torch.randn(5, 7, generator=generator)
        state[f"classifier.{layer}.bias"] = torch.randn(5, generator=generator)
    return state


@pytest.fixture(scope="module")
def served(state, tmp_path_factory):
    """A folder behind a local web server, with the file under its hashed name: (folder, its address, the file's)."""
    folder = tmp_path_factory.mktemp("served")
    torch.save(state, folder / "raw")
    digest = hashlib.sha256((folder / "raw").read_bytes()).hexdigest()[:8]
    name = f"vgg16_features-{digest}.pth"
    (folder / "raw").rename(folder / name)

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def log_message(self, *args):
            pass

        def do_GET(self):
            if not self.path.startswith("/cut/"):
                return super().do_GET()
            raw = (folder / self.path[5:]).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw[: len(raw) // 3])

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}", name
    server.shutdown()
    server.server_close()


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("NST_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def left_behind(data):
    return sorted(str(p.relative_to(data)) for p in data.rglob("*") if p.is_file())


def test_what_is_fetched_loads_and_equals(state, served, data, monkeypatch):
    _, address, name = served
    monkeypatch.setenv(imagenet.URL_VARIABLE, f"{address}/{name}")
    seen = []
    assert imagenet.available() == []
    for weights in ("imagenet-v1", "imagenet"):
        kept = imagenet.fetch(weights, lambda done, total: seen.append((done, total)))
        assert kept.stat().st_size < 60e6
    assert imagenet.available() == ["imagenet", "imagenet-v1"]
    assert left_behind(data) == ["weights/vgg16-imagenet-v1.safetensors", "weights/vgg16-imagenet.safetensors"]
    assert os.listdir(data / "weights") and all(not n.startswith(".") for n in os.listdir(data / "weights"))
    assert seen[-1][0] == seen[-1][1] > 58e6
    assert len({total for _, total in seen}) == 1
    pairs = imagenet.load("imagenet")
    assert len(pairs) == 13
    for (weight, bias), layer in zip(pairs, imagenet._LAYERS, strict=True):
        assert torch.equal(weight, state[f"features.{layer}.weight"])
        assert torch.equal(bias, state[f"features.{layer}.bias"])


def test_inputs_are_normalised_as_each_weights_were_trained(served, data, monkeypatch):
    _, address, name = served
    monkeypatch.setenv(imagenet.URL_VARIABLE, f"{address}/{name}")
    for weights in imagenet.NAMES:
        imagenet.fetch(weights)
    caffe, v1 = imagenet.normalisation("imagenet"), imagenet.normalisation("imagenet-v1")
    # 0-255 input less the training set's mean: Simonyan and Zisserman's (123, 117, 104)
    white = (np.ones(3) - caffe.mean) / caffe.std
    np.testing.assert_allclose(white, [255 - 123, 255 - 117, 255 - 104], atol=0.01)
    assert (v1.mean, v1.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_the_convolutions_are_the_networks_own(served, state, data, monkeypatch):
    """The 13 pairs, run as VGG16, give what torchvision's own network gives with the same state."""
    from nst_core.weights.torchvision_shim import vgg16_weights

    vgg16_weights()
    from torchvision.models import vgg16

    _, address, name = served
    monkeypatch.setenv(imagenet.URL_VARIABLE, f"{address}/{name}")
    imagenet.fetch("imagenet")
    x = torch.linspace(-1, 1, 3 * 64 * 48).reshape(1, 3, 64, 48)
    with torch.device("meta"):
        network = vgg16().features
    network.load_state_dict({k[9:]: v for k, v in state.items() if k.startswith("features.")}, assign=True)
    with torch.no_grad():
        expected = network(x)
        for i, (weight, bias) in enumerate(imagenet.load("imagenet"), 1):
            x = torch.nn.functional.conv2d(x, weight, bias, padding=1).relu()
            if i in (2, 4, 7, 10, 13):
                x = torch.nn.functional.max_pool2d(x, 2)
    assert torch.equal(x, expected)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("/nothing-here-12345678.pth", r"The server answers 404 \(File not found\)"),
        ("/cut/{name}", r"stopped after \d+ of \d+ bytes"),
        ("/wrong-00000000.pth", "has a wrong hash"),
        ("/vgg16.pth", "does not end in -HASH.pth"),
    ],
)
def test_a_fetch_that_fails_leaves_nothing_behind(served, data, monkeypatch, where, told):
    folder, address, name = served
    (folder / "wrong-00000000.pth").write_bytes((folder / name).read_bytes())
    monkeypatch.setenv(imagenet.URL_VARIABLE, address + where.format(name=name))
    with pytest.raises(WeightsError, match=told) as error:
        imagenet.fetch("imagenet")
    assert "\n" not in str(error.value)
    assert left_behind(data) == []
    assert imagenet.available() == []


def test_no_server_is_told_in_a_sentence(data, monkeypatch):
    monkeypatch.setenv(imagenet.URL_VARIABLE, "http://127.0.0.1:9/vgg16-12345678.pth")
    with pytest.raises(WeightsError, match=r"refused.*check the connection"):
        imagenet.fetch("imagenet")


def test_a_failed_fetch_keeps_the_weights_of_before(served, data, monkeypatch):
    _, address, name = served
    monkeypatch.setenv(imagenet.URL_VARIABLE, f"{address}/{name}")
    before = imagenet.fetch("imagenet").read_bytes()
    monkeypatch.setenv(imagenet.URL_VARIABLE, f"{address}/cut/{name}")
    with pytest.raises(WeightsError):
        imagenet.fetch("imagenet")
    assert (data / "weights" / "vgg16-imagenet.safetensors").read_bytes() == before


def test_what_a_killed_fetch_left_is_removed_by_a_later_one(served, data, monkeypatch):
    _, address, name = served
    monkeypatch.setenv(imagenet.URL_VARIABLE, f"{address}/{name}")
    for leftover, age in ((".fetch-old", 90_000), (".fetch-running", 60)):
        (data / "weights" / leftover).mkdir(parents=True)
        (data / "weights" / leftover / "vgg16.pth").write_bytes(b"half")
        os.utime(data / "weights" / leftover, (time.time() - age,) * 2)
    imagenet.fetch("imagenet")
    assert sorted(os.listdir(data / "weights")) == [".fetch-running", "vgg16-imagenet.safetensors"]


@pytest.mark.parametrize("what", ["other", "lacking", "shape", "code"])
def test_a_file_that_is_no_vgg16_is_refused(served, state, data, tmp_path, monkeypatch, what):
    folder, address, _ = served
    witness = tmp_path / "ran"

    class Malicious:
        def __reduce__(self):
            return os.mkdir, (str(witness),)

    content = {
        "other": [1, 2],
        "lacking": {k: v for k, v in state.items() if k != "features.28.bias"},
        "shape": {**state, "features.0.weight": torch.zeros(64, 3, 5, 5)},
        "code": {**state, "features.0.weight": Malicious()},
    }[what]
    torch.save(content, folder / "bad")
    name = f"bad-{hashlib.sha256((folder / 'bad').read_bytes()).hexdigest()[:16]}.pth"
    (folder / "bad").rename(folder / name)
    monkeypatch.setenv(imagenet.URL_VARIABLE, f"{address}/{name}")
    with pytest.raises(WeightsError, match="nothing was kept"):
        imagenet.fetch("imagenet")
    assert left_behind(data) == []
    assert not witness.exists()
    (folder / name).unlink()


@pytest.mark.parametrize("damage", ["one bit", "cut", "empty", "renamed"])
def test_a_damaged_file_is_found_when_loaded(served, data, monkeypatch, damage):
    _, address, name = served
    monkeypatch.setenv(imagenet.URL_VARIABLE, f"{address}/{name}")
    kept = imagenet.fetch("imagenet-v1" if damage == "renamed" else "imagenet")
    raw = bytearray(kept.read_bytes())
    raw[len(raw) // 2] ^= damage == "one bit"
    kept = data / "weights" / "vgg16-imagenet.safetensors"
    kept.write_bytes(raw[: {"cut": len(raw) - 5, "empty": 0}.get(damage, len(raw))])
    with pytest.raises(
        WeightsError, match=r"damaged; fetch it again with: python -m nst_core --fetch-weights imagenet"
    ):
        imagenet.load("imagenet")


def test_missing_weights_tell_how_to_fetch_them(data):
    for use in (imagenet.load, imagenet.require, imagenet.normalisation):
        with pytest.raises(
            WeightsError, match=r"not installed; fetch them with: python -m nst_core --fetch-weights imagenet-v1"
        ):
            use("imagenet-v1")


def test_a_full_disk_is_told_and_nothing_is_left(served, tmp_path):
    _, address, name = served
    code = """
import os, sys
from nst_core.weights import imagenet
try:
    imagenet.fetch("imagenet")
except imagenet.WeightsError as exc:
    print(exc)
print([f for _, _, files in os.walk(imagenet.folder()) for f in files])
"""
    env = {**os.environ, "CODE": code, "NST_DATA_DIR": str(tmp_path), imagenet.URL_VARIABLE: f"{address}/{name}"}
    run = f'mount -t tmpfs -o size=1m tmpfs "{tmp_path}" && exec "{sys.executable}" -c "$CODE"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", run], capture_output=True, text=True, env=env, cwd=ROOT, timeout=120
    )
    said, left = done.stdout.splitlines()
    assert re.fullmatch(r"The download can't be kept: No space left on device; make room .*", said), done.stderr
    assert left == "[]"


def test_asking_what_is_installed_does_not_import_torch(data):
    code = "import sys; from nst_core.weights import imagenet; imagenet.available(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout.strip() == "False", done.stderr


def test_torchvision_imports_beside_this_torch():
    code = """
from nst_core.weights.torchvision_shim import vgg16_weights
print(*sorted(w.name for w in vgg16_weights()))
import torchvision
print(torchvision.__version__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.stdout.splitlines()[0] == "IMAGENET1K_FEATURES IMAGENET1K_V1", done.stderr


def test_an_engine_tells_of_the_weights_at_hand(served, data, monkeypatch, start):
    _, address, name = served
    monkeypatch.setenv(imagenet.URL_VARIABLE, f"{address}/{name}")
    imagenet.fetch("imagenet-v1")
    engine = start(NST_DATA_DIR=str(data))
    assert engine.greet().header["features"] == ["imagenet-v1", "built-in"]


def test_the_command_line_fetches(served, data):
    _, address, name = served
    command = [sys.executable, "-m", "nst_core", "--fetch-weights", "imagenet"]
    environment = {**os.environ, imagenet.URL_VARIABLE: f"{address}/{name}"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    kept = data / "weights" / "vgg16-imagenet.safetensors"
    assert done.stdout == f"The imagenet weights are in {kept}; features=auto takes them from now on.\n"
    assert imagenet.available() == ["imagenet"]
