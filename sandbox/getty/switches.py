"""`POST /sandbox/getty`: what happens at Getty without us.

- `{"withdraw": asset id}`: out of the catalogue, with a Delete on the channel. `{"notify": [asset id, "New" | "Update" | "Delete"]}`.
- `{"license": {"asset_id": id, "notes": text, "days_ago": n, "product_id": n, "mine": false}}`: a download that somebody made.
- `{"licenses": {"count": n, "days": n}}`: so many more images, each licensed once for a title, over so many days.
- `{"purchase": {"asset_id": id, "days_ago": n, "license_model": text, "project_title": text}}`: an order on Getty's site.
- `{"allowance": n}` or `{"allowance": {product id: n}}`: downloads that are left. `{"agreement_ends": {product id: "2027-01-31"}}`.
- `{"image": {"id": id, "set": {member: value}}}`: another title, other terms; null takes a member away; `options` [] ends coverage.
- `{"token": {"seconds": n, "text": true}}`: how long tokens live, and whether `expires_in` is text. `{"expire_tokens": true}`.
- `{"casing": "live" | "samples" | "yaml"}`: how asset changes are written. `{"user_needed": true}`: downloads want a user's token.
- `{"disable": ["purchases", "orders", "usage", "changes", "company_downloads"]}`: what the key may not do; [] enables all.
- `{"expire_links": true}`: all delivery addresses are out of date. `{"no_length": true}`: files come without a length.

Answers what is there then: `history`, `waiting`, `images`, and for `license` and `purchase` the new row.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from sandbox.getty import licences
from sandbox.getty.library import PREMIUM, Row

if TYPE_CHECKING:
    from sandbox.getty.state import GettyState


def turn(state: GettyState, wanted: Mapping[str, Any]) -> dict[str, Any]:
    if not wanted or set(wanted) - set(_ONE):
        raise ValueError(f"getty has the switches {', '.join(_ONE)}")
    told: dict[str, Any] = {}
    for name, value in wanted.items():
        told |= _ONE[name](state, value) or {}
    return told | {"history": len(state.history), "waiting": len(state.waiting), "images": len(state.images)}


def _withdraw(state: GettyState, id: Any) -> None:
    state.withdraw(str(id))


def _notify(state: GettyState, value: Any) -> None:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("`notify` is [asset id, lifecycle]")
    state.notify(str(value[0]), str(value[1]))


def _license(state: GettyState, value: Any) -> dict[str, Any]:
    from sandbox.getty.state import days_ago

    asked = _object(value, "license", {"asset_id", "notes", "days_ago", "product_id", "mine", "project_code"})
    product = int(asked.get("product_id", PREMIUM))
    if product not in state.products:
        raise KeyError(f"no product {product}")
    image = _image_of(state, asked.get("asset_id"))
    user = licences.USER if asked.get("mine", True) else licences.COLLEAGUE
    at = days_ago(state.catalogue, int(asked["days_ago"])) if "days_ago" in asked else None
    return {"license": state.license(image, product, str(asked.get("notes") or ""), str(asked.get("project_code") or ""), at, user)}


def _licenses(state: GettyState, value: Any) -> None:
    asked = _object(value, "licenses", {"count", "days"})
    count, days = asked.get("count"), asked.get("days", 1000)
    if not isinstance(count, int) or not isinstance(days, int) or not 0 < count <= 1_000_000 or not 0 < days < 4000:
        raise ValueError("`licenses` has a count and days")
    state.history = sorted([*state.history, *licences.many(state.catalogue, state.images, count, days)], key=licences.moment_of)


def _purchase(state: GettyState, value: Any) -> dict[str, Any]:
    from sandbox.getty.state import days_ago

    asked = _object(value, "purchase", {"asset_id", "days_ago", "license_model", "project_title"})
    image, at = _image_of(state, asked.get("asset_id")), days_ago(state.catalogue, int(asked.get("days_ago", 0)))
    id = str(900_200_000 + len(state.orders))
    row, order = dict(state.purchases[0]), dict(state.orders[state.purchases[0]["order_id"]])
    moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    row |= {"asset_id": image["id"], "order_id": id, "date_purchased": moment, "license_model": asked.get("license_model", "rightsmanaged")}
    order |= {"id": id, "invoice_number": f"GI-{id[-5:]}", "order_date": moment, "assets": [{"id": image["id"]}]}
    order["notes"] = order["notes"] | {"project_title": asked.get("project_title")}
    state.purchases.insert(0, row)
    state.orders[id] = order
    return {"purchase": row, "order": order}


def _allowance(state: GettyState, value: Any) -> None:
    wanted = value if isinstance(value, dict) else {str(PREMIUM): value}
    for id, left in wanted.items():
        if not isinstance(left, int) or isinstance(left, bool) or left < 0:
            raise ValueError("an allowance is a whole number")
        _product(state, id)["downloads_remaining"] = left


def _agreement_ends(state: GettyState, value: Any) -> None:
    for id, day in _object(value, "agreement_ends").items():
        product = _product(state, id)
        ends = date.fromisoformat(str(day))
        product |= {"expiration_utc_date": f"{ends}T23:59:59Z", "status": "active" if ends > state.catalogue.today else "inactive"}


def _image(state: GettyState, value: Any) -> None:
    asked = _object(value, "image", {"id", "set"})
    image = _image_of(state, asked.get("id"))
    for name, member in _object(asked.get("set"), "set").items():
        if member is None:
            image.pop(name, None)
        else:
            image[name] = member


def _token(state: GettyState, value: Any) -> None:
    asked = _object(value, "token", {"seconds", "text"})
    state.token_seconds = float(asked.get("seconds", 1800))
    state.token_text = bool(asked.get("text"))


def _expire_tokens(state: GettyState, value: Any) -> None:
    state.tokens.clear()


def _casing(state: GettyState, value: Any) -> None:
    if value not in {"live", "samples", "yaml"}:
        raise ValueError("`casing` is live, samples or yaml")
    state.casing = value


def _user_needed(state: GettyState, value: Any) -> None:
    state.user_needed = bool(value)


def _disable(state: GettyState, value: Any) -> None:
    from sandbox.getty.state import RIGHTS

    if not isinstance(value, list) or set(value) - RIGHTS:
        raise ValueError(f"`disable` is a list of {', '.join(sorted(RIGHTS))}")
    state.disabled = set(value)


def _expire_links(state: GettyState, value: Any) -> None:
    state.links = {path: (id, 0.0) for path, (id, _) in state.links.items()}


def _no_length(state: GettyState, value: Any) -> None:
    state.no_length = bool(value)


_ONE: dict[str, Any] = {
    "withdraw": _withdraw,
    "notify": _notify,
    "license": _license,
    "licenses": _licenses,
    "purchase": _purchase,
    "allowance": _allowance,
    "agreement_ends": _agreement_ends,
    "image": _image,
    "token": _token,
    "expire_tokens": _expire_tokens,
    "casing": _casing,
    "user_needed": _user_needed,
    "disable": _disable,
    "expire_links": _expire_links,
    "no_length": _no_length,
}


def _object(value: Any, name: str, known: set[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict) or (known is not None and set(value) - known):
        raise ValueError(f"`{name}` is an object" + (f" of {', '.join(sorted(known))}" if known else ""))
    return value


def _image_of(state: GettyState, id: Any) -> Row:
    if str(id) not in state.images:
        raise KeyError(f"no image {id}")
    return state.images[str(id)]


def _product(state: GettyState, id: Any) -> Row:
    found = state.products.get(int(id))
    if found is None:
        raise KeyError(f"no product {id}")
    return found
