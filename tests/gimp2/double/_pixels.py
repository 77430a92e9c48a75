# -*- coding: utf-8 -*-
"""The double of pygimp's pixel regions (pygimp-tile.c of GIMP 2.10.34). Python 2.7.

What is written reaches the drawable when it is flushed; before, GIMP may or may not have it.
"""

import _wire
import gimp

_written = {}


def flush(drawable):
    for request in _written.pop(drawable, []):
        _wire.ask("put", drawable=drawable, **request)


class PixelRgn(object):
    __slots__ = ("_drawable", "x", "y", "w", "h", "_flags", "bpp")

    def __init__(self, *args):
        raise TypeError("cannot create 'gimp.PixelRgn' instances")

    @classmethod
    def _of(cls, drawable, x, y, width, height, dirty, shadow):
        # pygimp_pixel_rgn_new cuts the region to the drawable
        across, down = drawable.width, drawable.height
        x, y = max(x, 0), max(y, 0)
        width, height = width if width >= 0 else across - x, height if height >= 0 else down - y
        x, y = min(x, across - 1), min(y, down - 1)
        region = object.__new__(cls)
        region._drawable, region._flags, region.bpp = drawable, (dirty, shadow), drawable.bpp
        region.x, region.y = x, y
        region.w, region.h = min(width, across - x), min(height, down - y)
        return region

    dirty, shadow = property(lambda self: self._flags[0]), property(lambda self: self._flags[1])

    def __len__(self):
        raise gimp.error("Can't get size of pixel region")

    def __getitem__(self, key):
        return _wire.ask("pixels", drawable=self._drawable.ID, box=self._box(key), shadow=self.shadow)

    def __setitem__(self, key, data):
        if not isinstance(data, str):
            raise TypeError("must assign string to subscript")
        box = self._box(key)
        if len(data) != box[2] * box[3] * self.bpp:
            raise TypeError("string is wrong length")
        if not self.dirty:
            raise SystemError("a region that is not dirty is never written back")
        _written.setdefault(self._drawable.ID, []).append({"box": box, "data": data, "shadow": self.shadow})

    def _box(self, key):
        if not isinstance(key, tuple) or len(key) != 2:
            raise TypeError("subscript must be a 2-tuple")
        left, width = _span("x", key[0], self.x, self.w)
        top, height = _span("y", key[1], self.y, self.h)
        return [left, top, width, height]


def _span(name, key, start, length):
    """First and count of one of the two subscripts; they count from the drawable's edge, not the region's."""
    if isinstance(key, slice):
        # PySlice_GetIndices takes no end beyond the region
        first, last, step = key.start or 0, start + length if key.stop is None else key.stop, key.step or 1
        first = first + start + length if first < 0 else first
        last = last + start + length if last < 0 else last
        if last > start + length or first >= start + length or first >= last or step != 1:
            raise IndexError("invalid %s slice" % name)
        first = first or start
        if first < start or last < start:
            raise IndexError("%s subscript out of range" % name)
        return first, last - first
    if not isinstance(key, int):
        raise TypeError("invalid %s subscript" % name)
    if not start <= key < start + length:
        raise IndexError("%s subscript out of range" % name)
    return key, 1
