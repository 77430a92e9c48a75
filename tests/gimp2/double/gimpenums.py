# -*- coding: utf-8 -*-
"""The constants of GIMP 2.10.34's module ``gimpenums``, as that GIMP gives them. Python 2.7."""

import io as _io
import json as _json
import os as _os

with _io.open(_os.path.join(_os.path.dirname(_os.path.abspath(__file__)), "gimpenums.json"), encoding="utf-8") as _file:
    globals().update((str(_name), _value) for _name, _value in _json.load(_file).items())
