"""``python -m nst_core.engine``: frames in on standard input, frames out on standard output."""

from nst_core.engine.server import main

main()
