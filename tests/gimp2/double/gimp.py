# -*- coding: utf-8 -*-
"""The double of pygimp's module ``gimp`` (gimpmodule.c, pygimp-image.c, pygimp-item.c, pygimp-drawable.c,
pygimp-parasite.c of GIMP 2.10.34): which classes, attributes and methods there are, and what they take. Python 2.7.

What GIMP has beyond it raises AttributeError here.
"""

import sys

reload(sys)
sys.setdefaultencoding("utf-8")  # PyUnicode_SetDefaultEncoding in initgimp

import _wire  # noqa: E402
from _arguments import parse  # noqa: E402

version = (2, 10, 34)
locale_directory = "/usr/share/locale"


class error(RuntimeError):
    __module__ = "gimp"


def _values(name, *arguments):
    return _wire.call(name, *arguments)


def _value(name, *arguments):
    return _values(name, *arguments)[0]


def _try(message, name, *arguments):
    """Calls a procedure; pygimp's own error where it fails."""
    try:
        return _values(name, *arguments)
    except _wire.Failure:
        raise error(message)


def _thing(value):
    """The object for a value that travels, where it is an image or an item."""
    if isinstance(value, dict):
        return _id2image(value["image"]) if "image" in value else _made(value["item"], value["kind"])
    if isinstance(value, list):
        return [_thing(part) for part in value]
    return value


def _made(number, kind):
    classes = {"Layer": Layer, "GroupLayer": GroupLayer, "Channel": Channel}
    thing = object.__new__(classes[kind])
    thing._id = number
    return thing


def _id2image(number):
    if number < 0 or not _value("gimp-image-is-valid", number):
        return None
    image = object.__new__(Image)
    image._id = number
    return image


def _id2drawable(number):
    kind = _wire.ask("kinds", ids=[number])[0] if number >= 0 else None
    return _made(number, kind) if kind else None


def _reader(name, convert=lambda value: value):
    return property(lambda self: convert(_value(name, self._id)))


def _optional(name):
    return property(lambda self: _none(_value(name, self._id)))


def _none(value):
    return None if value == -1 else _thing(value)


def _setting(read, write, check, convert=lambda value: value):
    def set_(self, value):
        if not isinstance(value, check):
            raise TypeError("type mismatch")
        _try("could not set it on item (ID %d)" % self._id, write, self._id, value)
    return property(lambda self: convert(_value(read, self._id)), set_)


class _Numbered(object):
    __slots__ = ("_id",)
    __hash__ = None  # pygimp compares by ID, and so its objects can't be keys
    ID = property(lambda self: self._id)

    def __cmp__(self, other):
        # as img_cmp and drw_cmp have it, the larger ID is the smaller object
        return cmp(other._id, self._id) if isinstance(other, _Numbered) else cmp(id(self), id(other))


class Image(_Numbered):
    __slots__ = ()
    __module__ = "gimp"

    def __init__(self, *args, **kwargs):
        width, height, kind = parse("gimp.Image.__init__", ["i", "i", "|", "i"], ["width", "height", "type"], args, kwargs)
        made = _try("could not create image", "gimp-image-new", width, height, kind or 0)
        self._id = made[0]["image"]

    def __repr__(self):
        return "<gimp.Image '%s'>" % self.name

    width, height = _reader("gimp-image-width"), _reader("gimp-image-height")
    base_type, precision = _reader("gimp-image-base-type"), _reader("gimp-image-get-precision")
    name = _reader("gimp-image-get-name")
    layers, channels = _reader("gimp-image-get-layers", _thing), _reader("gimp-image-get-channels", _thing)
    selection = _reader("gimp-image-get-selection", _thing)
    active_drawable = _optional("gimp-image-get-active-drawable")
    floating_selection = _optional("gimp-image-get-floating-sel")

    @property
    def filename(self):
        return _value("gimp-image-get-filename", self._id)

    @filename.setter
    def filename(self, value):
        if not isinstance(value, str):
            raise TypeError("type mismatch")
        _value("gimp-image-set-filename", self._id, value)

    @property
    def active_layer(self):
        return _none(_value("gimp-image-get-active-layer", self._id))

    @active_layer.setter
    def active_layer(self, value):
        if not isinstance(value, Layer):
            raise TypeError("type mismatch")
        _try("could not set active layer", "gimp-image-set-active-layer", self._id, value._id)

    def add_layer(self, *args):
        layer, position = parse("add_layer", [Layer, "|", "i"], ["layer", "position"], args)
        self._insert(layer, -1, position)

    def insert_layer(self, *args, **kwargs):
        names = ["layer", "parent", "position"]
        layer, parent, position = parse("insert_layer", [Layer, "|", Layer, "i"], names, args, kwargs)
        self._insert(layer, parent._id if parent is not None else -1, position)

    def _insert(self, layer, parent, position):
        _try("could not insert layer (ID %d) to image (ID %d)" % (layer._id, self._id), "gimp-image-insert-layer",
             self._id, layer._id, parent, -1 if position is None else position)

    def add_channel(self, *args):
        channel, position = parse("add_channel", [Channel, "|", "i"], ["channel", "position"], args)
        _try("could not add channel", "gimp-image-insert-channel", self._id, channel._id, -1, position or 0)

    def remove_layer(self, *args):
        layer, = parse("remove_layer", [Layer], ["layer"], args)
        _try("could not remove layer", "gimp-image-remove-layer", self._id, layer._id)

    def flatten(self):
        return _thing(_try("could not flatten image", "gimp-image-flatten", self._id)[0])

    def undo_group_start(self):
        _try("could not start undo group on image (ID %d)" % self._id, "gimp-image-undo-group-start", self._id)

    def undo_group_end(self):
        _try("could not end undo group on image (ID %d)" % self._id, "gimp-image-undo-group-end", self._id)


class Item(_Numbered):
    __slots__ = ()
    __module__ = "gimp"

    def __init__(self, *args):
        raise SystemError("error return without exception set")  # item_init does just that

    @staticmethod
    def from_id(number):
        return _id2drawable(number)

    parent = _optional("gimp-item-get-parent")
    children = _reader("gimp-item-get-children", _thing)


class Drawable(Item):
    __slots__ = ()
    __module__ = "gimp"

    def __init__(self, *args):
        raise TypeError("cannot create 'gimp.Drawable' instances")

    def __repr__(self):
        return "<%s '%s'>" % (type(self).__name__, self.name)

    @property
    def name(self):
        return _value("gimp-item-get-name", self._id)

    @name.setter
    def name(self, value):
        if not isinstance(value, (str, unicode)):
            raise TypeError("type mismatch")
        try:
            _values("gimp-item-set-name", self._id, value)
        except _wire.Failure:
            pass  # drw_set_name looks at no answer

    width, height = _reader("gimp-drawable-width"), _reader("gimp-drawable-height")
    bpp, has_alpha = _reader("gimp-drawable-bpp"), _reader("gimp-drawable-has-alpha", bool)
    is_rgb, is_gray = _reader("gimp-drawable-is-rgb", bool), _reader("gimp-drawable-is-gray", bool)
    is_grey, is_indexed = is_gray, _reader("gimp-drawable-is-indexed", bool)
    is_layer_mask = _reader("gimp-item-is-layer-mask", bool)
    type, type_with_alpha = _reader("gimp-drawable-type"), _reader("gimp-drawable-type-with-alpha")
    image, tattoo = _reader("gimp-item-get-image", _thing), _reader("gimp-item-get-tattoo")
    offsets = property(lambda self: tuple(_values("gimp-drawable-offsets", self._id)))
    linked = _setting("gimp-item-get-linked", "gimp-item-set-linked", (int, bool), bool)
    visible = _setting("gimp-item-get-visible", "gimp-item-set-visible", (int, bool), bool)

    @property
    def mask_bounds(self):
        return tuple(_values("gimp-drawable-mask-bounds", self._id)[1:])

    def mask_intersect(self):
        found = _try("could not get selection bounds of drawable (ID %d)" % self._id, "gimp-drawable-mask-intersect",
                     self._id)
        if not found[0]:
            raise error("could not get selection bounds of drawable (ID %d)" % self._id)
        return tuple(found[1:])

    def get_pixel_rgn(self, *args, **kwargs):
        from _pixels import PixelRgn

        names = ["x", "y", "width", "height", "dirty", "shadow"]
        x, y, width, height, dirty, shadow = parse("get_pixel_rgn", ["i"] * 4 + ["|", "i", "i"], names, args, kwargs)
        return PixelRgn._of(self, x, y, width, height, dirty is None or bool(dirty), bool(shadow))

    def flush(self):
        from _pixels import flush

        flush(self._id)

    def merge_shadow(self, *args, **kwargs):
        undo, = parse("merge_shadow", ["|", "i"], ["undo"], args, kwargs)
        _try("could not merge the shadow buffer on drawable (ID %d)" % self._id, "gimp-drawable-merge-shadow",
             self._id, undo or 0)

    def update(self, *args):
        x, y, width, height = parse("update", ["i"] * 4, ["x", "y", "width", "height"], args)
        _try("could not update drawable", "gimp-drawable-update", self._id, x, y, width, height)

    def fill(self, *args, **kwargs):
        fill, = parse("fill", ["|", "i"], ["fill"], args, kwargs)
        _try("could not fill drawable (ID %d) with fill mode %r" % (self._id, fill), "gimp-drawable-fill",
             self._id, fill or 0)

    def parasite_find(self, *args):
        name, = parse("parasite_find", ["s"], ["name"], args)
        try:
            _, (name, flags, data) = _values("gimp-item-get-parasite", self._id, name)
        except _wire.Failure:
            return None
        return Parasite(name, flags, data)

    def parasite_attach(self, *args):
        parasite, = parse("parasite_attach", [Parasite], ["parasite"], args)
        _try("could not attach parasite", "gimp-item-attach-parasite", self._id,
             [parasite.name, parasite.flags, parasite.data])

    def attach_new_parasite(self, *args, **kwargs):
        name, flags, data = parse("attach_new_parasite", ["s", "i", "#"], ["name", "flags", "data"], args, kwargs)
        # drw_attach_new_parasite counts the string's final zero in
        _try("could not attach new parasite", "gimp-item-attach-parasite", self._id, [name, flags, data + "\0"])

    def parasite_list(self):
        return tuple(_value("gimp-item-get-parasite-list", self._id))


class Layer(Drawable):
    __slots__ = ()
    __module__ = "gimp"

    def __init__(self, *args):
        names = ["image", "name", "width", "height", "type", "opacity", "mode"]
        layout = [Image, "s", "i", "i", "|", "i", "d", "i"]
        image, name, width, height, kind, opacity, mode = parse("gimp.Layer.__init__", layout, names, args)
        made = _try("could not create %dx%d layer '%s' of type %r on image (ID %d)" % (width, height, name, kind, image._id),
                    "gimp-layer-new", image._id, width, height, kind or 0, name,
                    100.0 if opacity is None else opacity, 28 if mode is None else mode)
        self._id = made[0]["item"]

    is_floating_sel = _reader("gimp-layer-is-floating-sel", bool)
    mask = _optional("gimp-layer-get-mask")
    apply_mask = _setting("gimp-layer-get-apply-mask", "gimp-layer-set-apply-mask", (int, bool), bool)
    edit_mask = _setting("gimp-layer-get-edit-mask", "gimp-layer-set-edit-mask", (int, bool), bool)
    show_mask = _setting("gimp-layer-get-show-mask", "gimp-layer-set-show-mask", (int, bool), bool)
    lock_alpha = _setting("gimp-layer-get-lock-alpha", "gimp-layer-set-lock-alpha", (int, bool), bool)
    mode = _setting("gimp-layer-get-mode", "gimp-layer-set-mode", (int, bool))
    opacity = _setting("gimp-layer-get-opacity", "gimp-layer-set-opacity", float, float)

    def copy(self, *args, **kwargs):
        alpha, = parse("copy", ["|", "i"], ["add_alpha"], args, kwargs)
        return _thing(_try("could not copy layer", "gimp-layer-copy", self._id, alpha or 0)[0])

    def add_alpha(self):
        _try("could not add alpha to layer", "gimp-layer-add-alpha", self._id)

    def create_mask(self, *args):
        kind, = parse("create_mask", ["i"], ["type"], args)
        message = "could not create mask of type %d on layer (ID %d)" % (kind, self._id)
        return _thing(_try(message, "gimp-layer-create-mask", self._id, kind)[0])

    def add_mask(self, *args):
        mask, = parse("add_mask", [Channel], ["mask"], args)
        _try("could not add mask (ID %d) to layer (ID %d)" % (mask._id, self._id), "gimp-layer-add-mask",
             self._id, mask._id)

    def remove_mask(self, *args):
        mode, = parse("remove_mask", ["i"], ["mode"], args)
        _try("could not remove mask from layer (ID %d) with mode %d" % (self._id, mode), "gimp-layer-remove-mask",
             self._id, mode)

    def set_offsets(self, *args, **kwargs):
        x, y = parse("set_offsets", ["i", "i"], ["offset_x", "offset_y"], args, kwargs)
        _try("could not set offset %d, %d on layer (ID %d)" % (x, y, self._id), "gimp-layer-set-offsets", self._id, x, y)


class GroupLayer(Layer):
    __slots__ = ()
    __module__ = "gimp"

    def __init__(self, *args):
        layout = [Image, "|", "s", "d", "i"]
        image, name, opacity, mode = parse("gimp.Layer.__init__", layout, ["image", "name", "opacity", "mode"], args)
        self._id = _try("could not create layer group", "gimp-layer-group-new", image._id)[0]["item"]
        _value_or_none("gimp-layer-set-opacity", self._id, 100.0 if opacity is None else opacity)
        _value_or_none("gimp-layer-set-mode", self._id, 28 if mode is None else mode)
        self.name = "Layer Group" if name is None else name

    layers = Item.children


def _value_or_none(name, *arguments):
    _values(name, *arguments)


class Channel(Drawable):
    __slots__ = ()
    __module__ = "gimp"

    def __init__(self, *args):
        raise TypeError("type mismatch")  # chn_init of 2.10.34 takes no colour at all: use pdb.gimp_channel_new

    def copy(self):
        return _thing(_try("could not copy channel", "gimp-channel-copy", self._id)[0])


class Vectors(object):
    __module__ = "gimp"


class Display(object):
    __module__ = "gimp"


class Parasite(object):
    __slots__ = ("_parts",)
    __module__ = "gimp"

    def __init__(self, *args, **kwargs):
        names = ["name", "flags", "data"]
        self._parts = parse("gimp.Parasite.__init__", ["s", "i", "#"], names, args, kwargs)

    name, flags, data = (property(lambda self, i=i: self._parts[i]) for i in range(3))
    is_persistent = property(lambda self: bool(self._parts[1] & 1))
    is_undoable = property(lambda self: bool(self._parts[1] & 2))

    def __str__(self):
        return self.data


# ----------------------------------------------------------------------------------------------- the module's functions


def message(*args):
    text, = parse("message", ["s"], ["message"], args)
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return  # gimp-message refuses it, and gimp_message has no answer to look at
    _values("gimp-message", text)


def progress_init(*args):
    text, = parse("progress_init", ["|", "s"], ["message"], args)
    _values("gimp-progress-init", text)


def progress_update(*args):
    _values("gimp-progress-update", parse("progress_update", ["d"], ["percentage"], args)[0])


def delete(*args):
    thing, = args
    name = "gimp-image-delete" if isinstance(thing, Image) else "gimp-item-delete"
    _try("could not delete it", name, thing._id)


def displays_flush():
    _values("gimp-displays-flush")


def set_data(*args):
    _values("gimp-procedural-db-set-data", *parse("set_data", ["s", "#"], ["id", "data"], args))


def get_data(*args):
    name, = parse("get_data", ["s"], ["id"], args)
    return _try("no data for id", "gimp-procedural-db-get-data", name)[0]


from _start import install_procedure, main, menu_register  # noqa: E402, F401

for _class in (Image, Item, Drawable, Layer, GroupLayer, Channel, Parasite):
    _class.__name__ = "gimp." + _class.__name__  # as C's types have it

from _pdb import PDB  # noqa: E402

pdb = PDB()
