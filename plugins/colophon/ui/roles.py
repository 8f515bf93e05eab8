"""Who may see and decide what: roles of `config/people.toml`, for the user that Airflow has logged in.

Airflow's simple auth manager lets every viewer see every page of a plugin; what is restricted is restricted here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from fastapi import HTTPException

from include.partners.inboxes import People
from include.partners.registry import config_root, load_people


def is_admin(user: BaseUser) -> bool:
    """An Airflow admin, of the simple auth manager or of FAB's."""
    names = {str(getattr(user, "role", ""))} | {str(getattr(role, "name", role)) for role in getattr(user, "roles", None) or ()}
    return "admin" in {name.rpartition(".")[2].lower() for name in names}


def may(user: BaseUser) -> Callable[[str], bool]:
    """Tells of a role whether this user has it; everybody has the empty one."""
    people, admin, name = _people(), is_admin(user), user.get_name()
    return lambda role: not role or admin or people.has(name, role)


def roles_of(user: BaseUser) -> list[str]:
    """All roles that this user has, by name."""
    allowed = may(user)
    return [role for role in sorted(_people().roles) if allowed(role)]


def must(user: BaseUser, role: str) -> None:
    """Raises 403 for a user without the role; an admin has every role of people.toml, and none that is not there."""
    if role not in _people().roles or not may(user)(role):
        raise HTTPException(403, f"Only the role {role!r} may do this: see config/people.toml.")


def _people() -> People:
    path = config_root() / "people.toml"
    return _people_at(str(path), path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=4)
def _people_at(path: str, changed: int) -> People:
    return load_people(Path(path).parent)
