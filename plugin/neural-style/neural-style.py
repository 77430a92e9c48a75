#!/usr/bin/env python3
# -*- coding: utf-8 -*-
"""Neural Style for GIMP: the file that GIMP starts. Finds out which GIMP that is and hands over.

GIMP 2.10 brings gimpfu (Python 2.7), GIMP 3 brings gi (Python 3).
"""

from __future__ import absolute_import, division, print_function, unicode_literals

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True  # GIMP's folder of plug-ins may be shared, and is none of ours to fill


def host():
    """The module that speaks with the GIMP that started this."""
    try:
        import gimpfu  # noqa: F401
    except ImportError:
        import gimp3
        return gimp3
    except SyntaxError:
        # GIMP 2.10 on Linux started this with Python 3, which can't read its gimpfu: Python 2 can
        os.execvp("python2", ["python2"] + sys.argv)
    import gimp2
    return gimp2


if __name__ == "__main__":
    host().main()
