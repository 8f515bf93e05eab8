"""Worker processes of tests, made quickly: one process has imported what they need, and each worker is a fork of it."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from importlib import import_module
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_WORKERS = multiprocessing.get_context("forkserver")
_WORKERS.set_forkserver_preload(["pytest", "tests.transfer.conftest", "tests.intake.room", "include.intake.collect", "include.transfer"])


def start(work: Callable[..., Any], *given: Any) -> ForkServerProcess:
    """Runs a function of a test module in a process of its own, which may be killed; `join` it and look at `exitcode`."""
    module = ".".join(Path(work.__code__.co_filename).relative_to(ROOT).with_suffix("").parts)  # pytest has its own names for them
    process = _WORKERS.Process(target=_begin, args=(dict(os.environ), module, work.__name__, given), daemon=True)
    process.start()
    return process


def killed(work: Callable[..., Any], *given: Any) -> int | None:
    """The exit code of such a process that is expected to end by itself: -9 when it killed itself."""
    process = start(work, *given)
    process.join(250)
    return process.exitcode


def _begin(environment: dict[str, str], module: str, work: str, given: tuple[Any, ...]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    getattr(import_module(module), work)(*given)
