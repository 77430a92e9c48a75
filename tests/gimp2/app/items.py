"""The procedures of items, drawables, layers and channels (see :mod:`tests.gimp2.app.procedures`)."""

from __future__ import annotations

import re

import numpy as np

from tests.gimp2.app import core
from tests.gimp2.app.core import Channel, Drawable, Group, Item, Layer, LayerMask, Selection, from_unit, to_unit
from tests.gimp2.app.procedures import (
    TABLE,
    Argument,
    Procedure,
    Refused,
    attached,
    changing,
    floating,
    modifiable,
    not_group,
    procedure,
    returned,
)  # fmt: skip


def _readers(prefix: str, argument: str, table: dict) -> None:
    for name, read in table.items():
        full = f"gimp-{prefix}-{name}"
        TABLE[full] = Procedure(
            full, (Argument(prefix, argument),), lambda gimp, thing, read=read: returned(read(thing))
        )


_readers("item", "item", {
    "get-image": lambda item: item.image,
    "get-parent": lambda item: item.parent or -1,
    "get-children": lambda item: (list(getattr(item, "children", ())),),
    "get-name": lambda item: item.name.encode("utf-8"),
    "get-visible": lambda item: item.visible,
    "get-linked": lambda item: item.linked,
    "get-lock-content": lambda item: item.lock_content,
    "get-color-tag": lambda item: item.color_tag,
    "get-tattoo": lambda item: item.tattoo,
    "get-parasite-list": lambda item: ([name.encode() for name in item.parasites],),
    "is-group": lambda item: isinstance(item, Group),
    "is-layer": lambda item: isinstance(item, Layer),
    "is-channel": lambda item: isinstance(item, Channel),
    "is-layer-mask": lambda item: isinstance(item, LayerMask),
    "is-drawable": lambda item: isinstance(item, Drawable),
})  # fmt: skip
_readers("drawable", "drawable", {
    "width": lambda drawable: drawable.width,
    "height": lambda drawable: drawable.height,
    "bpp": lambda drawable: drawable.as_u8().shape[2],
    "has-alpha": lambda drawable: drawable.alpha,
    "is-rgb": lambda drawable: drawable.base == core.RGB,
    "is-gray": lambda drawable: drawable.base == core.GRAY,
    "is-indexed": lambda drawable: drawable.base == core.INDEXED,
    "type": lambda drawable: drawable.base * 2 + drawable.alpha,
    "type-with-alpha": lambda drawable: drawable.base * 2 + 1,
    "offsets": lambda drawable: (drawable.x, drawable.y),
})  # fmt: skip
_readers("layer", "layer", {
    "get-opacity": lambda layer: float(layer.opacity),
    "get-mode": lambda layer: layer.mode,
    "get-blend-space": lambda layer: layer.blend_space,
    "get-composite-space": lambda layer: layer.composite_space,
    "get-composite-mode": lambda layer: layer.composite_mode,
    "get-lock-alpha": lambda layer: layer.lock_alpha,
    "get-apply-mask": lambda layer: layer.apply_mask,
    "get-edit-mask": lambda layer: layer.edit_mask,
    "get-show-mask": lambda layer: layer.show_mask,
    "get-mask": lambda layer: layer.mask or -1,
    "is-floating-sel": lambda layer: False,
})  # fmt: skip


def _writers(prefix: str, table: dict[str, str]) -> None:
    for name, type_ in table.items():
        full, attribute = f"gimp-{prefix}-set-{name}", name.replace("-", "_")

        def write(gimp, item, value, attribute=attribute, boolean=type_ == "bool"):
            changing(item, f"Set {attribute}")
            setattr(item, attribute, bool(value) if boolean else value)

        TABLE[full] = Procedure(full, (Argument(prefix, prefix), Argument(name, type_)), write)


_writers("item", {"visible": "bool", "linked": "bool", "lock-content": "bool", "color-tag": "enum 0 8"})
_writers("layer", {
    "opacity": "float 0 100", "mode": "enum 0 62", "blend-space": "enum 0 3", "composite-space": "enum 0 3",
    "composite-mode": "enum 0 4", "lock-alpha": "bool", "apply-mask": "bool", "edit-mask": "bool", "show-mask": "bool",
})  # fmt: skip


# -------------------------------------------------------------------------------------------------------------- items


@procedure(item="item*")
def item_is_valid(gimp, item):
    return item in gimp.items


@procedure(item="item", name="text")
def item_set_name(gimp, item, name):
    taken = {other.name for other in item.image.all_items() if other is not item} if item.attached else set()
    changing(item, "Rename")
    item.name, number = name, 1
    while item.name in taken:
        item.name, number = f"{name} #{number}", number + 1


@procedure(item="item")
def item_delete(gimp, item):
    if item.attached:
        raise Refused(f"the item {item.name} is still in its image", calling=False)
    del gimp.items[item.id]


@procedure(item="item", parasite="parasite")
def item_attach_parasite(gimp, item, parasite):
    name, flags, data = parasite
    changing(item, "Attach Parasite")
    item.parasites[name.decode("utf-8")] = (flags, data)


@procedure(item="item", name="text")
def item_get_parasite(gimp, item, name):
    if name not in item.parasites:
        raise Refused(calling=False)
    flags, data = item.parasites[name]
    return ("parasite", [name.encode("utf-8"), flags, data])


# ---------------------------------------------------------------------------------------------------------- drawables


@procedure(drawable="drawable")
def drawable_mask_bounds(gimp, drawable):
    attached(drawable)
    bounds = drawable.image.selection.bounds()
    if bounds is None:
        return False, 0, 0, drawable.width, drawable.height
    x = [min(max(side - drawable.x, 0), drawable.width) for side in bounds[::2]]
    y = [min(max(side - drawable.y, 0), drawable.height) for side in bounds[1::2]]
    return True, x[0], y[0], x[1], y[1]


@procedure(drawable="drawable")
def drawable_mask_intersect(gimp, drawable):
    attached(drawable)
    box = drawable.mask_box()
    return (box is not None, *(box or (0, 0, 0, 0)))


@procedure(drawable="drawable", undo="bool")
def drawable_merge_shadow(gimp, drawable, undo):
    attached(drawable)
    modifiable(drawable)
    not_group(drawable)
    drawable.merge_shadow(bool(undo))


@procedure(drawable="drawable", x="int", y="int", width="int", height="int")
def drawable_update(gimp, drawable, x, y, width, height):
    return None


@procedure(drawable="drawable", fill_type="enum 0 5")
def drawable_fill(gimp, drawable, fill_type):
    modifiable(drawable)
    not_group(drawable)
    changing(drawable, "Fill")
    values = np.ones(drawable.pixels.shape) * {2: 1.0, 1: 1.0}.get(fill_type, 0.0)  # white, and GIMP's first background
    if drawable.alpha and fill_type != 3:
        values[..., -1] = 1
    drawable.pixels = from_unit(values, drawable.pixels.dtype)


# ------------------------------------------------------------------------------------------------------------- layers


@procedure(image="image", width="int 1 524288", height="int 1 524288", type="enum 0 5", name="text",
           opacity="float 0 100", mode="enum 0 62")  # fmt: skip
def layer_new(gimp, image, width, height, type_, name, opacity, mode):
    return Layer(image, name, width, height, type_, opacity, mode)


@procedure(image="image")
def layer_group_new(gimp, image):
    return Group(image)


@procedure(drawable="drawable", dest_image="image")
def layer_new_from_drawable(gimp, drawable, image):
    pixels = drawable.as_u8()
    if drawable.base == core.INDEXED:
        colours = drawable.image.colormap[pixels[..., 0]]
        pixels = np.concatenate([colours, pixels[..., 1:]], 2)
    elif drawable.base == core.GRAY and image.base == core.RGB:
        pixels = np.concatenate([np.repeat(pixels[..., :1], 3, 2), pixels[..., 1:]], 2)
    elif drawable.base != image.base:
        raise Refused("the double makes no grey or indexed layer of a coloured one", calling=False)
    layer = Layer(image, copy_name(drawable), drawable.width, drawable.height, image.base * 2 + drawable.alpha)
    layer.pixels, layer.x, layer.y = layer.from_u8(pixels), drawable.x, drawable.y
    return layer


@procedure(image="image", dest_image="image", name="text")
def layer_new_from_visible(gimp, image, dest_image, name):
    """Only what loaded files have: a layer of the image's size that hides all others, which GIMP gives an alpha
    channel."""
    top = image.layers[0]
    if (top.width, top.height) != (image.width, image.height):
        raise Refused("the double composes layers of the image's size only", calling=False)
    if len(image.layers) > 1 and top.alpha and top.pixels[..., -1].min() < 255:
        raise Refused("the double composes nothing that can be seen through", calling=False)
    layer = layer_new_from_drawable(gimp, image.layers[0], dest_image) if image.base != core.INDEXED else None
    if layer is None:  # the projection of an indexed image has the colours that are seen
        source = image.layers[0]
        layer = Layer(dest_image, name, image.width, image.height, dest_image.base * 2)
        layer.pixels = source.pixels[..., :1].copy()
    layer.name = name
    layer.add_alpha()
    return layer


@procedure(layer="layer")
def layer_add_alpha(gimp, layer):
    changing(layer, "Add Alpha Channel")
    layer.add_alpha()


@procedure(layer="layer", offx="int", offy="int")
def layer_set_offsets(gimp, layer, x, y):
    changing(layer, "Move Layer")
    layer.x, layer.y = x, y
    if layer.mask:
        layer.mask.x, layer.mask.y = x, y


def copy_name(item: Item) -> str:
    keeps = item.name.endswith("copy") or re.search(r"#([0-9]+)\s*$", item.name)
    return item.name if keeps else f"{item.name} copy"


@procedure(layer="layer", add_alpha="bool")
def layer_copy(gimp, layer, add_alpha):
    if isinstance(layer, Group):
        raise Refused("the double copies no groups", calling=False)
    copy = Layer(layer.image, copy_name(layer), layer.width, layer.height, layer.base * 2 + layer.alpha)
    identity = ("id", "tattoo", "name", "parent", "attached", "mask")
    copy.__dict__.update({k: v for k, v in layer.__dict__.items() if k not in identity})
    copy.parasites = dict(layer.parasites)
    if layer.mask:
        copy.mask = LayerMask(copy)
        copy.mask.pixels, copy.mask.layer = layer.mask.pixels, copy
    if add_alpha:
        copy.add_alpha()
    return copy


@procedure(layer="layer", mask_type="enum 0 6")
def layer_create_mask(gimp, layer, mask_type):
    mask = LayerMask(layer)
    if mask_type in (0, 1):
        mask.fill(1.0 - mask_type)
    elif mask_type == 2 and layer.alpha:
        mask.pixels = layer.pixels[..., -1:]
    elif mask_type == 4:
        selected = layer.selected()
        mask.fill(0.0)
        if selected is not None:
            mask.pixels = from_unit(selected, mask.pixels.dtype)
    elif mask_type not in (2, 4):
        raise Refused(f"the double makes no masks of type {mask_type}", calling=False)
    return mask


@procedure(layer="layer", mask="mask")
def layer_add_mask(gimp, layer, mask):
    floating(mask, layer.image)
    if layer.mask:
        raise Refused("Unable to add a layer mask since the layer already has one.", calling=False)
    if (mask.width, mask.height) != (layer.width, layer.height):
        raise Refused("Cannot add layer mask of different dimensions than specified layer.", calling=False)
    changing(layer, "Add Layer Mask")
    layer.mask, mask.layer = mask, layer
    mask.x, mask.y = layer.x, layer.y
    layer.apply_mask, layer.edit_mask, layer.show_mask = True, True, False


@procedure(layer="layer", mode="enum 0 1")
def layer_remove_mask(gimp, layer, mode):
    attached(layer)
    if mode == 0:
        modifiable(layer)
        not_group(layer)
    if not layer.mask:
        raise Refused(calling=False)
    changing(layer, "Apply Layer Mask" if mode == 0 else "Delete Layer Mask")
    if mode == 0:
        layer.apply_own_mask()
    layer.mask.layer, layer.mask = None, None


# ----------------------------------------------------------------------------------------------------------- channels


@procedure(
    image="image", width="int 1 524288", height="int 1 524288", name="text", opacity="float 0 100", color="color"
)
def channel_new(gimp, image, width, height, name, opacity, color):
    return Channel(image, name, width, height, opacity)


@procedure(image="image", channel="channel", parent="channel?", position="int")
def image_insert_channel(gimp, image, channel, parent, position):
    floating(channel, image)
    image.changing("Add Channel")
    image.channels = [channel, *image.channels]
    channel.attached, image.active = True, channel


@procedure(channel="channel")
def channel_copy(gimp, channel):
    if isinstance(channel, Selection):
        raise Refused("a copy of the selection has other values than it", calling=False)
    copy = Channel(channel.image, f"{channel.name} copy", channel.width, channel.height)
    copy.pixels = channel.pixels
    return copy


@procedure(channel1="channel", channel2="channel", operation="enum 0 3", offx="int", offy="int")
def channel_combine_masks(gimp, one, two, operation, offx, offy):
    changing(one, "Combine Masks")
    other = np.zeros(one.pixels.shape)
    left, top = max(0, offx), max(0, offy)
    right, bottom = min(one.width, two.width + offx), min(one.height, two.height + offy)
    if right > left and bottom > top:
        other[top:bottom, left:right] = to_unit(two.pixels[top - offy : bottom - offy, left - offx : right - offx])
    mine = to_unit(one.pixels)
    mixed = [np.minimum(mine + other, 1), np.maximum(mine - other, 0), other, np.minimum(mine, other)][operation]
    one.pixels = from_unit(mixed, one.pixels.dtype)
