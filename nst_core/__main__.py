"""``python -m nst_core content.png style.png -o out.png``."""

import sys

from nst_core.cli import main

sys.exit(main())
