"""The connection types as Airflow reads them: from the entry point, without importing a hook."""

import importlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import airflow
import jsonschema
import pytest

from colophon.provider import get_provider_info

ROOT = Path(__file__).resolve().parents[2]
AIRFLOW = Path(airflow.__file__).parent


def test_the_provider_fits_airflows_schema():
    jsonschema.validate(get_provider_info(), json.loads((AIRFLOW / "provider_info.schema.json").read_text()))


def test_the_forms_fit_the_stricter_schema_of_provider_yaml():
    schema = json.loads((AIRFLOW / "provider.yaml.schema.json").read_text())["properties"]
    jsonschema.validate(get_provider_info()["connection-types"], schema["connection-types"])


def test_an_api_key_is_asked_for_as_a_password_and_never_as_an_extra():
    consonance = get_provider_info()["connection-types"][0]
    assert consonance["ui-field-behaviour"]["relabeling"]["password"] == "API key"
    assert not any("key" in name or "token" in name for name in consonance["conn-fields"])


@pytest.mark.parametrize(
    "path", [*[t["hook-class-name"] for t in get_provider_info()["connection-types"]], *get_provider_info()["notifications"]]
)
def test_every_class_that_is_named_exists(path):
    module, name = path.rsplit(".", 1)
    assert isinstance(getattr(importlib.import_module(module), name), type)


@pytest.mark.parametrize("rest", get_provider_info()["connection-types"][0]["conn-fields"]["rest"]["schema"]["enum"])
def test_the_hook_understands_what_the_form_offers(monkeypatch, rest):
    from colophon.hooks.consonance import ConsonanceHook

    fields = {"conn_type": "consonance", "host": "http://127.0.0.1:9", "password": "k" * 32}
    form = {name: field["schema"]["default"] for name, field in get_provider_info()["connection-types"][0]["conn-fields"].items()}
    monkeypatch.setenv("AIRFLOW_CONN_CONSONANCE_FORM", json.dumps(fields | {"extra": form | {"rest": rest}}))
    assert ConsonanceHook("consonance_form").get_conn().rest == rest


@pytest.fixture
def installed(tmp_path):
    """A folder that looks to Python like an installed `colophon`, made from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    info = tmp_path / "site" / f"colophon-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = {"console_scripts": project["scripts"], **project["entry-points"]}
    points = [f"[{group}]\n" + "".join(f"{name} = {path}\n" for name, path in entries.items()) for group, entries in groups.items()]
    (info / "entry_points.txt").write_text("\n".join(points))
    return info.parent


@pytest.mark.airflow
def test_airflow_shows_our_connection_types_with_their_fields(installed, airflow_elsewhere):
    program = """
import json
from airflow.providers_manager import ProvidersManager
manager = ProvidersManager()
manager.initialize_providers_list()
manager._load_ui_metadata() if hasattr(manager, "_load_ui_metadata") else manager.initialize_providers_hooks()
print("JSON" + json.dumps({
    "version": manager.providers["colophon"].version,
    "fields": sorted(name for name in manager._connection_form_widgets if "consonance" in name),
    "behaviour": manager._field_behaviours["consonance"],
    "ledger": manager._field_behaviours["colophon_ledger"],
    "names": {name: label for name, label in manager._hook_name_dict.items() if name in ("consonance", "colophon_ledger")},
    "notifiers": [n if isinstance(n, str) else str(n) for n in manager.notification],
}))
"""
    path = os.pathsep.join([str(installed), str(ROOT), str(ROOT / "plugins")])
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.split("JSON", 1)[1])
    assert seen["fields"] == ["extra__consonance__page_concurrency", "extra__consonance__rest", "extra__consonance__timeout"]
    assert seen["behaviour"]["relabeling"]["password"] == "API key"
    assert "login" in seen["behaviour"]["hidden_fields"]
    assert seen["names"] == {"consonance": "Consonance", "colophon_ledger": "Colophon ledger"}
    assert "colophon.notifiers.failure.FailureNotice" in seen["notifiers"]
