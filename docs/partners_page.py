"""`partners.md`: who gets what, who sends what, and the rules of the feeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from docs.markdown import NOTE, ROOT, anchor, table
from include.feeds import renderer_for, rules
from include.partners import Inbox, Partner, Party, load_house, load_inboxes, load_parties

FILES = ("handoff", "formats", "launch", "report", "releases", "backup")


def partners() -> str:
    house, everybody = load_house(), load_parties()
    known = [party for party in everybody if isinstance(party, Partner)]
    page = [NOTE.format(source="`config/partners/*.toml` and `include.feeds.rules`"), "", "# Partners", ""]
    page += ["Each is one file in `config/partners/`; [add-a-partner.md](add-a-partner.md) says how to write another.", ""]
    head = ("partner", "kind", "gets", "by", "whole when", "starts", "there by", "answers")
    page += table(head, (_partner_row(partner, renderer_for(partner, house).label) for partner in known))
    for partner in known:
        page += ["", f"## {partner.name}", "", _opening_comment(ROOT / "config" / "partners" / f"{partner.id}.toml"), ""]
        page += [f"* {fact}" for fact in _partner_facts(partner)]
    page += ["", "## Who gets files", "", "Packages, launch packs, reports, backups: parties with a table of that name in their file.", ""]
    others = [party for party in everybody if any(getattr(party, name) for name in FILES)]
    page += table(("party", "kind", "gets", "by", "folder", "whole when"), (_party_row(party) for party in others))
    page += ["", "## Where files come from", "", "Each inbox is one file in `config/inboxes/`.", ""]
    head = ("inbox", "sender", "by", "folder", "whole when", "kinds", "reviewed by", "originals")
    page += table(head, (_inbox_row(inbox) for inbox in load_inboxes()))
    page += ["", "## Rules", "", "A title that breaks a rule of the partner's profile stays back with the reason; the rest goes.", ""]
    profiles = rules.profiles()
    page += table(("profile", "for whom", "partners", "rules"), _profile_rows(profiles, known))
    page.append("")
    for entry in sorted(rules.catalogue(), key=lambda entry: entry.code):
        inside = [f"`{name}`" for name, (_, codes) in profiles.items() if entry.code in codes]
        page += [f"### {entry.code}", "", f"{entry.sentence} *{entry.todo}*".strip(), ""]
        where = "every profile" if len(inside) == len(profiles) else ", ".join(inside) or "always, or by a setting"
        page += [f"Source: {entry.source.rstrip('.')}. In force: {where}.", ""]
    return "\n".join(page[:-1]) + "\n"


def _partner_row(partner: Partner, label: str) -> tuple[str, ...]:
    transport, schedule, answers = partner.transport, partner.schedule, partner.acknowledgements
    return (
        f"[{partner.name}](#{anchor(partner.name)}) `{partner.id}`",
        partner.kind,
        label,
        transport.protocol.upper(),
        transport.commit.rule.replace("_", " ") + (", then swept" if transport.sweeps else ""),
        f"`{schedule.cron}` {schedule.timezone}" if schedule.cron else "on demand",
        f"{schedule.deadline:%H:%M}" if schedule.deadline else "",
        "none" if answers.kind == "none" else f"{answers.kind}, within {answers.within_hours} h",
    )


def _party_row(party: Party) -> tuple[str, ...]:
    gets = ", ".join(
        f"{name} ({profile})" if (profile := getattr(wish, "profile", "")) else name for name in FILES if (wish := getattr(party, name))
    )
    rule = party.transport.commit.rule.replace("_", " ")
    return f"{party.name} `{party.id}`", party.kind, gets, party.transport.protocol.upper(), f"`{party.transport.folder}`", rule


def _inbox_row(inbox: Inbox) -> tuple[str, ...]:
    return (
        f"{inbox.name} `{inbox.id}`",
        inbox.sender,
        inbox.transport.protocol.upper(),
        f"`{inbox.transport.folder}`",
        inbox.finished.rule.replace("_", " "),
        ", ".join(inbox.kinds) or "all",
        ", ".join(inbox.review) or (f"seen by {inbox.restricted} only" if inbox.restricted else ""),
        inbox.originals,
    )


def _partner_facts(partner: Partner) -> Iterator[str]:
    feed, limits = partner.feed, partner.limits
    yield f"Connection `{partner.transport.connection}`, folder `{partner.transport.folder}`, files named `{feed.file_name}`."
    yield f"Titles: {_filter(partner)}."
    yield f"First delivery: {feed.first}; then {feed.mode}; when nothing changed: {feed.empty.replace('_', ' ')}."
    wish = feed.completeness
    added, dropped = (", ".join(_link(code) for code in codes) for codes in (wish.add, wish.drop))
    more = (f", and {added}" if added else "") + (f", without {dropped}" if dropped else "")
    yield f"Rules: profile [`{wish.profile}`](#rules){more}."
    if feed.covers.by != "none":
        yield f"Covers by {feed.covers.by}" + (
            f", as `{feed.covers.name}` in `{feed.covers.folder or partner.transport.folder}`." if feed.covers.by == "file" else "."
        )
    wanted = {"records": "records in a delta", "withdrawn": "records withdrawn at once", "held_percent": "percent held back"}
    asked = [f"{getattr(limits, name)} {unit}" for name, unit in wanted.items() if getattr(limits, name) is not None]
    if asked:
        yield f"A person is asked beyond {', '.join(asked)}."


def _filter(partner: Partner) -> str:
    wish = partner.feed.products
    parts = [f"{name} {', '.join(values)}" for name in ("imprints", "forms", "statuses", "markets") if (values := getattr(wish, name))]
    if wish.horizon_months:
        parts.append(f"published within {wish.horizon_months} months")
    return "; ".join(parts) or "all"


def _profile_rows(profiles: Mapping[str, tuple[str, tuple[str, ...]]], known: Iterable[Partner]) -> Iterator[tuple[str, ...]]:
    """A profile that holds all of `house` is shown as `house` and what it adds."""
    house = set(profiles["house"][1])
    for name, (about, codes) in profiles.items():
        users = ", ".join(partner.name for partner in known if partner.feed.completeness.profile == name)
        grown = name != "house" and house <= set(codes)
        listed = ", ".join(_link(code) for code in sorted(set(codes) - house if grown else codes))
        yield f"`{name}`", about, users, f"those of `house`, and {listed}" if grown else listed


def _link(code: str) -> str:
    return f"[{code}](#{code})"


def _opening_comment(path: Path) -> str:
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    _, colon, about = " ".join(lines).partition(": ")  # "Northgate Distribution: trade distributor ..."
    return about[:1].upper() + about[1:] if colon else " ".join(lines)
