"""Measurements of the engine: how fast it is, how much memory it takes, and how good its pictures are.

``python -m benchmarks`` measures the first two and how soon the loss falls, each sub-command of it one thing. They
print tables made in one run, and leave their pictures in ``benchmarks/out``. What was learned from them is in
``benchmarks/NOTES.md``.
"""
