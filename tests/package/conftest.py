"""Airflow for the tests of this folder: its own home, no examples, our folders on the path of child processes."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def airflow_elsewhere(tmp_path, monkeypatch):
    """A fresh AIRFLOW_HOME for this test and the processes that it starts. (Airflow reads it once per process.)"""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "plugins")]))
    return tmp_path / "airflow"
