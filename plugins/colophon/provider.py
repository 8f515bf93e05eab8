"""What Airflow is told of this package: connection types with their forms, and notifiers.

Airflow reads it through the `apache_airflow_provider` entry point of `pyproject.toml`. Forms stand here and not in
the hooks: since Airflow 3.2 the UI builds them from this dictionary and never imports a hook for it.
"""

from __future__ import annotations

from typing import Any

CONSONANCE = {
    "connection-type": "consonance",
    "hook-class-name": "colophon.hooks.consonance.ConsonanceHook",
    "hook-name": "Consonance",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "login", "extra"],
        "relabeling": {"host": "Address", "password": "API key"},
        "placeholders": {
            "host": "https://web.consonance.app",
            "port": "only if the address has an unusual one",
            "password": "32 letters and digits, from Consonance support",
        },
    },
    "conn-fields": {
        "timeout": {
            "label": "Time-out, seconds",
            "description": "How long one request may take before it is given up and tried again.",
            "schema": {"type": ["number", "null"], "default": 60, "minimum": 1, "maximum": 600},
        },
        "rest": {
            "label": "REST v4",
            "description": "fill: for what GraphQL does not tell. only: for tenants without GraphQL. never: GraphQL alone.",
            "schema": {"type": ["string", "null"], "enum": ["fill", "only", "never"], "default": "fill"},
        },
        "page_concurrency": {
            "label": "REST pages at a time",
            "schema": {"type": ["integer", "null"], "default": 4, "minimum": 1, "maximum": 16},
        },
    },
}

LEDGER = {
    "connection-type": "colophon_ledger",
    "hook-class-name": "colophon.hooks.ledger.LedgerHook",
    "hook-name": "Colophon ledger",
    "ui-field-behaviour": {
        "hidden-fields": ["extra"],
        "relabeling": {"host": "PostgreSQL host (empty: SQLite)", "schema": "Database, or path of the SQLite file"},
        "placeholders": {"host": "postgres", "port": "5432", "login": "colophon", "schema": "colophon"},
    },
}


def get_provider_info() -> dict[str, Any]:
    """The provider's dictionary, in the shape of Airflow's `provider_info.schema.json`."""
    return {
        "package-name": "colophon",
        "name": "Colophon",
        "description": "Metadata feeds and deliveries for book publishers: Consonance, ONIX, SFTP and FTP(S) partners.",
        "integrations": [
            {"integration-name": "Consonance", "external-doc-url": "https://help.consonance.app/", "tags": ["service"]},
            {"integration-name": "ONIX for Books", "external-doc-url": "https://www.editeur.org/83/Overview/", "tags": ["protocol"]},
        ],
        "hooks": [{"integration-name": "Consonance", "python-modules": ["colophon.hooks.consonance"]}],
        "connection-types": [CONSONANCE, LEDGER],
        "notifications": ["colophon.notifiers.failure.FailureNotice", "colophon.notifiers.failure.DeadlineNotice"],
    }
