# -*- coding: utf-8 -*-
"""What Python 2.7's C API does with a call's arguments (PyArg_ParseTupleAndKeywords). Python 2.7."""


def parse(function, layout, names, args, kwargs=None):
    """The arguments as a list. ``layout`` has a letter for each: i, d, s or # as in C, or an object's class in ``O``.

    A class goes in as a tuple: ``[("i", "O", Layer), …]`` is spelled ``["i", Layer]``; what follows ``"|"`` may lack,
    and is None then.
    """
    kinds = [kind for kind in layout if kind != "|"]
    least = layout.index("|") if "|" in layout else len(kinds)
    kwargs = kwargs or {}
    given = list(args)
    if len(given) + len(kwargs) > len(kinds) or len(given) + len(kwargs) < least:
        how = "exactly" if least == len(kinds) else "at least" if len(given) < least else "at most"
        count = least if len(given) < least else len(kinds)
        raise TypeError("%s() takes %s %d arguments (%d given)" % (function, how, count, len(given) + len(kwargs)))
    for name in names[len(given):]:
        given.append(kwargs.pop(name, None) if name in kwargs else _LACKS)
    if kwargs:
        raise TypeError("'%s' is an invalid keyword argument for this function" % list(kwargs)[0])
    given += [_LACKS] * (len(kinds) - len(given))
    parsed = []
    for number, (kind, value) in enumerate(zip(kinds, given), 1):
        if value is _LACKS:
            if number <= least:
                raise TypeError("Required argument '%s' (pos %d) not found" % (names[number - 1], number))
            parsed.append(None)
        else:
            parsed.append(_converted(function, number, kind, value))
    return parsed


_LACKS = object()


def _converted(function, number, kind, value):
    if kind == "i":
        if isinstance(value, float):
            raise TypeError("integer argument expected, got float")
        if not isinstance(value, (int, long)):
            raise TypeError("an integer is required")
        if not -2 ** 31 <= value < 2 ** 31:
            raise OverflowError("signed integer is greater than maximum")
        return int(value)
    if kind == "d":
        if isinstance(value, (str, unicode)) or not hasattr(value, "__float__"):
            raise TypeError("a float is required")
        return float(value)
    if kind in ("s", "#"):
        if isinstance(value, unicode):
            value = value.encode("utf-8")  # pygimp sets the default encoding
        if not isinstance(value, str):
            raise TypeError("%s() argument %d must be string, not %s" % (function, number, type(value).__name__))
        if kind == "s" and "\0" in value:
            raise TypeError("%s() argument %d must be string without null bytes, not str" % (function, number))
        return value
    if not isinstance(value, kind):
        given = "None" if value is None else type(value).__name__
        raise TypeError("%s() argument %d must be %s, not %s" % (function, number, kind.__name__, given))
    return value
