"""``python -m nst_core content.png style.png -o out.png``."""

import sys

from nst_core.interrupt import stopping_on_interrupt

with stopping_on_interrupt():
    from nst_core.cli import main

sys.exit(main())
