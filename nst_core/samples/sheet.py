"""Several pictures side by side with a label under each, as one picture to look at."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

PAPER, INK = (250, 249, 246), (52, 50, 48)


def side_by_side(labelled: Sequence[tuple[str, Image.Image]], height: int = 384) -> Image.Image:
    """The pictures in a row on light paper, each ``height`` pixels high, with its label below in the middle."""
    panels = [(label, _panel(picture, height)) for label, picture in labelled]
    gap, line = max(8, height // 20), max(8, height // 21)
    strip = round((1.3 + max(label.count("\n") + 1 for label, _ in labelled)) * line)
    width = sum(panel.width for _, panel in panels) + gap * (len(panels) + 1)
    sheet = Image.new("RGB", (width, height + gap + strip), PAPER)
    draw, font, left = ImageDraw.Draw(sheet), ImageFont.load_default(line), gap
    for label, panel in panels:
        sheet.paste(panel, (left, gap))
        draw.text((left + panel.width / 2, gap + height + strip / 2), label, INK, font, anchor="mm", align="center")
        left += panel.width + gap
    return sheet


def _panel(picture: Image.Image, height: int) -> Image.Image:
    if picture.has_transparency_data:
        paper = Image.new("RGBA", picture.size, (*PAPER, 255))
        picture = Image.alpha_composite(paper, picture.convert("RGBA"))
    width = max(1, round(picture.width * height / picture.height))
    return picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
