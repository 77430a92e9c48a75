"""The command line: two picture files in, one out, with a bar that tells how far the run is."""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any, NoReturn

import nst_core
from nst_core import picture as pictures
from nst_core.failures import ADVICE, described
from nst_core.interrupt import EXIT_INTERRUPTED, NOTHING_WRITTEN, finishing_on_interrupt, stopping_on_interrupt
from nst_core.process import settle
from nst_core.progress import Progress, Stop
from nst_core.settings import ARTIST, PARAMETERS, Parameter, Settings, SettingsError
from nst_core.weights import imagenet

EXIT_DONE, EXIT_FAILED, EXIT_BAD_INPUT = 0, 1, 2

_BAD_INPUT = {"settings", "picture"}
_BAR = "{desc} |{bar}| {percentage:3.0f}%{postfix}"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; the exit code is 0 done, 1 failed, 2 bad input, 130 stopped by Ctrl-C."""
    try:
        return _run(_parser().parse_args(arguments))
    except KeyboardInterrupt:
        print(NOTHING_WRITTEN, file=sys.stderr)
        return EXIT_INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    settle()
    try:
        if options.fetch_weights:
            return _fetch(options.fetch_weights)
        return _stylize(options)
    except Exception as exc:
        if options.traceback:
            raise
        code, message = described(exc)
        advice = {"memory": " " + ADVICE["memory"], "internal": " Run again with --traceback, and report what it says."}
        print(message + advice.get(code, ""), file=sys.stderr)
        return EXIT_BAD_INPUT if code in _BAD_INPUT else EXIT_FAILED


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        message = re.sub(r"^argument (--[\w-]+): (?=\1 is )", "", message)  # a sentence that begins with its name
        self.exit(EXIT_BAD_INPUT, f"{message[0].upper()}{message[1:].rstrip('.')}; see --help.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        allow_abbrev=False,
        prog="python -m nst_core",
        description="Paints a picture in the style of another (neural style transfer on VGG16 features).",
        epilog="Ctrl-C writes the best so far; once more stops at once.",
    )
    parser.add_argument("content", nargs="?", help=f"the picture to be painted: {pictures.READABLE}")
    parser.add_argument("style", nargs="?", help="the picture whose style it gets")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where to write, PNG, TIFF or JPEG by its ending; CONTENT-styled beside the content if not given",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {nst_core.__version__}")
    parser.add_argument(
        "--fetch-weights", choices=imagenet.NAMES, help="download ImageNet weights (528 MB; 59 MB are kept), and end"
    )
    parser.add_argument("--traceback", action="store_true", help="show where in the program a failure comes from")
    groups = {ARTIST: parser.add_argument_group("the look")}
    for parameter in PARAMETERS:
        if parameter.audience not in groups:
            groups[parameter.audience] = parser.add_argument_group("the method")
        _add_option(groups[parameter.audience], parameter)
    return parser


def _add_option(group, parameter: Parameter) -> None:
    option = "--" + parameter.name.replace("_", "-")
    if parameter.choices:
        kind: dict[str, Any] = {"choices": list(parameter.choices)}
        span = ""
    else:
        kind = {"type": _number_type(dataclasses.replace(parameter, name=option)), "metavar": "N"}
        span = parameter.span.replace("%", "%%") + ", "
    shown = parameter.default if parameter.choices else f"{parameter.default:.10g}"
    help_text = f"{parameter.help.replace('%', '%%')} ({span}default {shown})"
    group.add_argument(option, default=parameter.default, help=help_text, **kind)
    american = option.replace("colour", "color")
    if american != option:
        unsaid = argparse.SUPPRESS
        group.add_argument(american, dest=parameter.name, default=unsaid, help=unsaid, **kind)


def _number_type(parameter: Parameter):
    def number(text: str):
        try:
            return parameter.checked(float(text))
        except SettingsError as exc:
            raise argparse.ArgumentTypeError(str(exc)) from None
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None

    return number


def _stylize(options: argparse.Namespace) -> int:
    if not options.content or not options.style:
        raise SettingsError("Give a content picture and a style picture; see --help.")
    settings = Settings(**{p.name: getattr(options, p.name) for p in PARAMETERS})
    for name in (options.content, options.style):
        pictures.check_no_link(name)
    output = _default_output(Path(options.content)) if options.output is None else Path(options.output)
    pictures.check_writable(output)
    for name in (options.content, options.style):
        if output.exists() and Path(name).exists() and os.path.samefile(output, name):
            raise pictures.PictureError(f"{output} is one of the two pictures; choose another name for the output.")
    if settings.features in imagenet.NAMES:
        imagenet.require(settings.features)
    content, styles = pictures.read(options.content), [pictures.read(options.style).pixels]

    with _Bar(output) as bar:
        with stopping_on_interrupt(bar.close):
            stylize_fully = nst_core.stylize_fully  # torch is imported here
        with finishing_on_interrupt(bar.say_finishing) as asked:

            def report(progress: Progress) -> Stop | None:
                bar.show(progress)
                return Stop.FINISH if asked.is_set() else None

            # the style is only there: a large one is not needed as large for long
            result = stylize_fully(content.pixels, styles.pop(), settings, report)
            if bar.spares:
                bar.close()
                print(f"Stopped before the painting began; {output} is left as it was.")
                return EXIT_INTERRUPTED
            pictures.write(output, dataclasses.replace(content, pixels=result.picture))
            interrupted = asked.is_set()
    for note in filter(None, (result.note, _fewer_bits(content, output), _no_alpha(content, output))):
        print(note, file=sys.stderr)
    count = f"{result.evaluations} evaluation{'' if result.evaluations == 1 else 's'}"
    used = f"{result.features} features, {result.device}, {count}, {result.seconds:.1f} s"
    if interrupted:
        what = "the best so far" if result.evaluations else "a first sketch, as the painting had not begun"
        print(f"Stopped: {output} is {what} ({used}).")
        return EXIT_INTERRUPTED
    print(f"Written: {output} ({used}).")
    return EXIT_DONE


def _default_output(content: Path) -> Path:
    if not content.name:  # "." and "/", which no name can be made from
        raise pictures.PictureError(pictures.folder_given(content))
    suffix = content.suffix if content.suffix.lower() in pictures.SUFFIXES else ".png"
    return content.with_name(f"{content.stem}-styled{suffix}")


def _fewer_bits(content: pictures.Picture, output: Path) -> str:
    """A sentence where the content's samples were floats, which no file that is written here can hold; else none."""
    if not content.floating:
        return ""
    bits = pictures.bits_of(output, content)
    return f"The content has floating-point samples; {output} has {bits} bits of them, from black to white."


def _no_alpha(content: pictures.Picture, output: Path) -> str:
    """A sentence where the content has transparent parts, and the file none; else none."""
    if pictures.keeps_alpha(output) or content.pixels.shape[2] in (1, 3) or content.pixels[..., -1].min() == 1:
        return ""
    return f"What is transparent in the content is white in {output}: no JPEG has transparency; a PNG or TIFF keeps it."


class _Bar:
    """The run's bar on a terminal; where there is none, a line for each stage.

    Attributes:
        spares: whether the run was told to stop when nothing was painted yet, so that a file that is there is left.
    """

    def __init__(self, output: Path):
        from tqdm import tqdm

        self._bar = tqdm(total=1.0, desc="Starting", bar_format=_BAR, leave=False, **_terminal())
        self._at, self._output, self._painting, self.spares = None, output, False, False

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        self._bar.close()

    def show(self, p: Progress) -> None:
        if self.spares:
            return  # the painting that it was in time to stop would be told of
        height, width = p.size
        at, step = p.stage.capitalize(), ""
        self._painting = self._painting or p.step > 0
        if p.step and p.stage == "painting":  # else there is no scale to tell of
            at = f"{at}, scale {p.scale}/{p.scales} ({width}×{height})"
            step = f"step {p.step}/{p.steps}"
        if self._bar.disable and at != self._at:
            print(at, file=sys.stderr, flush=True)
        self._at = at
        loss = "" if p.loss is None else f"loss {p.loss:.4g}"
        left = "" if p.seconds_left is None else f"{_clock(p.seconds_left)} left"
        self._bar.set_description_str(at, refresh=False)
        self._bar.set_postfix_str(", ".join(filter(None, (step, loss, left))), refresh=False)
        self._bar.update(max(0.0, p.fraction - self._bar.n))

    def say_finishing(self) -> None:
        self.spares = not self._painting and self._output.exists()
        what = f"leaving {self._output} as it is" if self.spares else "writing the best so far"
        self._bar.write(f"Finishing this step, then {what}; Ctrl-C again stops at once.", file=sys.stderr)


def _terminal() -> dict[str, Any]:
    """tqdm's options for the terminal; by itself it shows nothing in one that does not know its size."""
    size = shutil.get_terminal_size()
    return {"disable": None, "ncols": size.columns, "nrows": size.lines, "miniters": 0}


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _fetch(name: str) -> int:
    from tqdm import tqdm

    with tqdm(unit="B", unit_scale=True, unit_divisor=1000, desc=f"Fetching {name}", **_terminal()) as bar:

        def on_bytes(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        kept = imagenet.fetch(name, on_bytes)
    print(f"The {name} weights are in {kept}; features=auto takes them from now on.")
    return EXIT_DONE
