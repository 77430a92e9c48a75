"""The procedure database of the double: what GIMP 2.10 has, as far as tests and plug-in go; nothing else is found.

Every procedure names its arguments' types, and an argument is refused where GIMP 2.10.34 refuses it (app/pdb/*-cmds.c,
app/pdb/gimppdb-utils.c). Items and images travel as IDs, -1 is none; strings are bytes.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image as Files
from PIL import ImageOps, ImageSequence

from tests.gimp2.app import core
from tests.gimp2.app.core import Channel, Drawable, Gimp, Group, Image, Item, Layer, LayerMask

INT32, FLOAT, STRING, INT8ARRAY, COLOR, ITEM, DISPLAY, IMAGE, LAYER, CHANNEL, DRAWABLE, PARASITE = (
    0, 3, 4, 7, 10, 11, 12, 13, 14, 15, 16, 20,
)  # fmt: skip
# fmt: off
_KINDS = {
    "item": (ITEM, Item), "drawable": (DRAWABLE, Drawable), "layer": (LAYER, Layer), "channel": (CHANNEL, Channel),
}
_PLAIN = {
    "int": INT32, "bool": INT32, "enum": INT32, "float": FLOAT, "text": STRING, "bytes": STRING, "text?": STRING,
    "data": INT8ARRAY, "color": COLOR, "image": IMAGE, "parasite": PARASITE, "mask": CHANNEL, "display": DISPLAY,
}
# fmt: on


class Refused(Exception):
    """The procedure can't be carried out: GIMP's message, and whether it blames the call."""

    def __init__(self, message: str = "", calling: bool = True):
        super().__init__(message)
        self.message, self.calling = message, calling


@dataclass(frozen=True)
class Argument:
    """``type`` has its range with it: "int 1 9", "enum 0 3"; "layer?" may be none, "item*" may be gone."""

    name: str
    type: str

    @property
    def pdb_type(self) -> int:
        plain = self.type.split()[0]
        kind = _KINDS.get(plain.rstrip("?*"))
        return kind[0] if kind else _PLAIN[plain.rstrip("*")]


@dataclass(frozen=True)
class Procedure:
    name: str
    arguments: tuple[Argument, ...]
    function: Callable

    def __call__(self, gimp: Gimp, values: list) -> list:
        """The procedure's return values, each (type, value) with a kind of item, ``"image"`` or ``""`` as the type."""
        if len(values) != len(self.arguments):
            raise Refused(f"Procedure '{self.name}' has been called with {len(values)} arguments")
        checked = [self.check(gimp, argument, value) for argument, value in zip(self.arguments, values, strict=True)]
        returned = self.function(gimp, *checked)
        return list(returned) if isinstance(returned, tuple) else [] if returned is None else [returned]

    def check(self, gimp: Gimp, argument: Argument, value):
        """``value`` as the function wants it: the item or image of an ID, text of bytes."""
        plain, *limits = argument.type.split()
        if plain.endswith("*"):
            return value  # an ID, whether or not there still is such a thing
        if plain.rstrip("?") in _KINDS:
            found = gimp.items.get(value)
            if isinstance(found, _KINDS[plain.rstrip("?")][1]) or (value == -1 and plain.endswith("?")):
                return found
        elif plain == "mask":
            if isinstance(gimp.items.get(value), LayerMask):
                return gimp.items[value]
        elif plain == "image":
            if value in gimp.images:
                return gimp.images[value]
        elif plain in ("text", "text?"):
            try:
                if value is not None or plain == "text?":
                    return value if value is None else value.decode("utf-8")
            except UnicodeDecodeError:
                pass
        elif plain == "bytes":
            if value is not None:
                return value
        elif not limits or float(limits[0]) <= value <= float(limits[1]):
            return value
        raise Refused(
            f"Procedure '{self.name}' has been called with value '{value}' for argument '{argument.name}' "
            f"(#{self.arguments.index(argument) + 1}, type {plain}). This value is out of range."
        )


TABLE: dict[str, Procedure] = {}


def procedure(**arguments: str):
    """Puts a function into the table under its name with ``gimp-`` before it; ``arguments`` are names and types."""

    def add(function):
        name = "gimp-" + function.__name__.strip("_").replace("_", "-")
        expected = list(inspect.signature(function).parameters)[1:]
        assert len(expected) == len(arguments), name
        row = tuple(Argument(key.strip("_").replace("_", "-"), type_) for key, type_ in arguments.items())
        TABLE[name] = Procedure(name, row, function)
        return function

    return add


# --------------------------------------------------------------------------------------------------- what GIMP refuses


def attached(item: Item, image: Image | None = None) -> None:
    if not is_attached(item):
        raise Refused(f"Item '{item.name}' ({item.id}) cannot be used because it has not been added to an image")
    if image is not None and item.image is not image:
        raise Refused(f"Item '{item.name}' ({item.id}) cannot be used because it is attached to another image")


def is_attached(item: Item) -> bool:
    if isinstance(item, LayerMask):
        return item.layer is not None and item.layer.attached
    return item.attached or item is item.image.selection


def floating(item: Item, image: Image) -> None:
    if item.attached or (isinstance(item, LayerMask) and item.layer is not None):
        raise Refused(f"Item '{item.name}' ({item.id}) has already been added to an image")
    if item.image is not image:
        raise Refused(f"Trying to add item '{item.name}' ({item.id}) to wrong image")


def modifiable(item: Item) -> None:
    if item.is_locked():
        raise Refused(f"Item '{item.name}' ({item.id}) cannot be modified because its contents are locked")


def not_group(item: Item) -> None:
    if isinstance(item, Group):
        raise Refused(f"Item '{item.name}' ({item.id}) cannot be modified because it is a group item")


def changing(item: Item, name: str) -> None:
    if is_attached(item):
        item.image.changing(name)


# ------------------------------------------------------------------------------------------------------------- images


@procedure(width="int 1 524288", height="int 1 524288", type="enum 0 2")
def image_new(gimp, width, height, type_):
    return Image(gimp, width, height, type_)


@procedure(width="int 1 524288", height="int 1 524288", type="enum 0 2", precision="int")
def image_new_with_precision(gimp, width, height, type_, precision):
    if precision not in core.SAMPLES:
        raise Refused(f"the double has no images of precision {precision}")
    return Image(gimp, width, height, type_, precision)


@procedure(image="image*")
def image_is_valid(gimp, image):
    return image in gimp.images


@procedure(image="image")
def image_delete(gimp, image):
    del gimp.images[image.id]
    for item in [item for item in gimp.items.values() if item.image is image]:
        del gimp.items[item.id]


def returned(value) -> tuple:
    """What a function gave as return values; a function of several gives a tuple itself."""
    return value if isinstance(value, tuple) else (value,)


def _image_reader(name: str, read: Callable) -> None:
    TABLE[f"gimp-image-{name}"] = Procedure(
        f"gimp-image-{name}", (Argument("image", "image"),), lambda gimp, image: returned(read(image))
    )


for _name, _read in {
    "width": lambda image: image.width,
    "height": lambda image: image.height,
    "base-type": lambda image: image.base,
    "get-precision": lambda image: image.precision,
    "get-filename": lambda image: image.filename and image.filename.encode("utf-8"),
    "get-name": lambda image: os.path.basename(image.filename or "[Untitled]").encode("utf-8"),
    "get-layers": lambda image: (list(image.layers),),
    "get-channels": lambda image: (list(image.channels),),
    "get-selection": lambda image: image.selection,
    "get-active-layer": lambda image: image.active if isinstance(image.active, Layer) else -1,
    "get-active-drawable": lambda image: image.active or -1,
    "get-floating-sel": lambda image: -1,
}.items():
    _image_reader(_name, _read)


@procedure(image="image")
def image_convert_rgb(gimp, image):
    if image.base == core.RGB:
        raise Refused(f"Image '{image.id}' must not be of type 'rgb'")
    if image.base != core.INDEXED:
        raise Refused("the double converts indexed images only", calling=False)
    image.changing("Convert Image to RGB")
    for layer in image.layers:
        layer.pixels = np.concatenate([image.colormap[layer.pixels[..., 0]], layer.pixels[..., 1:]], 2)
        layer.base = core.RGB
    image.base = core.RGB


@procedure(image="image", active_layer="layer")
def image_set_active_layer(gimp, image, layer):
    attached(layer, image)
    image.active = layer


@procedure(image="image", filename="bytes")
def image_set_filename(gimp, image, filename):
    image.filename = filename.decode("utf-8")


@procedure(image="image", layer="layer", parent="layer?", position="int")
def image_insert_layer(gimp, image, layer, parent, position):
    floating(layer, image)
    if layer.base != image.base:
        raise Refused(f"Image '{image.id}' is of another type than the layer '{layer.name}'")
    if parent is not None:
        attached(parent, image)
        if not isinstance(parent, Group):
            raise Refused(f"Item '{parent.name}' ({parent.id}) cannot be used because it is not a group item")
    image.changing("Add Layer")
    above = image.active if isinstance(image.active, Layer) else None
    if position < 0 and parent is None and above is not None:
        parent = above.parent
    siblings = parent.children if parent else image.layers
    if position < 0:
        position = siblings.index(above) if above in siblings else 0
    taken = {item.name for item in image.all_items()}
    name, number = layer.name, 1
    while layer.name in taken:  # gimp_item_tree_uniquefy_name
        layer.name, number = f"{name} #{number}", number + 1
    siblings = [*siblings[:position], layer, *siblings[position:]]
    if parent:
        parent.children = siblings
    else:
        image.layers = siblings
    layer.parent, layer.attached, image.active = parent, True, layer


@procedure(image="image", layer="layer")
def image_remove_layer(gimp, image, layer):
    attached(layer, image)
    image.changing("Remove Layer")
    if layer.parent:
        layer.parent.children = [child for child in layer.parent.children if child is not layer]
    else:
        image.layers = [other for other in image.layers if other is not layer]
    layer.attached = False
    if image.active is layer:
        image.active = image.layers[0] if image.layers else None


@procedure(image="image", item="item")
def image_get_item_position(gimp, image, item):
    attached(item, image)
    return (item.parent.children if item.parent else image.layers).index(item)


@procedure(image="image")
def image_undo_group_start(gimp, image):
    image.group_start()


@procedure(image="image")
def image_undo_group_end(gimp, image):
    if not image.group_end():
        raise Refused(calling=False)


@procedure(image="image")
def image_flatten(gimp, image):
    """Only where the topmost layer hides all the others: what is mixed is GIMP's own affair."""
    top = image.layers[0]
    box = (top.x, top.y, top.width, top.height, top.opacity, top.mode, top.mask, top.visible)
    if box != (0, 0, image.width, image.height, 100.0, core.NORMAL, None, True) or isinstance(top, Group):
        raise Refused("the double flattens nothing that has to be mixed", calling=False)
    if top.alpha and (core.to_unit(top.pixels[..., -1]) < 1).any():
        raise Refused("the double flattens nothing that can be seen through", calling=False)
    image.changing("Flatten Image")
    flat = Layer(image, top.name, top.width, top.height, image.base * 2)
    flat.pixels = top.pixels[..., : top.pixels.shape[2] - top.alpha]
    flat.attached, image.layers, image.active = True, [flat], flat
    return flat


@procedure(image="image", merge_type="enum 0 3")
def image_merge_visible_layers(gimp, image, merge_type):
    """Only where one plain layer can be seen, which is clipped to the image; GIMP gives it an alpha channel."""
    if merge_type != 1:
        raise Refused("the double merges by clipping to the image only", calling=False)
    seen = [layer for layer in image.layers if layer.visible]
    if not seen:
        return image.active
    if len(seen) > 1 or isinstance(seen[0], Group) or (seen[0].opacity, seen[0].mode, seen[0].mask) != PLAIN:
        raise Refused("the double merges nothing that has to be mixed", calling=False)
    (layer,) = seen
    left, top = max(0, layer.x), max(0, layer.y)
    right, bottom = min(image.width, layer.x + layer.width), min(image.height, layer.y + layer.height)
    if right <= left or bottom <= top:
        raise Refused(calling=False)
    image.changing("Merge Visible Layers")
    merged = Layer(image, layer.name, right - left, bottom - top, image.base * 2 + layer.alpha)
    merged.pixels = layer.pixels[top - layer.y : bottom - layer.y, left - layer.x : right - layer.x]
    merged.x, merged.y = left, top
    merged.add_alpha()
    image.layers = [merged if other is layer else other for other in image.layers]
    layer.attached, merged.attached, image.active = False, True, merged
    return merged


PLAIN = 100.0, core.NORMAL, None  # opacity, mode and mask of a layer that is seen as it is


@procedure(layer="layer")
def layer_resize_to_image_size(gimp, layer):
    attached(layer, layer.image)
    image = layer.image
    image.changing("Layer to Image Size")
    whole = np.zeros((image.height, image.width, layer.pixels.shape[2]), layer.pixels.dtype)
    left, top = max(0, layer.x), max(0, layer.y)
    right, bottom = min(image.width, layer.x + layer.width), min(image.height, layer.y + layer.height)
    whole[top:bottom, left:right] = layer.pixels[top - layer.y : bottom - layer.y, left - layer.x : right - layer.x]
    layer.pixels, layer.width, layer.height, layer.x, layer.y = whole, image.width, image.height, 0, 0


# ---------------------------------------------------------------------------------------------------------- selection


@procedure(image="image")
def selection_bounds(gimp, image):
    found = image.selection.bounds()
    return (found is not None, *(found or (0, 0, image.width, image.height)))


@procedure(image="image")
def selection_is_empty(gimp, image):
    return image.selection.bounds() is None


@procedure(image="image")
def selection_none(gimp, image):
    image.changing("Select None")
    image.selection.pixels = np.zeros_like(image.selection.pixels)


@procedure(image="image", operation="enum 0 3", x="float", y="float", width="float", height="float")
def image_select_rectangle(gimp, image, operation, x, y, width, height):
    if operation != 2:
        raise Refused("the double replaces the selection only", calling=False)
    image.changing("Rectangle Select")
    image.selection.select_rectangle(x, y, width, height, gimp.feather_radius if gimp.feather else 0)


@procedure(feather="bool")
def context_set_feather(gimp, feather):
    gimp.feather = bool(feather)


@procedure(feather_radius_x="float 0 1000", feather_radius_y="float 0 1000")
def context_set_feather_radius(gimp, x, y):
    gimp.feather_radius = x


Gimp.feather, Gimp.feather_radius = False, 10.0


# -------------------------------------------------------------------------------------------------------------- files


@procedure(run_mode="enum 0 2", filename="bytes", raw_filename="bytes")
def file_load(gimp, run_mode, filename, raw_filename):
    """Upright where the camera was not, since there is nobody to ask; an animation's frames as layers, in colours."""
    path = os.fsdecode(filename or b"")
    try:
        with Files.open(path) as file:
            frames = [ImageOps.exif_transpose(frame.copy()) for frame in ImageSequence.Iterator(file)]
            loaded = frames[0] if len(frames) == 1 else frames[0].convert("RGB")
    except OSError as exc:
        raise Refused(f"Could not open '{path}' for reading: {exc.strerror or exc}") from exc
    mode = {"1": "L", "I": "L", "I;16": "L", "CMYK": "RGB"}.get(loaded.mode, loaded.mode)
    if mode == "P" and "transparency" in loaded.info:
        mode = "RGBA"
    pixels = np.asarray(loaded if loaded.mode == mode else loaded.convert(mode))
    type_ = {"L": 2, "LA": 3, "RGB": 0, "RGBA": 1, "P": 4}[mode]
    image = Image(gimp, loaded.width, loaded.height, type_ // 2)
    image.filename = path
    if mode == "P":
        image.colormap = np.asarray(loaded.getpalette("RGB"), np.uint8).reshape(-1, 3)
    layer = Layer(image, "Background", loaded.width, loaded.height, type_)
    layer.pixels = pixels.reshape(loaded.height, loaded.width, -1).copy()
    layer.attached, image.layers, image.active = True, [layer], layer
    for number, frame in enumerate(frames[1:], 2):
        above = Layer(image, f"Frame {number}", frame.width, frame.height, 1)
        above.pixels, above.attached = np.array(frame.convert("RGBA")), True
        image.layers = [above, *image.layers]
    return image


@procedure(run_mode="enum 0 2", image="image", drawable="drawable", filename="bytes", raw_filename="bytes")
def file_save(gimp, run_mode, image, drawable, filename, raw_filename):
    attached(drawable, image)
    pixels = drawable.as_u8()
    try:
        Files.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(os.fsdecode(filename))
    except (OSError, ValueError) as exc:
        raise Refused(f"Could not save '{os.fsdecode(filename)}': {exc}", calling=False) from exc


from tests.gimp2.app import items  # noqa: E402, F401 - the rest of the table
