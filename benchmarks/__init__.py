"""Measurements of the engine: how fast it is, how much memory it takes, and how good its pictures are.

Each sub-command of ``python -m benchmarks`` measures one of them, prints a table made in one run, and leaves its
pictures in ``benchmarks/out``. What was learned from them is in ``benchmarks/NOTES.md``.
"""
