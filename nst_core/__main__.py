"""``python -m nst_core content.png style.png -o out.png``."""

import sys

from nst_core.interrupt import stopping_on_interrupt

with stopping_on_interrupt():
    try:
        from nst_core.cli import main
    except ModuleNotFoundError as exc:
        if exc.name.partition(".")[0] == "nst_core":
            raise
        sys.exit(f"This Python has no {exc.name}; use the engine's own, which python3 install.py makes and names.")

sys.exit(main())
