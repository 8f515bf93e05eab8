"""What Getty's answers and our agreements say of a licence, as statements with their source.

Getty tells no end, territory or print run of any licence (nor would it be right to read one into its silence); `releases` and the like are
told for the asset, the agreement's end for the product. What an agreement grants stands in `config/agreements/`, by a person who read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from include.clients.getty.model import GettyImage, Product
from include.ledger.licence_rows import LicenceRow
from include.licences import prose
from include.licences.model import FORMATS, Said, Source, Term, TermState
from include.licences.terms import GONE, LISTED
from include.partners.licensing import Agreement

_PROSE = ("editorial_only", "territories", "ends", "print_run", "restrictions")
_AGREED = ("use", "territories", "print_run", "formats", "ends", "new_editions")


def from_history(said: Said, row: LicenceRow) -> None:
    """When it began: of a royalty-free licence the download, of a managed one its invoice says."""
    if row.licensed_at is None:
        _take(said, "starts", Source.API)
    elif row.model == "royaltyfree":
        _say(said, "starts", Term(TermState.KNOWN, row.licensed_at.date().isoformat(), Source.API, reference=_history(row)))
    else:
        note = f"licensed on {row.licensed_at.date().isoformat()}; the invoice says when use may begin"
        _say(said, "starts", Term(source=Source.API, reference=_history(row), note=note))


def from_order(said: Said, row: LicenceRow) -> None:
    """Limits in the words of its order."""
    if not row.order_id:
        return
    found = prose.read_order(row.notes, row.licensed_at.date() if row.licensed_at else None)
    for name in ("print_run", "ends"):
        held = said.get(name, {}).get(Source.PROSE)
        if name in found:
            _say(said, name, found[name])
        elif held is not None and held.reference == "order":
            _take(said, name, Source.PROSE)


def from_product(said: Said, product: Product | None) -> None:
    """When the agreement ends under which it was licensed; Getty says that for the product alone."""
    if product is None or product.expires_at is None:
        _take(said, "agreement_ends", Source.API)
        return
    reference = f"product {product.id} ({product.agreement_name or product.name or product.type or 'unnamed'})"
    _say(said, "agreement_ends", Term(TermState.KNOWN, product.expires_at.date().isoformat(), Source.API, reference=reference))


def from_image(said: Said, image: GettyImage | None) -> None:
    """What Getty says of the asset; None: it has no such image any more, and what it said before stands."""
    if image is None:
        _say(said, "availability", Term(TermState.KNOWN, GONE, Source.API, reference="images"))
        return
    _say(said, "availability", Term(TermState.KNOWN, LISTED, Source.API, reference="images", note=_coverage(image)))
    use = image.allowed_use
    only = use.editorial_use_only if use else None
    if image.asset_family == "editorial":
        _say(said, "editorial_only", Term(TermState.KNOWN, True, Source.API, reference="images", note="an editorial asset"))
    elif only is None:
        _take(said, "editorial_only", Source.API)
    else:
        _say(said, "editorial_only", Term(TermState.KNOWN, only, Source.API, reference="allowed_use.editorial_use_only"))
    _text(said, "releases", use.release_info if use else None, known=True)
    _text(said, "use", use.how_can_i_use_it if use else None, known=False)
    sentences = use.usage_restrictions if use else None
    if sentences is None:
        _take(said, "restrictions", Source.API)
    else:
        told = Term(TermState.KNOWN, list(sentences), Source.API, reference="allowed_use.usage_restrictions")
        _say(said, "restrictions", told)
    _prose(said, sentences or ())


def _prose(said: Said, sentences: Sequence[str]) -> None:
    found, settled = prose.read(sentences)
    for name in _PROSE:
        held = said.get(name, {}).get(Source.PROSE)
        if name in found:
            _say(said, name, found[name])
        elif held is not None and held.reference == "usage restrictions":
            _take(said, name, Source.PROSE)
    if settled:
        _say(said, "restrictions", Term(TermState.KNOWN, list(settled), Source.PROSE, reference="usage restrictions"))


def _text(said: Said, name: str, words: str | None, *, known: bool) -> None:
    """Words that are a statement (`known`), or that only explain why nothing is known: "all permitted uses" says none."""
    if not words:
        _take(said, name, Source.API)
    elif known:
        _say(said, name, Term(TermState.KNOWN, words, Source.API, reference="allowed_use"))
    else:
        _say(said, name, Term(source=Source.API, reference="allowed_use", note=words))


def agreement_of(row: LicenceRow, agreements: Sequence[Agreement]) -> Agreement | None:
    """The agreement in `config/` under which a licence was taken: by the product's id, else by the agreement's name as Getty has it.

    None also where two could be meant: nothing is guessed, the terms stay unknown.
    """
    fitting = [one for one in agreements if one.provider == row.provider and row.model in one.license_models]
    found = [one for one in fitting if row.getty_product_id and row.getty_product_id in one.products]
    named = row.agreement.casefold().strip()
    found = found or [one for one in fitting if named and named in {name.casefold().strip() for name in one.names}]
    return found[0] if len(found) == 1 else None


def claimed_twice(agreements: Sequence[Agreement]) -> list[str]:
    """What two agreements both claim, in sentences: of such licences the terms stay unknown."""
    owners: dict[tuple[str, str, str, str], list[str]] = {}
    for one in agreements:
        claims = [("product", id) for id in one.products] + [("name", name.casefold().strip()) for name in one.names]
        for kind, claimed in claims:
            for model in one.license_models:
                owners.setdefault((one.provider, model, kind, claimed), []).append(one.id)
    return [
        f"{' and '.join(ids)} both have the {kind} {claimed!r} for {model}: their licences' terms stay unknown. Leave it in one of them."
        for (_, model, kind, claimed), ids in owners.items() if len(ids) > 1
    ]  # fmt: skip


def from_agreement(said: Said, agreement: Agreement | None, agreement_ends: Term | None) -> None:
    """What the agreement grants; what it leaves out stays unknown."""
    found: dict[str, Term] = {}
    if agreement is not None:
        granted = agreement.terms
        found["use"] = _list(list(granted.uses) if granted.uses is not None else None)
        found["territories"] = _list(granted.territories, everything="worldwide")
        found["print_run"] = _list(granted.print_run, everything="unlimited")
        formats = list(granted.formats) if granted.formats is not None else None
        found["formats"] = Term(TermState.UNLIMITED) if formats is not None and set(formats) >= set(FORMATS) else _list(formats)
        found["new_editions"] = _list(granted.new_editions)
        found["ends"] = _ends(granted.ends, agreement_ends)
    for name in _AGREED:
        term = found.get(name)
        if agreement is None or term is None or (not term.known and not term.note):
            _take(said, name, Source.AGREEMENT)
            continue
        by = agreement.reference or f"config/agreements/{agreement.id}.toml"
        day = agreement.checked_on.isoformat()
        _say(said, name, Term(term.state, term.value, Source.AGREEMENT, by, day, agreement.checked_by, term.note))


def _list(granted: object, everything: str = "") -> Term:
    if granted is None:
        return Term()
    if granted == everything and everything:
        return Term(TermState.UNLIMITED)
    if isinstance(granted, tuple):
        granted = list(granted)
    return Term(TermState.KNOWN, granted if isinstance(granted, str | int | list) else str(granted))


def _ends(granted: str | date | None, agreement_ends: Term | None) -> Term:
    match granted:
        case None:
            return Term()
        case "perpetual":
            return Term(TermState.PERPETUAL)
        case date():
            return Term(TermState.KNOWN, granted.isoformat())
    if agreement_ends is not None and agreement_ends.known:
        return Term(TermState.KNOWN, agreement_ends.value, note="ends with the agreement")
    return Term(note="ends with the agreement, and Getty does not tell when that is")


def _coverage(image: GettyImage) -> str:
    return "no agreement of ours covers it now" if image.largest_downloads == () else ""


def _history(row: LicenceRow) -> str:
    return f"order {row.order_id}" if row.order_id else "download history"


def _say(said: Said, name: str, term: Term) -> None:
    said.setdefault(name, {})[term.source] = term


def _take(said: Said, name: str, source: Source) -> None:
    said.get(name, {}).pop(source, None)
