# -*- coding: utf-8 -*-
"""The double of pygimp's ``pdb`` (pygimp-pdb.c of GIMP 2.10.34): what becomes of arguments and answers. Python 2.7."""

import _wire

INT32, INT16, INT8, FLOAT, STRING, COLOR, ITEM, DISPLAY, IMAGE, LAYER, CHANNEL, DRAWABLE = (
    0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 15, 16)


def from_wire(kind, value):
    """A value that GIMP sends as the object of its PDB type (pygimp_param_to_tuple)."""
    import gimp

    if kind == IMAGE:
        return gimp._id2image(value)
    if kind in (ITEM, LAYER, CHANNEL, DRAWABLE):
        return gimp._id2drawable(value)
    return float(value) if kind == FLOAT else value


def _to_wire(kind, value):
    """An argument as its PDB type (pygimp_param_from_tuple)."""
    import gimp

    classes = {IMAGE: gimp.Image, ITEM: gimp.Item, LAYER: gimp.Layer, CHANNEL: gimp.Channel, DRAWABLE: gimp.Drawable}
    try:
        if kind in (INT32, INT16, INT8):
            return (int(value) + 2 ** 31) % 2 ** 32 - 2 ** 31
        if kind == FLOAT:
            return float(value)
        if kind == STRING:
            return value if value is None else str(value)
    except (TypeError, ValueError):
        raise TypeError("wrong parameter type")
    if kind in classes:
        if value is None:
            return -1
        if not isinstance(value, classes[kind]):
            raise TypeError("wrong parameter type")
        return value.ID
    if kind == COLOR:
        return list(value)
    raise TypeError("wrong parameter type")


class Function(object):
    def __init__(self, name, params):
        self.proc_name, self.params, self.nparams = name, tuple(tuple(row) for row in params), len(params)

    def __repr__(self):
        return "<pdb function '%s'>" % self.proc_name

    def __call__(self, *args, **kwargs):
        import gimp

        if len(kwargs) > 1:
            raise TypeError("expecting at most one keyword argument")
        if kwargs and list(kwargs) != ["run_mode"]:
            raise TypeError("only 'run_mode' keyword argument accepted")
        rows, values = self.params, []
        if rows and rows[0][1] == "run-mode":
            rows, values = rows[1:], [kwargs.get("run_mode", 1)]
        if len(args) != len(rows):
            raise TypeError("wrong number of parameters")
        values += [_to_wire(row[0], value) for row, value in zip(rows, args)]
        try:
            answer = _wire.call(self.proc_name, *values)
        except _wire.Failure as failure:
            raise RuntimeError(failure.message or failure.status)
        answer = [None if isinstance(part, int) and part == -1 and len(answer) == 1 and _gives_item(self.proc_name)
                  else gimp._thing(part) for part in answer]
        return None if not answer else answer[0] if len(answer) == 1 else tuple(answer)


def _gives_item(name):
    return name.endswith(("-mask", "-parent", "-layer", "-drawable", "-sel"))


class PDB(object):
    def __repr__(self):
        return "<gimp procedural database>"

    def __getattr__(self, name):
        import gimp

        if name.startswith("_"):
            raise AttributeError(name)
        params = _wire.ask("info", name=name)
        if params is None:
            raise gimp.error("procedure not found")
        return Function(name, params)

    def __getitem__(self, name):
        import gimp

        if not isinstance(name, str):
            raise TypeError("Subscript must be a string")
        try:
            return getattr(self, name)
        except gimp.error:
            raise KeyError(name)
