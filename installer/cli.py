"""The options of ``install.py``, and how it speaks."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from installer import InstallError
from installer.demo import demo
from installer.environment import is_index
from installer.places import check_plug_ins
from installer.steps import Installation


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message[0].upper()}{message[1:].rstrip('.')}; see --help.\n")


def make_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        allow_abbrev=False,
        prog="install.py",
        description="Installs Neural Style for GIMP: the engine into a folder of its own, the plug-in into every GIMP. "
        "Run it again to bring it up to date.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--demo", action="store_true", help="install, then paint a sample; demo.png shows it")
    what.add_argument("--imagenet", action="store_true", help="install, then fetch the ImageNet weights (528 MB)")
    what.add_argument("--uninstall", action="store_true", help="remove all of it: plug-in, engine, weights and logs")
    parser.add_argument(
        "--plug-ins", type=_folder, action="append", default=[], metavar="FOLDER",
        help="a GIMP's plug-ins folder that is not found by itself; can be given several times",
    )  # fmt: skip
    parser.add_argument(
        "--torch-index", type=_index, metavar="URL",
        help="where to take PyTorch from, for another GPU build (see pytorch.org); “default” is pip's own index",
    )  # fmt: skip
    return parser


def _folder(text: str) -> Path:
    if not text.strip():  # a shell's variable that is not set, which Path would take for the folder one is in
        raise argparse.ArgumentTypeError("it is empty, and has to name a GIMP's plug-ins folder")
    return Path(os.path.expanduser(text)).absolute()


def _index(text: str) -> str:
    if not is_index(text):
        raise argparse.ArgumentTypeError(
            f"“{text}” is no place to take PyTorch from: give an address that begins with http://, https:// or "
            "file://, a folder that is there, or “default”"
        )
    is_folder = text != "default" and os.path.isdir(text)
    return os.path.abspath(text) if is_folder else text  # it is remembered, and one may be elsewhere then


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: done; 1: one sentence said why not; 2: wrong options; 130: interrupted, nothing is left half."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a Windows console may not know “▸”
    options = make_parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    installation = Installation(_say, plug_ins=options.plug_ins)
    try:
        if options.uninstall:
            installation.uninstall()
            return 0
        for folder in options.plug_ins:
            check_plug_ins(folder)
        installation.install(options.torch_index)
        if options.demo:
            demo(installation)
        code = _fetch_weights(installation) if options.imagenet else 0
        if installation.failures:  # of folders that this run was not asked for: the rest is done first
            raise InstallError(" ".join(installation.failures))
        return code
    except InstallError as exc:
        print(exc, file=sys.stderr)
        return 1
    except OSError as exc:
        print(f"{exc.filename or 'A file'} can't be used: {exc.strerror or exc}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Nothing was left half done; run install.py again to go on.", file=sys.stderr)
        return 130


def _fetch_weights(installation: Installation) -> int:
    command = [str(installation.engine_python), "-I", "-X", "utf8", "-m", "nst_core", "--fetch-weights", "imagenet"]
    return subprocess.run(command, env={**os.environ, "NST_DATA_DIR": str(installation.data)}).returncode


def _say(line: str) -> None:
    print(line, flush=True)


def _interrupt(*_) -> None:
    raise KeyboardInterrupt
