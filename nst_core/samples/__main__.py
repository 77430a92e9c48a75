"""``python -m nst_core.samples``: writes the samples, or a sheet of labelled pictures, for ``install.py --demo``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PIL import Image

from nst_core.samples import painting, scene
from nst_core.samples.drawing import picture_of
from nst_core.samples.sheet import side_by_side


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m nst_core.samples", description=__doc__.replace("``", ""))
    commands = parser.add_subparsers(dest="command", required=True)
    draw = commands.add_parser("draw", help="write content.png and style.png")
    draw.add_argument("folder", type=Path)
    draw.add_argument("--width", type=int, default=512)
    draw.add_argument("--height", type=int, default=384)
    sheet = commands.add_parser("sheet", help="put pictures side by side, a label under each")
    sheet.add_argument("out", type=Path)
    sheet.add_argument("pictures", nargs="+", metavar="LABEL=FILE")
    options = parser.parse_args(arguments)
    if options.command == "draw":
        try:
            options.folder.mkdir(parents=True, exist_ok=True)
            for name, drawn in (("content", scene), ("style", painting)):
                picture_of(drawn(options.height, options.width) * 255).save(options.folder / f"{name}.png")
                print(f"Written: {options.folder / name}.png")
        except OSError as exc:
            print(f"{options.folder} can't be written to ({exc.strerror}); choose another folder.", file=sys.stderr)
            return 2
    else:
        labelled = [pair.partition("=") for pair in options.pictures]
        side_by_side([(label, Image.open(path)) for label, _, path in labelled]).save(options.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
