"""The compose file, without Docker: valid, complete, and naming nothing that does not exist."""

import ast
import fnmatch
import importlib.metadata
import importlib.resources
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys

import jsonschema
import pytest

from tests.package import compose
from tests.package.compose import ROOT

GIVEN = {name: value or "x" * 24 for name, value in compose.example().items()}
SERVICES = compose.loaded(GIVEN)["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_file_fits_the_compose_specification():
    schema = json.loads((importlib.resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text())
    jsonschema.Draft7Validator(schema).validate(compose.raw())


def test_every_component_of_airflow_is_there():
    assert {"postgres", "redis", "init", "api-server", "scheduler", "dag-processor", "triggerer", "worker"} <= set(SERVICES)
    assert SERVICES["sandbox"]["profiles"] == ["sandbox"]


def test_every_variable_is_explained_in_the_example_and_none_is_left_over():
    assert set(compose.variables(compose.raw())) == set(compose.example())
    paragraphs = (ROOT / ".env.example").read_text().split("\n\n")
    for name in compose.example():
        paragraph = next(p for p in paragraphs if f"\n{name}=" in f"\n{p}")
        assert paragraph.startswith("#"), f"{name} has no comment"


def test_secrets_come_from_the_environment_and_must_be_given():
    must = {name for name, kind in compose.variables(compose.raw()).items() if kind == "?"}
    assert must == {name for name in compose.example() if re.search("PASSWORD|KEY|SECRET", name)}
    assert all(compose.example()[name] == "" for name in must), "an example secret would end up in use"
    for missing in must:
        with pytest.raises(KeyError, match=missing):
            compose.loaded({name: value for name, value in GIVEN.items() if name != missing})


@pytest.mark.parametrize("service", OURS)
def test_no_secret_stands_in_the_file(service):
    for name, value in (compose.raw()["services"][service].get("environment") or {}).items():
        if re.search("PASSWORD(?!S_FILE)|KEY|SECRET|CONN|BROKER|BACKEND", name):
            assert "${" in value, f"{name} of {service} has a value in the file"


@pytest.mark.parametrize("service", OURS)
def test_every_service_of_ours_finds_the_package(service):
    assert OURS[service]["environment"]["PYTHONPATH"] == "/opt/airflow"


def test_every_default_equals_the_example():
    for name, default in re.findall(r"\$\{(\w+):-([^}]*)\}", (ROOT / "docker-compose.yaml").read_text()):
        assert compose.example()[name] == default


def _airflow_options():
    from airflow.configuration import conf
    from airflow.providers.celery.get_provider_info import get_provider_info

    options = {(section, option) for section, body in conf.configuration_description.items() for option in body["options"]}
    return options | {(section, option) for section, body in get_provider_info()["config"].items() for option in body["options"]}


def test_every_airflow_setting_exists():
    options = _airflow_options()
    for name in {name for service in OURS.values() for name in service["environment"] if name.startswith("AIRFLOW__")}:
        _, section, option = name.lower().split("__", 2)
        assert (section, option) in options, name


def test_every_setting_of_ours_is_read_somewhere():
    code = "\n".join(path.read_text() for folder in ("include", "plugins") for path in (ROOT / folder).rglob("*.py"))
    for name in {name for service in OURS.values() for name in service["environment"] if name.startswith("COLOPHON_")}:
        assert f'"{name}"' in code, f"nothing reads {name}"


def _commands():
    """(service, words) of everything that the file runs in our image: commands, lines of scripts, health checks."""
    for name, service in OURS.items():
        words = compose.command(service)
        lines = words[2].splitlines() if words[:1] == ["bash"] else [shlex.join(words)] if words else []
        if "healthcheck" in service:
            lines.append(compose.health(service))
        for line in lines:
            yield name, shlex.split(line.split(" > ")[0])


COMMANDS = list(_commands())
PARSE = """
import json, sys
from airflow.cli.cli_parser import get_parser
for words in json.load(sys.stdin):
    get_parser().parse_args(words)
"""


def test_every_airflow_command_is_understood_by_airflow(airflow_elsewhere):
    """Its own parser reads each, with the executor of the file: `celery` exists only with that one."""
    lines = [words[1:] for _, words in COMMANDS if words[0] == "airflow"]
    assert len(lines) >= 9
    environment = {**os.environ, "AIRFLOW__CORE__EXECUTOR": SERVICES["worker"]["environment"]["AIRFLOW__CORE__EXECUTOR"]}
    done = subprocess.run(
        [sys.executable, "-c", PARSE], input=json.dumps(lines), capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_other_command_exists():
    for service, words in COMMANDS:
        match words:
            case ["airflow", *_]:
                continue
            case ["colophon", *rest]:
                from colophon.cli import _parser

                assert callable(_parser().parse_args(rest).run), (service, words)
            case ["python", "-m", module, *_]:
                assert importlib.util.find_spec(module), (service, words)
            case ["python", "-c", program]:
                compile(program, service, "exec")
            case ["celery", "--app", app, "inspect", "ping", *_]:
                assert importlib.util.find_spec(app.rsplit(".", 1)[0]), (service, words)
            case ["umask" | "curl" | "test", *_]:
                continue
            case _:
                pytest.fail(f"{service} runs {words}: say here how to check it")


def test_every_service_that_stays_has_a_health_check_and_waits_for_what_it_needs():
    for name, service in SERVICES.items():
        if service["restart"] == "no":
            continue
        assert service["healthcheck"]["test"], name
        if name in OURS and name != "sandbox":
            assert service["depends_on"]["init"]["condition"] == "service_completed_successfully"
    waited_for = {other for service in SERVICES.values() for other in service.get("depends_on", {})}
    assert waited_for <= set(SERVICES)


def test_every_path_outside_is_in_the_repository_and_read_only():
    for name, service in SERVICES.items():
        for volume in service.get("volumes", ()):
            source, target, *mode = volume.split(":")
            if source.startswith("."):
                assert (ROOT / source).exists(), (name, source)
                assert mode == ["ro"], f"{name} may write {source}"
            else:
                assert source in compose.raw()["volumes"], f"{name} names an unknown volume {source}"
                assert name not in OURS or target in DOCKERFILE or target == "/opt/airflow/logs", f"{target} would belong to root"
        for config in service.get("configs", ()):
            assert config["source"] in compose.raw()["configs"]


def test_every_path_inside_the_image_is_copied_there():
    copied = {"/opt/airflow/" + target for target in re.findall(r"^COPY .*\./(\w+)$", DOCKERFILE, re.M)}
    folders = [
        value for service in OURS.values() for name, value in service["environment"].items() if name.endswith(("_FOLDER", "_CONFIG"))
    ]
    assert set(folders) <= copied


def test_ports_agree_with_each_other():
    environment = SERVICES["worker"]["environment"]
    inside = SERVICES["api-server"]["ports"][0].rsplit(":", 1)[1]
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == f"http://api-server:{inside}/execution/"
    assert f"localhost:{inside}/" in compose.health(SERVICES["api-server"])
    from airflow.configuration import conf

    assert conf.get("api", "port") == inside, "the API server listens elsewhere"
    assert f"localhost:{conf.get('scheduler', 'scheduler_health_check_server_port')}/" in compose.health(SERVICES["scheduler"])
    assert SERVICES["api-server"]["ports"][0].startswith("127.0.0.1:"), "not offered to everybody by default"
    assert [name for name, service in SERVICES.items() if service.get("ports")] == ["api-server"]


def test_databases_and_queue_are_named_alike_on_both_sides():
    postgres, environment = SERVICES["postgres"], SERVICES["worker"]["environment"]
    where = f"{postgres['environment']['POSTGRES_USER']}:{postgres['environment']['POSTGRES_PASSWORD']}@postgres:5432"
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].endswith(f"{where}/{postgres['environment']['POSTGRES_DB']}")
    ledger = re.fullmatch(r"CREATE DATABASE (\w+) OWNER (\w+);", compose.raw()["configs"]["ledger-database"]["content"])
    assert environment["AIRFLOW_CONN_COLOPHON_LEDGER"] == f"colophon-ledger://{where}/{ledger[1]}"
    assert ledger[2] == postgres["environment"]["POSTGRES_USER"]
    assert environment["AIRFLOW__CELERY__BROKER_URL"] == f"redis://:{SERVICES['redis']['environment']['REDISCLI_AUTH']}@redis:6379/0"


def test_the_image_is_the_airflow_of_the_lock_and_does_not_run_as_root():
    pinned = re.search(r"^apache-airflow==(\S+)$", (ROOT / "requirements.txt").read_text(), re.M)[1]
    assert f"FROM apache/airflow:{pinned}-python3.12 AS colophon" in DOCKERFILE
    assert re.findall(r"^USER (\w+)", DOCKERFILE, re.M)[-1] == "airflow"
    assert {service["build"]["target"] for service in OURS.values()} == set(re.findall(r" AS (\w+)$", DOCKERFILE, re.M))


def test_the_sandboxs_image_has_all_that_the_sandbox_imports():
    names = set()
    for path in (ROOT / "sandbox").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    known = importlib.metadata.packages_distributions()
    wanted = {known[name][0].lower().replace("_", "-") for name in names - sys.stdlib_module_names - {"sandbox", "include", "colophon"}}
    locked = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text().lower(), re.M))
    added = set(re.search(r"--constraint requirements-dev.txt (.+)", DOCKERFILE)[1].lower().split())
    assert wanted <= locked | added
    assert not names & {"tests", "demo", "bench"}


def test_what_the_image_copies_exists_and_is_not_ignored():
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    kept = {rule[1:] for rule in rules if rule.startswith("!")}
    for line in re.findall(r"^COPY (?:--\S+ )*(.+)$", DOCKERFILE, re.M):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert source in kept, f"{source} is hidden by .dockerignore"
    for secret in (".env", ".sandbox", ".demo", "airflow.db", ".git"):
        assert secret not in kept
        assert any(fnmatch.fnmatch(secret, rule) for rule in rules)
