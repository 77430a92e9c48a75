"""What the engine's tests share: engines that end with the test, and pictures to give them."""

import time

import pytest
from engine_process import EngineProcess, drawn_picture, is_gone


@pytest.fixture
def start(tmp_path):
    """Starts engines that end with the test."""
    engines = []

    def start_one(command=None, log_dir=None, **environment):
        log_dir = log_dir or tmp_path / f"log{len(engines)}"
        engines.append(EngineProcess(log_dir, command, **environment))
        return engines[-1]

    yield start_one
    for engine in engines:
        engine.close()


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """One engine that has said ``ready``, for all of a module's tests that leave it serving."""
    process = EngineProcess(tmp_path_factory.mktemp("shared") / "log")
    process.greet()
    yield process
    process.close()


@pytest.fixture
def drawn():
    return drawn_picture


@pytest.fixture
def gone_within():
    def wait(pid, seconds):
        end = time.monotonic() + seconds
        while not is_gone(pid):
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    return wait
