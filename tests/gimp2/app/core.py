"""What GIMP 2.10 keeps: images, layers, channels, the selection, and an undo stack. No process, no procedures.

Pixels are numpy arrays H×W×C in the image's own sample type. Colour samples are sRGB-coded, except in a linear float
image; masks and the selection hold linear values at every precision, as GIMP's do (``gimp_image_get_mask_format``).
An undoable change replaces an array and never writes into one, so that an undo step is a record of references.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

RGB, GRAY, INDEXED = 0, 1, 2
U8_GAMMA, U16_GAMMA, FLOAT_LINEAR, FLOAT_GAMMA = 150, 250, 600, 650
SAMPLES = {U8_GAMMA: np.uint8, U16_GAMMA: np.uint16, FLOAT_LINEAR: np.float32, FLOAT_GAMMA: np.float32}
NORMAL, PASS_THROUGH = 28, 61  # layer modes


def encode(linear: np.ndarray) -> np.ndarray:
    """Linear light to sRGB's curve."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-12) ** (1 / 2.4) - 0.055)


def decode(coded: np.ndarray) -> np.ndarray:
    """sRGB's curve to linear light."""
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def to_unit(samples: np.ndarray) -> np.ndarray:
    """Samples of any type as float64, 0 to 1."""
    return samples / np.iinfo(samples.dtype).max if samples.dtype.kind == "u" else samples.astype(np.float64)


def from_unit(values: np.ndarray, dtype) -> np.ndarray:
    if np.dtype(dtype).kind == "u":
        top = np.iinfo(dtype).max
        return np.floor(np.clip(values, 0, 1) * top + 0.5).astype(dtype)
    return values.astype(dtype)


class Gimp:
    """Everything that has an ID."""

    def __init__(self):
        self.image_ids, self.item_ids = itertools.count(1), itertools.count(1)
        self.images: dict[int, Image] = {}
        self.items: dict[int, Item] = {}


@dataclass
class Step:
    """One step of an image's undo stack."""

    name: str
    before: list


class Image:
    def __init__(self, gimp: Gimp, width: int, height: int, base: int = RGB, precision: int = U8_GAMMA):
        self.gimp, self.id = gimp, next(gimp.image_ids)
        self.width, self.height, self.base, self.precision = width, height, base, precision
        self.filename: str | None = None
        self.colormap = np.zeros((0, 3), np.uint8)
        self.layers: list[Layer] = []
        self.channels: list[Channel] = []
        self.active: Drawable | None = None
        self.undo_steps: list[Step] = []
        self.undo_depth = 0
        self.unrecorded: list[str] = []  # changes of the image's own pixels that no undo takes back
        gimp.images[self.id] = self
        self.selection = Selection(self, "Selection Mask", width, height)

    def all_items(self) -> list[Item]:
        """Every item that is in the image, top to bottom, masks after their layer."""
        return [item for layer in self.layers for item in layer.tree()] + self.channels

    # -------------------------------------------------------------------------------------------------------- undo

    def changing(self, name: str) -> None:
        """To be called before every undoable change."""
        if self.undo_depth == 0:
            self.undo_steps.append(Step(name, self._state()))

    def group_start(self, name: str = "Plug-in") -> None:
        self.changing(name)
        self.undo_depth += 1

    def group_end(self) -> bool:
        if self.undo_depth == 0:
            return False
        self.undo_depth -= 1
        return True

    def undo(self) -> str:
        """Edit > Undo: takes the last step back and gives its name."""
        assert self.undo_depth == 0, "an undo group is open"
        step = self.undo_steps.pop()
        present = set(self.all_items())
        for thing, state in step.before:
            thing.restore(state)
        for item in present - set(self.all_items()):
            item.attached = False
        return step.name

    def _state(self) -> list:
        return [(thing, thing.state()) for thing in (self, self.selection, *self.all_items())]

    def state(self) -> dict:
        kept = {name: getattr(self, name) for name in ("width", "height", "base", "precision", "active")}
        return kept | {"layers": list(self.layers), "channels": list(self.channels)}

    def restore(self, state: dict) -> None:
        self.__dict__.update(state)


class Item:
    kind = "Item"

    def __init__(self, image: Image, name: str, width: int, height: int):
        self.image, self.id = image, next(image.gimp.item_ids)
        self.tattoo = self.id
        self.name, self.width, self.height = name, width, height
        self.x = self.y = 0
        self.parent: Group | None = None
        self.attached = False
        self.visible, self.linked, self.lock_content, self.color_tag = True, False, False, 0
        self.parasites: dict[str, tuple[int, bytes]] = {}
        image.gimp.items[self.id] = self

    def tree(self) -> list[Item]:
        return [self]

    def state(self) -> dict:
        copy = {k: v for k, v in self.__dict__.items() if k not in ("image", "id")}
        copy["parasites"] = dict(self.parasites)
        if "children" in copy:
            copy["children"] = list(copy["children"])
        return copy

    def restore(self, state: dict) -> None:
        self.__dict__.update(state)

    def is_locked(self) -> bool:
        """Whether its content is locked, by itself or by a group that it is in."""
        return self.lock_content or (self.parent is not None and self.parent.is_locked())


class Drawable(Item):
    base, alpha = GRAY, False

    def __init__(self, image: Image, name: str, width: int, height: int, channels: int):
        super().__init__(image, name, width, height)
        self.pixels = np.zeros((height, width, channels), SAMPLES[image.precision])
        self.shadow: np.ndarray | None = None

    def linear(self) -> bool:
        return self.image.precision == FLOAT_LINEAR

    def as_u8(self, shadow: bool = False) -> np.ndarray:
        """The pixels as a plug-in gets them: 8 bits, sRGB-coded, whatever the precision."""
        pixels = self.shadow if shadow and self.shadow is not None else self.pixels
        if self.base == INDEXED or (pixels.dtype == np.uint8 and not self.linear()):
            return pixels
        values = to_unit(pixels)
        if self.linear():
            colours = values.shape[2] - self.alpha
            values = np.concatenate([encode(values[..., :colours]), values[..., colours:]], 2)
        return from_unit(values, np.uint8)

    def from_u8(self, data: np.ndarray) -> np.ndarray:
        if self.base == INDEXED or (self.pixels.dtype == np.uint8 and not self.linear()):
            return data.copy()
        values = data / 255
        if self.linear():
            colours = values.shape[2] - self.alpha
            values = np.concatenate([decode(values[..., :colours]), values[..., colours:]], 2)
        return from_unit(values, self.pixels.dtype)

    def selected(self) -> np.ndarray | None:
        """The selection over this drawable, 0 to 1; None where nothing is selected."""
        selection = self.image.selection
        if not selection.pixels.any():
            return None
        values = np.zeros((self.height, self.width, 1))
        left, top = max(0, self.x), max(0, self.y)
        right = min(self.x + self.width, self.image.width)
        bottom = min(self.y + self.height, self.image.height)
        if right > left and bottom > top:
            inside = to_unit(selection.pixels[top:bottom, left:right])
            values[top - self.y : bottom - self.y, left - self.x : right - self.x] = inside
        return values

    def mask_box(self) -> tuple[int, int, int, int] | None:
        """x, y, width and height of what of it is selected, all of it where nothing is; None where they don't meet."""
        bounds = self.image.selection.bounds()
        if bounds is None:
            return 0, 0, self.width, self.height
        left, top = max(0, bounds[0] - self.x), max(0, bounds[1] - self.y)
        right, bottom = min(self.width, bounds[2] - self.x), min(self.height, bounds[3] - self.y)
        return (left, top, right - left, bottom - top) if right > left and bottom > top else None

    def merge_shadow(self, undo: bool) -> None:
        """The shadow's pixels into its own, as far as they are selected (``gimp_drawable_merge_shadow_buffer``)."""
        if self.shadow is None:
            return
        if undo:
            self.image.changing("Plug-in")
        else:
            self.image.unrecorded.append(f"merge_shadow without undo on {self.name}")
        mask = self.selected()
        if mask is None:
            self.pixels = self.shadow.copy()
            return
        old, new = to_unit(self.pixels), to_unit(self.shadow)
        if not self.alpha:
            mixed = old + (new - old) * mask
        else:  # GIMP_LAYER_MODE_REPLACE: colours are weighted by alpha
            alpha = old[..., -1:] + (new[..., -1:] - old[..., -1:]) * mask
            ratio = np.divide(mask * new[..., -1:], alpha, out=np.zeros_like(alpha), where=alpha > 0)
            mixed = np.concatenate([old[..., :-1] + (new[..., :-1] - old[..., :-1]) * ratio, alpha], 2)
        self.pixels = from_unit(mixed, self.pixels.dtype)


class Layer(Drawable):
    kind = "Layer"

    def __init__(self, image: Image, name: str, width: int, height: int, type_: int, opacity=100.0, mode=NORMAL):
        self.base, self.alpha = type_ // 2, bool(type_ % 2)
        super().__init__(image, name, width, height, (3 if self.base == RGB else 1) + self.alpha)
        self.opacity, self.mode = opacity, mode
        self.blend_space = self.composite_space = self.composite_mode = 0
        self.lock_alpha = self.show_mask = False
        self.apply_mask = self.edit_mask = True
        self.mask: LayerMask | None = None

    def tree(self) -> list[Item]:
        return [self] + ([self.mask] if self.mask else [])

    def add_alpha(self) -> None:
        if not self.alpha:
            top = np.iinfo(self.pixels.dtype).max if self.pixels.dtype.kind == "u" else 1
            opaque = np.full((self.height, self.width, 1), top, self.pixels.dtype)
            self.pixels, self.alpha = np.concatenate([self.pixels, opaque], 2), True

    def apply_own_mask(self) -> None:
        self.add_alpha()
        alpha = to_unit(self.pixels[..., -1:]) * to_unit(self.mask.pixels)
        self.pixels = np.concatenate([self.pixels[..., :-1], from_unit(alpha, self.pixels.dtype)], 2)


class Group(Layer):
    kind = "GroupLayer"

    def __init__(self, image: Image, name: str = "Layer Group"):
        super().__init__(image, name, 1, 1, 1 if image.base == RGB else 3)
        self.mode = PASS_THROUGH
        self.children: list[Layer] = []

    def tree(self) -> list[Item]:
        return super().tree() + [item for child in self.children for item in child.tree()]


class Channel(Drawable):
    kind = "Channel"

    def __init__(self, image: Image, name: str, width: int, height: int, opacity: float = 100.0):
        super().__init__(image, name, width, height, 1)
        self.opacity = opacity

    def linear(self) -> bool:
        return True

    def bounds(self) -> tuple[int, int, int, int] | None:
        """x1, y1, x2, y2 of what is not zero."""
        rows, columns = np.nonzero(self.pixels[..., 0])
        return (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1) if len(rows) else None

    def fill(self, value: float) -> None:
        self.pixels = from_unit(np.full(self.pixels.shape, value), self.pixels.dtype)


class LayerMask(Channel):
    def __init__(self, layer: Layer):
        super().__init__(layer.image, f"{layer.name} mask", layer.width, layer.height)
        self.layer: Layer | None = None


class Selection(Channel):
    def select_rectangle(self, x: float, y: float, width: float, height: float, feather: float = 0.0) -> None:
        """Selects a rectangle of whole pixels, its edge softened by a Gaussian of ``feather`` / 3.5 pixels."""
        values = np.zeros((self.height, self.width))
        values[max(0, round(y)) : max(0, round(y + height)), max(0, round(x)) : max(0, round(x + width))] = 1
        if feather:
            reach = int(np.ceil(feather))
            kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (feather / 3.5)) ** 2)
            kernel /= kernel.sum()
            for axis in (0, 1):
                values = np.apply_along_axis(lambda line: np.convolve(line, kernel, "same"), axis, values)
        self.pixels = from_unit(values[..., None], self.pixels.dtype)
