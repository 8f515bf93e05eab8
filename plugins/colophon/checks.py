"""Tries connections one step at a time and says in a sentence what to mend. Behind `connections_check` and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from include.errors import ColophonError

if TYPE_CHECKING:
    from include.clients.getty import Getty
    from include.partners import Transport


@dataclass(frozen=True, slots=True)
class Check:
    """One step tried at one connection."""

    connection: str
    step: str
    ok: bool
    message: str = ""
    todo: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def check_services() -> Iterator[Check]:
    """The ledger, the store, Consonance with the flows that this tenant can run, Getty Images with what the key may read, Cloudinary."""
    yield from _tried("colophon_ledger", "read and write", _ledger)
    yield from _tried("artefact store", "write and read back", _store)
    yield from _consonance()
    yield from _getty()
    yield from _cloudinary()


def places() -> list[str]:
    """Everything with a connection of its own: ids of enabled parties, `inbox:<id>`, `archive:<id>`."""
    from include.partners import load_archives, load_inboxes, load_parties

    sources = [*(f"inbox:{one.id}" for one in load_inboxes()), *(f"archive:{one.id}" for one in load_archives())]
    return [*(party.id for party in load_parties()), *sources]


def _transport(place: str) -> tuple[Transport, bool]:
    """How to get there, and whether we may write there. An old archive is only read."""
    from include.partners import load_archive, load_inbox, load_party

    kind, _, id = place.rpartition(":")
    if kind == "inbox":
        inbox = load_inbox(id)
        return inbox.transport, inbox.originals != "leave"
    return (load_archive(id).transport, False) if kind == "archive" else (load_party(id).transport, True)


def check_place(place: str) -> Iterator[Check]:
    """Reach, log in, list; where we write: write, read, rename, clean up, as far as the commit rule needs it. See `places`."""
    from colophon.hooks.remote import open_remote

    connection = place
    try:
        transport, writes = _transport(place)
        connection = transport.connection
        with open_remote(transport) as remote:
            for step in remote.probe(write=writes):
                yield Check(connection, step.name, step.ok, step.message, step.todo)
    except ColophonError as bad:
        yield Check(connection, "reach and log in", False, bad.what, bad.todo)
    except Exception as bad:  # noqa: BLE001 - a check reports whatever goes wrong; its words may hold a secret, its kind does not
        yield Check(connection, "reach and log in", False, type(bad).__name__, "See the task's log.")


def missing(places: Iterable[str], rows: Iterable[Check]) -> list[Check]:
    """A row for each place whose check gave none: its task died, and silence is no good news."""
    told = {row.connection for row in rows}
    silent = [name for one in places if (name := _transport(one)[0].connection) not in told]
    return [Check(name, "check", False, "the check came to no end", "See its task's log.") for name in silent]


def _tried(connection: str, step: str, what: Any) -> Iterator[Check]:
    try:
        what()
    except ColophonError as bad:
        yield Check(connection, step, False, bad.what, bad.todo)
    except Exception as bad:  # noqa: BLE001 - a check reports whatever goes wrong and goes on to the next
        yield Check(connection, step, False, type(bad).__name__, "See the task's log.")
    else:
        yield Check(connection, step, True)


def _ledger() -> None:
    from datetime import UTC, datetime

    from colophon.hooks.ledger import open_ledger
    from include.ledger.deliveries import record_event

    with open_ledger().session() as session:
        record_event(session, what="ledger checked", now=datetime.now(UTC))


def _store() -> None:
    from io import BytesIO

    from colophon.hooks.ledger import open_store
    from include.errors import PermanentError

    store, text = open_store(), b"Colophon was here.\n"
    kept = store.put(BytesIO(text))
    if store.read(kept.sha256, 0, len(text)) != text:
        raise PermanentError("the store gave back other bytes", where="COLOPHON_STORE", todo="Look at the disk or the bucket.")


def _consonance() -> Iterator[Check]:
    from colophon.hooks.consonance import ConsonanceHook
    from include.partners import load_house

    try:
        client = ConsonanceHook().get_conn()
        capabilities = [] if client.rest == "only" else client.capabilities(load_house().text_variants)
    except ColophonError as bad:
        yield Check("consonance", "log in", False, bad.what, bad.todo)
        return
    yield Check("consonance", "log in", True)
    for capability in capabilities:
        message = f"for {', '.join(capability.flows)}"
        if capability.missing:
            message += f"; missing: {', '.join(capability.missing)}"
            message += f"; instead: {capability.instead}" if capability.instead else ""
        elif capability.left_out:
            message += f"; read without: {', '.join(capability.left_out)}"
        todo = "Ask Consonance support whether your tenant's schema can offer it." if capability.fatal else ""
        yield Check("consonance", capability.operation, not capability.fatal, message, todo)


def _getty() -> Iterator[Check]:
    """A house without the connection does without Getty. What Getty has not enabled for the key is told, and is no failure."""
    from colophon.hooks.connections import if_there
    from colophon.hooks.getty import GettyImagesHook, agreements

    name = GettyImagesHook.default_conn_name
    if if_there(name) is None:
        yield Check(name, "connection", True, "there is none: flows with Getty Images have nothing to work with")
        return
    try:
        client = GettyImagesHook().get_conn()
        client.countries()
    except ColophonError as bad:
        yield Check(name, "API key", False, bad.what, bad.todo)
        return
    yield Check(name, "API key", True)
    try:
        client.customer()
        products = client.products()
    except ColophonError as bad:
        yield Check(name, "log in", False, bad.what, bad.todo)
        return
    yield Check(name, "log in", True)
    in_force = any(one.status == "active" for one in products)
    yield Check(
        name,
        "agreement",
        in_force,
        agreements(products),
        "" if in_force else "Ask your Getty representative which agreement the key is for.",
    )
    yield from _getty_rights(name, client)


def _getty_rights(name: str, client: Getty) -> Iterator[Check]:
    """What Getty enables key by key; reads alone, nothing is taken off a channel."""
    from datetime import UTC, datetime, timedelta

    from include.clients.getty.errors import NotEnabled, NotFound

    today = datetime.now(UTC).date()
    day = today - timedelta(days=1), today
    tries: dict[str, Any] = {
        "download history": lambda: list(client.downloads(*day)),
        "purchased assets": lambda: list(client.purchases(*day)),
        "asset changes": client.channels,
    }
    for step, read in tries.items():
        try:
            found = read()
        except (NotEnabled, NotFound) as lacking:
            yield Check(
                name,
                step,
                True,
                f"not enabled for this key ({lacking.what}); without it flows know less, your representative can enable it",
            )
        except ColophonError as bad:
            yield Check(name, step, False, bad.what, bad.todo)
        else:
            silent = step == "asset changes" and not found
            yield Check(name, step, True, "there is no channel: withdrawals are found by asking for the images again" if silent else "")


def _cloudinary() -> Iterator[Check]:
    """A house without the connection does without Cloudinary. Reads alone; nothing is uploaded for a check."""
    from colophon.hooks.cloudinary import CloudinaryHook
    from colophon.hooks.connections import if_there

    name = CloudinaryHook.default_conn_name
    if if_there(name) is None:
        yield Check(name, "connection", True, "there is none: covers are not read from Cloudinary")
        return
    try:
        hook = CloudinaryHook()
        client, queue = hook.get_conn(), hook.moderation
        client.ping()
    except ColophonError as bad:
        yield Check(name, "log in", False, bad.what, bad.todo)
        return
    left = client.allowance
    yield Check(name, "log in", True, f"{left.remaining} of {left.limit} admin requests of this hour are left" if left else "")
    for step, read in (
        ("moderation queue", lambda: next(client.assets_by_moderation("approved", kind=queue), None)),
        ("metadata fields", client.fields),
    ):
        yield from _tried(name, step, read)


def table(rows: Iterable[Check]) -> str:
    """The checks as text, aligned, failures marked and followed by what to do."""
    lines = []
    for row in rows:
        lines.append(f"{'ok  ' if row.ok else 'FAIL'}  {row.connection:<22} {row.step:<22} {row.message}".rstrip())
        if not row.ok and row.todo:
            lines.append(f"      → {row.todo}")
    return "\n".join(lines)
