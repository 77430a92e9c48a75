"""How PyTorch's threads wait for each other; to be settled before torch is imported."""

import os


def wait_asleep() -> None:
    """Lets threads that have nothing to do sleep instead of spin, unless the user said otherwise.

    Beside a busy GIMP, spinning threads keep the very thread from running that they wait for: a draft took 24 s instead
    of 15 s, and twice the processor time. On an idle machine it makes no difference.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
