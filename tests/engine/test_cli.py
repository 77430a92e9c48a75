"""The command line as a user meets it: real files, a real terminal, a real Ctrl-C."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import pyvips
from engine_process import ROOT, drawn_picture
from PIL import Image, ImageCms

import nst_core
from nst_core import picture as pictures
from nst_core.picture import Picture, to_float

PATHS = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": PATHS}
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture
def folder(tmp_path):
    """A folder with a content of 16 bits with alpha and profile, and a style; what runs there sees no weights."""
    pictures.write(tmp_path / "my content.png", Picture(to_float(drawn_picture(4, np.uint16)), 16, SRGB))
    pictures.write(tmp_path / "style.jpg", Picture(to_float(drawn_picture(3, height=40, width=52))))
    return tmp_path


def command(*arguments):
    return [sys.executable, "-m", "nst_core", *arguments]


def run(folder, *arguments, **environment):
    env = {**ENVIRONMENT, "NST_DATA_DIR": str(folder / "data"), **environment}
    return subprocess.run(command(*arguments), cwd=folder, env=env, capture_output=True, text=True, timeout=120)


def test_a_picture_is_painted_as_the_library_does_it_and_what_was_used_is_told(folder):
    import torch

    done = run(folder, "my content.png", "style.jpg", "-o", "out.tif", "--quality", "draft", "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"Written: out\.tif \(built-in features, cpu, \d+ evaluations?, [\d.]+ s\)\.\n", done.stdout)
    assert re.search(r"scale 1/\d+ \(\d+×\d+\)", done.stderr)
    content, out = pictures.read(folder / "my content.png"), pictures.read(folder / "out.tif")
    assert (out.bits, out.profile, out.pixels.shape) == (16, SRGB, content.pixels.shape)
    assert np.array_equal(out.pixels[..., 3], content.pixels[..., 3])
    assert np.abs(out.pixels[..., :3] - content.pixels[..., :3]).mean() > 0.005
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    options = nst_core.Settings(quality="draft", seed=3)
    direct = nst_core.stylize(content.pixels, pictures.read(folder / "style.jpg").pixels, options)
    torch.set_num_threads(threads)
    assert np.abs(out.pixels - direct).max() < 2 / 65535


def test_without_an_output_the_name_comes_from_the_content(folder):
    done = run(folder, "my content.png", "style.jpg", "--quality", "draft")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Written: my content-styled.png (")
    assert sorted(os.listdir(folder)) == ["my content-styled.png", "my content.png", "style.jpg"]


def test_the_help_names_every_parameter_once(folder):
    done = run(folder, "--help")
    assert done.returncode == 0
    shown = " ".join(done.stdout.partition("\noptions:")[2].split())
    for parameter in nst_core.PARAMETERS:
        assert len(re.findall(rf" --{parameter.name.replace('_', '-')} ", shown)) == 1
        assert " ".join(parameter.help.split()) in shown
        assert "--keep-colors" not in shown
        for choice in parameter.choices or {}:
            assert choice in shown
    assert "Traceback" not in done.stderr


def test_the_version(folder):
    assert run(folder, "--version").stdout == f"python -m nst_core {nst_core.__version__}\n"


BAD = {
    "no pictures": ([], "Give a content picture and a style picture"),
    "no style": (["my content.png"], "Give a content picture and a style picture"),
    "a missing file": (["none.png", "style.jpg"], "There is no file none.png; check its name."),
    "a link": (["https://example.org/a.png", "style.jpg"], "https://example.org/a.png is a link; save"),
    "a link as the style": (["my content.png", "HTTP://x/y.jpg"], "HTTP://x/y.jpg is a link; save the picture"),
    "a folder": (["my content.png", "."], ". is a folder; give the name of a file in it."),
    "a folder as the content": ([".", "style.jpg"], ". is a folder; give the name of a file in it."),
    "the root as the content": (["/", "style.jpg"], "/ is a folder; give the name of a file in it."),
    "no picture": (["text.png", "style.jpg"], "text.png is not a picture of a known kind"),
    "half a picture": (["half.png", "style.jpg"], "half.png is damaged or incomplete"),
    "half a TIFF": (["half.tif", "style.jpg"], "half.tif is damaged or incomplete"),
    "a tiny content": (["tiny.png", "style.jpg"], "3×2"),
    "a number beyond its range": (
        ["a", "b", "--strength", "101"],
        "--strength is 101; it must be from 0 to 100 %;",
    ),
    "a number of two words": (["a", "b", "--brush-size", "24"], "--brush-size is 24; it must be from 25 to 400 %; see"),
    "no number": (["a", "b", "--seed", "many"], "'many' is not a number"),
    "half a seed": (["a", "b", "--seed", "1.5"], "--seed is 1.5; it must be a whole number"),
    "too small a scale": (["a", "b", "--max-size", "10"], "it must be 0 or from 16 to 100000 px"),
    "too little memory": (["a", "b", "--memory-limit", "1"], "it must be 0 or from 680 to 10000000 MB"),
    "an unknown choice": (["a", "b", "--quality", "best"], "invalid choice: 'best'"),
    "an unknown option": (["a", "b", "--brush", "2"], "Unrecognized arguments: --brush"),
    "the content overwritten": (["my content.png", "style.jpg", "-o", "./my content.png"], "choose another name"),
    "the style overwritten": (["my content.png", "style.jpg", "-o", "link.jpg"], "choose another name"),
    "an unknown ending": (["my content.png", "style.jpg", "-o", "out.psd"], "it must end in .png"),
    "no such device": (["my content.png", "style.jpg", "--device", "mps"], "There is no MPS device"),
    "a folder to write": (["my content.png", "style.jpg", "-o", "."], ". is a folder; give the name of a file."),
    "no name to write": (["my content.png", "style.jpg", "-o", ""], ". is a folder; give the name of a file."),
    "no such folder": (["my content.png", "style.jpg", "-o", "a/out.png"], "There is no folder a"),
    "a file as the folder": (
        ["my content.png", "style.jpg", "-o", "style.jpg/a/out.png"],
        "style.jpg is a file, so that nothing can be written in it; give a folder.",
    ),
    "an unknown American choice": (["a", "b", "--keep-colors", "all"], "--keep-colors: invalid choice: 'all'"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_told_in_a_sentence(folder, what):
    arguments, message = BAD[what]
    raw = (folder / "my content.png").read_bytes()
    (folder / "half.png").write_bytes(raw[: len(raw) // 2])
    Image.fromarray(drawn_picture(3, height=200, width=301)).save(folder / "half.tif")
    os.truncate(folder / "half.tif", 90_000)
    (folder / "text.png").write_text("no picture")
    (folder / "link.jpg").symlink_to("style.jpg")
    Image.fromarray(drawn_picture(3, height=2, width=3)).save(folder / "tiny.png")
    before = {p: p.read_bytes() for p in folder.iterdir()}
    done = run(folder, *arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr
    assert done.stdout == "" and "_" not in done.stderr
    assert {p: p.read_bytes() for p in folder.iterdir()} == before


def test_a_folder_that_nobody_may_write_to_is_told_before_the_run(folder):
    """Not even root may make a file in /proc, and its permissions do not say so."""
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    done = run(folder, "my content.png", "style.jpg", "-o", "/proc/out.png", "--quality", "draft")
    assert done.returncode == 2
    # without a bar, and without the stages that are told where there is no terminal
    assert re.fullmatch(
        r"/proc/out\.png can't be written: [^;]+; choose a folder that you may write to\.\n", done.stderr
    )


def test_a_write_protected_output_is_told_before_the_run(folder):
    """A file that not even root may write to, in a mount namespace of its own."""
    (folder / "out.png").write_bytes(b"an earlier painting")
    protected = 'mount --bind out.png out.png && mount -o remount,bind,ro out.png && exec "$@"'
    painting = command("my content.png", "style.jpg", "-o", "out.png", "--quality", "draft")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", protected, "sh", *painting],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stderr == "out.png is write-protected; give another name, or lift its protection.\n"
    assert done.returncode == 2
    assert (folder / "out.png").read_bytes() == b"an earlier painting"


def test_colours_may_be_spelt_as_in_america(folder):
    common = "my content.png", "style.jpg", "--quality", "draft", "--evaluations", "1", "-o"
    for name, *option in (("a.png", "--keep-colours=luminance"), ("b.png", "--keep-colors=luminance"), ("c.png",)):
        assert run(folder, *common, name, *option).returncode == 0
    british, american, neither = (pictures.read(folder / name).pixels for name in ("a.png", "b.png", "c.png"))
    assert np.array_equal(british, american) and not np.array_equal(british, neither)


def test_a_loss_of_floating_point_is_told(folder):
    content = to_float(drawn_picture(3)).astype(np.float32)
    pyvips.Image.new_from_array(content * 2).write_to_file(str(folder / "float.tif"))
    for name, bits in (("out.tif", 16), ("out.jpg", 8)):
        done = run(folder, "float.tif", "style.jpg", "-o", name, "--strength", "0")
        assert done.returncode == 0
        told = f"The content has floating-point samples; {name} has {bits} bits of them, from black to white.\n"
        assert done.stderr == told
    assert pictures.read(folder / "out.tif").bits == 16
    assert run(folder, "my content.png", "style.jpg", "--strength", "0").stderr == ""


def test_a_loss_of_transparency_is_told(folder):
    pixels = np.full((40, 50, 4), 200, np.uint8)
    pixels[..., :3] = drawn_picture(3, height=40, width=50)[..., :3]
    pictures.write(folder / "opaque.png", Picture(to_float(pixels | np.array([0, 0, 0, 255], np.uint8))))
    pictures.write(folder / "seen-through.png", Picture(to_float(pixels)))
    told = {}
    for content in ("opaque.png", "seen-through.png"):
        for name in ("out.jpg", "out.png", "out.tif"):
            done = run(folder, content, "style.jpg", "-o", name, "--strength", "0")
            assert done.returncode == 0
            told[content, name] = done.stderr
    sentence = told.pop(("seen-through.png", "out.jpg"))
    assert sentence.startswith("What is transparent in the content is white in out.jpg: no JPEG has transparency")
    assert set(told.values()) == {""}


def test_weights_not_installed_tell_how_to_fetch_them(folder):
    done = run(folder, "my content.png", "style.jpg", "--features", "imagenet")
    assert done.returncode == 1
    assert "fetch them with: python -m nst_core --fetch-weights imagenet" in done.stderr


def test_a_fetch_that_fails_is_told_in_a_sentence(folder):
    done = run(folder, "--fetch-weights", "imagenet", NST_WEIGHTS_URL="http://127.0.0.1:9/vgg16-12345678.pth")
    assert done.returncode == 1
    assert re.search(r"can't be fetched \(Connection refused\); check the connection and try again\.\n$", done.stderr)
    assert "Traceback" not in done.stderr


def test_a_fault_inside_is_told_without_a_traceback_unless_it_is_asked_for(folder):
    code = """
import sys
import nst_core.stylizing as stylizing
from nst_core.cli import main
def faulty(*_):
    raise ZeroDivisionError("a fault")
stylizing.stylize_fully = faulty
sys.exit(main(sys.argv[1:]))
"""
    for extra, traceback in ([], False), (["--traceback"], True):
        line = [sys.executable, "-c", code, "my content.png", "style.jpg", "-o", "out.png", *extra]
        done = subprocess.run(line, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
        assert done.returncode == 1
        assert "ZeroDivisionError" in done.stderr
        assert ("Traceback" in done.stderr) is traceback
        assert not (folder / "out.png").exists()


def test_the_least_memory_limit_is_kept(folder):
    if not Path("/proc/self/status").exists():
        pytest.skip("there is no /proc here to read the peak from")
    code = """
import sys
import torch
from nst_core.cli import main
def peak():
    return [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0]
loaded = peak()
assert main(sys.argv[1:]) == 0
print(loaded, peak())
"""
    options = "-o", "out.png", "--quality", "draft", "--evaluations", "2", "--memory-limit", "680"
    line = [sys.executable, "-c", code, "my content.png", "style.jpg", *options]
    done = subprocess.run(line, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    loaded, peak = (int(kilobytes) * 1024 for kilobytes in done.stdout.splitlines()[-1].split())
    # PyTorch itself takes 230 MB in its CPU build, which the limit is meant for, and 530 MB in its CUDA build
    assert peak - loaded < 590e6 - 240e6


def test_another_python_is_told_which_one_to_use(folder):
    """Without any of the packages, as the system's is."""
    line = [sys.executable, "-S", *command("my content.png", "style.jpg", "-o", "out.png")[1:]]
    done = subprocess.run(
        line, cwd=folder, env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 1 and not done.stdout
    assert re.fullmatch(r"This Python has no \w+; use the engine's own, .* install.py makes and names\.\n", done.stderr)


@pytest.mark.parametrize("module", ["argparse", "numpy", "torch._C"])
def test_ctrl_c_while_modules_are_imported_is_told_in_one_line(folder, module):
    line = [sys.executable, "-X", "importtime", *command("my content.png", "style.jpg", "-o", "out.png")[1:]]
    env = {**ENVIRONMENT, "NST_DATA_DIR": str(folder / "data")}
    with subprocess.Popen(line, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        while not (imported := run.stderr.readline()).endswith(f" {module}\n"):
            assert imported.startswith("import time:"), imported
        run.send_signal(signal.SIGINT)
        said = [told for told in run.stderr if not told.startswith("import time:")]
        assert run.wait() == 130
    assert said == ["Stopped; nothing was written.\n"]
    assert not (folder / "out.png").exists()


class Terminal:
    """A command line in a terminal of its own, where Ctrl-C is a key."""

    def __init__(self, folder, *arguments):
        self.text, env = "", {**ENVIRONMENT, "COLUMNS": "120", "TERM": "xterm", "NST_DATA_DIR": str(folder / "data")}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(sys.executable, command(*arguments), env)

    def read_until(self, pattern, within=60):
        end = time.monotonic() + within
        while not re.search(pattern, self.text):
            assert time.monotonic() < end, self.text
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    part = os.read(self.fd, 65536).decode(errors="replace")
                except OSError:  # the terminal's other end is closed
                    part = ""
                if not part:
                    return
                self.text += part

    def press_ctrl_c(self):
        os.write(self.fd, b"\x03")

    def exit_code(self):
        self.read_until(r"(?!)", within=120)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


@pytest.fixture
def long_run(folder):
    """A run of minutes, of evaluations of a second and more."""
    pictures.write(folder / "large.png", Picture(to_float(drawn_picture(3, height=600, width=801))))
    return Terminal(folder, "large.png", "style.jpg", "-o", "out.png", "--evaluations", "5000")


def test_the_bar_shows_scale_step_loss_and_time_left(folder, long_run):
    long_run.read_until(r"loss .* left")
    long_run.press_ctrl_c()
    long_run.read_until(r"Finishing")
    long_run.press_ctrl_c()
    assert long_run.exit_code() == 130
    assert "Stopped at once, without the best so far." in long_run.text
    assert re.search(r"Laying out \|.*\| +\d+%, (\d+:)?\d+:\d\d left", long_run.text), long_run.text
    bar = r"scale 1/\d+ \(\d+×\d+\) \|.*\| +\d+%, step \d+/\d+, loss [-\d.e+]+, (\d+:)?\d+:\d\d left"
    assert re.search(bar, long_run.text), long_run.text


def test_ctrl_c_writes_the_best_so_far(folder, long_run):
    long_run.read_until(r"step \d")
    long_run.press_ctrl_c()
    assert long_run.exit_code() == 130
    assert "Ctrl-C again stops at once" in long_run.text
    assert re.search(r"Stopped: out\.png is the best so far \(built-in features, cpu, \d+ evaluations?", long_run.text)
    content, out = pictures.read(folder / "large.png"), pictures.read(folder / "out.png")
    assert out.pixels.shape == content.pixels.shape
    assert "Traceback" not in long_run.text


@pytest.mark.parametrize("stage", ["Fitting", "Laying out"])
def test_ctrl_c_before_anything_is_painted_writes_the_strokes_found_so_far(folder, long_run, stage):
    long_run.read_until(stage + r" \|")
    long_run.press_ctrl_c()
    assert long_run.exit_code() == 130
    told = r"Stopped: out\.png is a first sketch, as the painting had not begun \(built-in features, cpu, 0 evaluations"
    assert re.search(told, long_run.text), long_run.text
    content, out = pictures.read(folder / "large.png").pixels, pictures.read(folder / "out.png").pixels
    assert out.shape == content.shape and np.abs(out - content).mean() > 0.02


def test_ctrl_c_before_anything_is_painted_leaves_an_earlier_painting_alone(folder):
    (folder / "out.png").write_bytes(b"an earlier painting")
    pictures.write(folder / "large.png", Picture(to_float(drawn_picture(3, height=600, width=801))))
    run = Terminal(folder, "large.png", "style.jpg", "-o", "out.png", "--evaluations", "5000")
    run.read_until(r"Laying out \|")
    run.press_ctrl_c()
    assert run.exit_code() == 130
    assert "then leaving out.png as it is; Ctrl-C again stops at once." in run.text and "best so far" not in run.text
    assert "Stopped before the painting began; out.png is left as it was." in run.text
    assert "Painting" not in run.text.partition("at once.")[2] and "scale" not in run.text
    assert (folder / "out.png").read_bytes() == b"an earlier painting"


def test_a_second_ctrl_c_stops_at_once_even_in_mid_evaluation(folder, long_run):
    long_run.read_until(r"step \d")
    long_run.press_ctrl_c()
    long_run.read_until(r"Finishing")
    began = time.monotonic()
    long_run.press_ctrl_c()
    assert long_run.exit_code() == 130
    assert time.monotonic() - began < 1.5
    assert not (folder / "out.png").exists()
    assert "Traceback" not in long_run.text


def test_ctrl_c_while_pictures_are_read_writes_nothing(folder):
    os.mkfifo(folder / "slow.png")
    terminal = Terminal(folder, "slow.png", "style.jpg", "-o", "out.png")
    with open(folder / "slow.png", "wb"):  # opens once the program waits for the picture
        terminal.press_ctrl_c()
        assert terminal.exit_code() == 130
    assert "Stopped; nothing was written." in terminal.text
    assert "Traceback" not in terminal.text
    assert not (folder / "out.png").exists()


def test_ctrl_c_as_soon_as_the_bar_is_shown_writes_nothing(folder, long_run):
    long_run.read_until(r"Starting")
    long_run.press_ctrl_c()
    assert long_run.exit_code() == 130
    assert "Stopped; nothing was written." in long_run.text
    assert "Traceback" not in long_run.text and "Finishing" not in long_run.text
    assert not (folder / "out.png").exists()
