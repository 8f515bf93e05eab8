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

GETTY = {
    "connection-type": "getty",
    "hook-class-name": "colophon.hooks.getty.GettyImagesHook",
    "hook-name": "Getty Images",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "extra"],
        "relabeling": {"host": "API host", "login": "API key", "password": "Secret"},
        "placeholders": {
            "host": "https://api.gettyimages.com",
            "port": "only if the address has an unusual one",
            "login": "from your Getty representative",
            "password": "the key's secret",
        },
    },
    "conn-fields": {
        "auth_url": {
            "label": "Token address",
            "description": "Empty: https://authentication.gettyimages.com/oauth2/token",
            "schema": {"type": ["string", "null"]},
        },
        "username": {
            "label": "Getty user",
            "description": "Only for keys that Getty set up for a user (UserTokenRequired).",
            "schema": {"type": ["string", "null"]},
        },
        "user_password": {"label": "Getty user's password", "schema": {"type": ["string", "null"], "format": "password"}},
        "refresh_token": {
            "label": "Refresh token",
            "description": "Only for keys that were given one in place of a user.",
            "schema": {"type": ["string", "null"], "format": "password"},
        },
        "country_code": {
            "label": "Country",
            "description": "Three letters (ISO 3166-1), such as GBR; Getty has to enable it for the key.",
            "schema": {"type": ["string", "null"], "maxLength": 3},
        },
        "language": {
            "label": "Language",
            "description": "Of titles, keywords and terms: en-GB, de, fr, …",
            "schema": {"type": ["string", "null"]},
        },
        "company_downloads": {
            "label": "Everybody's downloads",
            "description": "Histories of all users of the account; Getty has to enable it for the key.",
            "schema": {"type": ["boolean", "null"], "default": False},
        },
        "timeout": {
            "label": "Time-out, seconds",
            "description": "How long one request may take before it is given up and tried again; a download request is never repeated.",
            "schema": {"type": ["number", "null"], "default": 60, "minimum": 1, "maximum": 600},
        },
        "min_interval": {
            "label": "Seconds between two requests",
            "description": "For keys with a known limit per second; 0 where there is none.",
            "schema": {"type": ["number", "null"], "default": 0, "minimum": 0, "maximum": 60},
        },
    },
}

CLOUDINARY = {
    "connection-type": "cloudinary",
    "hook-class-name": "colophon.hooks.cloudinary.CloudinaryHook",
    "hook-name": "Cloudinary",
    "ui-field-behaviour": {
        "hidden-fields": ["schema", "extra"],
        "relabeling": {"host": "API host", "login": "API key", "password": "API secret"},
        "placeholders": {
            "host": "https://api.cloudinary.com (api-eu, api-ap elsewhere)",
            "port": "only if the address has an unusual one",
            "login": "from the console: API Keys",
            "password": "the key's secret",
        },
    },
    "conn-fields": {
        "cloud_name": {
            "label": "Cloud name",
            "description": "Of the product environment; on the dashboard of Cloudinary's console.",
            "schema": {"type": ["string", "null"]},
        },
        "delivery": {
            "label": "Delivery address",
            "description": "Empty: https://res.cloudinary.com/<cloud name>. A private CDN or a name of your own without the cloud name.",
            "schema": {"type": ["string", "null"]},
        },
        "moderation": {
            "label": "Moderation",
            "description": "The queue in which people approve covers.",
            "schema": {"type": ["string", "null"], "default": "manual"},
        },
        "signing": {
            "label": "Signatures",
            "description": "sha1, unless the product environment was set to sha256.",
            "schema": {"type": ["string", "null"], "enum": ["sha1", "sha256"], "default": "sha1"},
        },
        "timeout": {
            "label": "Time-out, seconds",
            "description": "How long one admin request may take before it is given up and tried again.",
            "schema": {"type": ["number", "null"], "default": 60, "minimum": 1, "maximum": 600},
        },
        "upload_timeout": {
            "label": "Time-out of uploads, seconds",
            "description": "For one upload, or one chunk of a large one.",
            "schema": {"type": ["number", "null"], "default": 300, "minimum": 1, "maximum": 3600},
        },
        "reserve": {
            "label": "Requests left to others",
            "description": "Admin requests of every hour that Colophon does not use: people and other programs have the same allowance.",
            "schema": {"type": ["integer", "null"], "default": 20, "minimum": 0, "maximum": 2000},
        },
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
            {"integration-name": "Cloudinary", "external-doc-url": "https://cloudinary.com/documentation", "tags": ["service"]},
            {"integration-name": "Getty Images", "external-doc-url": "https://developers.gettyimages.com/", "tags": ["service"]},
        ],
        "hooks": [
            {"integration-name": "Consonance", "python-modules": ["colophon.hooks.consonance"]},
            {"integration-name": "Cloudinary", "python-modules": ["colophon.hooks.cloudinary"]},
            {"integration-name": "Getty Images", "python-modules": ["colophon.hooks.getty"]},
        ],
        "connection-types": [CONSONANCE, LEDGER, GETTY, CLOUDINARY],
        "notifications": ["colophon.notifiers.failure.FailureNotice", "colophon.notifiers.failure.DeadlineNotice"],
    }
