"""`colophon package build`: one title's package as its flow makes it, shown or written into a folder; nothing is recorded or sent."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from colophon.commands import say


def package_build(args: argparse.Namespace) -> int:
    """0 if the package could go as it is; 1 if it waits, or a check fails and a person would be asked."""
    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.tasks.packages import make
    from include.errors import ConfigurationError
    from include.ledger import packages
    from include.packages import formats, handoff
    from include.packages.build import assemble, digest_of, write
    from include.partners import load_house, load_party

    party, now = load_party(args.partner), datetime.now(UTC)
    if party.handoff is None and party.formats is None:
        todo = "Choose a printer ([handoff]) or a vendor ([formats])."
        raise ConfigurationError(f"{party.name} gets no packages of titles", where=f"config/partners/{party.id}.toml", todo=todo)
    flow, module = ("print_handoff", handoff) if party.handoff is not None else ("format_delivery", formats)
    ledger, store = open_ledger(), open_store()
    due = module.due(ledger, party, load_house(), now, args.title)
    ready = True
    for one in due:
        making = make(flow, party.id, one.product_id, ledger, store, now)
        say(f"{one.isbn or one.product_id}  {one.title}")
        for reason in making.reasons:
            say(f"  waits    {reason['code']}: {reason['message']} ({reason['where']}). {reason['todo']}")
        for finding in making.findings:
            say(f"  {finding.severity:<8} {finding.code}: {finding.message} ({finding.file}) {finding.todo}".rstrip())
        if making.new is None:
            ready = False
            continue
        ready = ready and not making.new.ask
        with ledger.read() as session:
            before = packages.last_delivered(session, party.id, flow, making.new.subject)
            revision = packages.next_revision(session, party.id, flow, making.new.subject)
            if before is not None:
                list(before.files)
        if before is not None and before.digest == digest_of(making.new.items):
            say(f"  {party.name} has it as it is, revision {before.revision}.")
            revision, before = before.revision, None
        assembled = assemble(store, making.new, revision, before)
        for file in assembled.rows:
            say(f"  {file.role:<12} {file.bytes:>12,}  {file.sha256[:12]}  {file.name}")
        if args.out:
            folder = args.out / making.new.subject if len(due) > 1 else args.out
            write(store, assembled, folder)
            say(f"  written to {folder}")
    return 0 if ready else 1
