#!/usr/bin/env python3
"""Installs Neural Style for GIMP: the engine into a folder of its own, the plug-in into every GIMP of this machine.

Run it with Python 3.10 or newer; ``--help`` lists what else it does. The work is in the folder ``installer``. This file
is kept readable for old Pythons, so that they can say what is wrong.
"""

import os
import sys

if sys.version_info < (3, 10):  # noqa: UP036
    sys.exit(
        "Neural Style needs Python 3.10 or newer to install, and this one is older (%d.%d): "  # noqa: UP031
        "get a newer one from python.org or your system, and run install.py with it." % sys.version_info[:2]
    )

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from installer.cli import main
from installer.plug_in import copy_plugin, remove_plugin

__all__ = ["copy_plugin", "main", "remove_plugin"]

if __name__ == "__main__":
    sys.exit(main())
