"""What the mutations do to the catalogue.

Inputs whose members nobody outside has seen can't say what they want: their mutations are in the schema and refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from graphql import GraphQLError, GraphQLObjectType, GraphQLSchema

from sandbox.catalogue import Catalogue, Product, Work
from sandbox.catalogue.facts import Cover, MarketingText, Subject
from sandbox.catalogue.prose import CODES
from sandbox.consonance.codes import plain
from sandbox.consonance.context import Context, Info, Within
from sandbox.consonance.covers import size_of

Input = dict[str, Any]
_LARGEST_IMAGE = 50_000_000
_PRODUCT = {  # member of UpdateProductInput → of the product
    "isbn": "isbn", "asin": "asin", "prefix": "prefix", "title": "title", "subtitle": "subtitle", "internalReference": "reference",
    "publicationDate": "publication_date", "plannedPublicationDate": "planned_date", "publicAnnouncementDate": "announcement_date",
}  # fmt: skip
_TEXTUAL = frozenset({"prefix", "subtitle", "asin", "internalReference"})
_CONTRACT = {
    "contractName": "name", "signedDate": "signed", "description": "description", "freeCopies": "free_copies",
    "freeCopiesUsed": "free_copies_used", "authorDiscount": "author_discount", "remainderRate": "remainder_rate",
    "remainderRateOverCost": "remainder_rate_over_cost", "guaranteedRoyaltyValue": "guaranteed_royalty", "flatFeeValue": "flat_fee",
    "terminationReason": "termination_reason", "terminatedDate": "terminated",
}  # fmt: skip
_SCHEMES = {"bisacs": "BISAC", "themas": "Thema", "bics": "BIC", "nurs": "NUR", "inHouseSubjects": "InHouseSubject"}
# Stage ids as the house knows them; Consonance shows stages by name and takes them by number.
STAGES = {1: "Proposal", 2: "Acquired", 3: "Editorial", 4: "Production approved", 5: "At press", 6: "Published", 7: "Out of print"}
SEASONS = {1: "Spring", 2: "Autumn"}
TIERS = {1: "A", 2: "B", 3: "C"}


def _catalogue(info: Info) -> Catalogue:
    context: Context = info.context
    return context.catalogue


def _find_work(catalogue: Catalogue, id: int | None) -> Work:
    work = catalogue.work(id) if id is not None else None
    if work is None:
        raise GraphQLError(f"Couldn't find Work with 'id'={id}")
    return work


def _update_work(_: None, info: Info, input: Input) -> dict[str, Any]:
    catalogue = _catalogue(info)
    work = _find_work(catalogue, input["id"])
    wrong = [problem for product in input.get("products") or () for problem in _problems(work, product)]
    if wrong:
        return {"clientMutationId": input.get("clientMutationId"), "work": None, "errors": wrong}

    def change(work: Work) -> Work:
        changes: dict[str, Any] = {
            name: input[key] or "" for key, name in (("title", "title"), ("subtitle", "subtitle"), ("acronym", "acronym")) if key in input
        }
        if "alternativeTitles" in input:
            changes["alternative_titles"] = "; ".join(input["alternativeTitles"] or ())
        for key, name, names in (("projectStageId", "stage", STAGES), ("seasonId", "season", SEASONS), ("marketingTierId", "tier", TIERS)):
            if input.get(key) is not None:
                if input[key] not in names:
                    raise GraphQLError(f"{key} {input[key]} does not exist")
                changes[name] = names[input[key]]
        for key, scheme in _SCHEMES.items():
            if key in input:
                changes["subjects"] = _with_codes(changes.get("subjects", work.subjects), scheme, input[key] or ())
        products = work.products
        for one in input.get("products") or ():
            products = tuple(_updated(product, one) if product.id == one["id"] else product for product in products)
        return replace(work, products=products, **changes)

    changed = catalogue.edit(work.id, change)
    return {"clientMutationId": input.get("clientMutationId"), "work": changed, "errors": []}


def _with_codes(subjects: tuple[Subject, ...], scheme: str, codes: list[str] | tuple[str, ...]) -> tuple[Subject, ...]:
    """The codes of a scheme in their new order, the first the main one; the description is kept where the code was there before."""
    known = {subject.code: subject.description for subject in subjects if subject.scheme == scheme}
    new = tuple(Subject(scheme, code, known.get(code, ""), main=place == 0) for place, code in enumerate(codes))
    return tuple(subject for subject in subjects if subject.scheme != scheme) + new


def _problems(work: Work, input: Input) -> list[dict[str, Any]]:
    if not any(product.id == input["id"] for product in work.products):
        return [
            {"field": "products", "attribute": "id", "message": f"no product {input['id']} in work {work.id}", "messages": ["not found"]}
        ]
    return []


def _updated(product: Product, input: Input) -> Product:
    changes: dict[str, Any] = {
        name: (input[key] or "") if key in _TEXTUAL else input[key] for key, name in _PRODUCT.items() if key in input
    }
    if "onixPublishingStatusCode" in input:
        changes["status"] = plain(input["onixPublishingStatusCode"]) if input["onixPublishingStatusCode"] else None
    if "onixProductAvailabilityCode" in input:
        changes["availability"] = plain(input["onixProductAvailabilityCode"]) if input["onixProductAvailabilityCode"] else None
    if "onixEditionTypeCodes" in input:
        changes["edition_types"] = tuple(input["onixEditionTypeCodes"] or ())
    unread = dict(product.written) | {
        key: str(input[key]) for key in input if key not in _PRODUCT and key not in {"id", "clientMutationId"}
    }
    return replace(product, written=tuple(sorted(unread.items())), **changes)


def _update_product(_: None, info: Info, input: Input) -> dict[str, Any]:
    catalogue = _catalogue(info)
    if catalogue.product(input["id"]) is None:
        raise GraphQLError(f"Couldn't find Product with 'id'={input['id']}")
    return {
        "clientMutationId": input.get("clientMutationId"),
        "product": catalogue.edit_product(input["id"], lambda product: _updated(product, input)),
        "errors": [],
    }


def _products_meant(work: Work, input: Input) -> tuple[int, ...]:
    if input.get("productIds") and input.get("linkToAllProducts"):
        raise GraphQLError("productIds and linkToAllProducts exclude each other")
    if input.get("linkToAllProducts"):
        return tuple(product.id for product in work.products)
    strangers = set(input.get("productIds") or ()) - {product.id for product in work.products}
    if strangers:
        raise GraphQLError(f"work {work.id} has no products {sorted(strangers)}")
    return tuple(input.get("productIds") or ())


def _create_resource(_: None, info: Info, input: Input) -> dict[str, Any]:
    catalogue = _catalogue(info)
    work = _find_work(catalogue, input["workId"])
    product_ids = _products_meant(work, input)
    if bool(input.get("imageRemoteUrl")) == bool(input.get("resourceFileName")):
        raise GraphQLError("give either imageRemoteUrl or resourceFileName")
    name = input.get("resourceFileName") or input["imageRemoteUrl"].rpartition("/")[2]
    if not name.lower().partition("?")[0].endswith((".jpg", ".jpeg")):
        raise GraphQLError("only JPG images are taken")
    id = max((cover.id for cover in work.covers), default=work.id * 10) + 1
    caption, copyright_, credit = (input.get(key) or "" for key in ("caption", "copyright", "requiredCredit"))
    remote = input.get("imageRemoteUrl") or ""
    width, height, size = _fetched(info.context, id, remote)
    variant = input.get("resourceVariant") or "FRONT_COVER"
    cover = Cover(id, width, height, size, name, caption, copyright_, credit, catalogue.today, product_ids, remote, variant)

    def unlinked(one: Cover) -> Cover:
        left = tuple(id for id in one.product_ids if id not in product_ids)
        return replace(one, product_ids=left) if one.variant == variant else one

    def change(work: Work) -> Work:
        earlier = work.covers
        if input.get("unlinkPrevious"):
            earlier = tuple(unlinked(one) for one in earlier)
        return replace(work, covers=(*earlier, cover))

    catalogue.edit(work.id, change)
    presigned = f"{info.context.base_url}/uploads/{id}" if input.get("resourceFileName") else None
    return {"clientMutationId": input.get("clientMutationId"), "supportingResource": cover, "presignedUrl": presigned}


def _fetched(context: Context, id: int, address: str) -> tuple[int, int, int]:
    """Takes the image from its address, as Consonance does, and keeps it; width, height and bytes. Only from this machine: the sandbox
    asks nobody outside. All are 0 where there is no image, as while Consonance is processing."""
    if urlsplit(address).hostname not in {"127.0.0.1", "localhost"}:
        return 0, 0, 0
    try:
        with build_opener(ProxyHandler({})).open(address, timeout=20) as answer:
            data = answer.read(_LARGEST_IMAGE)
        width, height = size_of(data)
    except (OSError, ValueError, HTTPException):
        return 0, 0, 0
    context.uploads[id] = data
    return width, height, len(data)


def _create_text(_: None, info: Info, input: Input) -> dict[str, Any]:
    catalogue = _catalogue(info)
    ids: set[int] = set(input.get("productIds") or ())
    product = catalogue.product(min(ids)) if ids else None
    work = _find_work(catalogue, input.get("workId") or (product.work_id if product else None))
    product_ids = _products_meant(work, input) or tuple(one.id for one in work.products)
    id = max((text.id for text in work.texts), default=work.id * 20) + 1
    variant = input.get("variant") or "MAIN_DESCRIPTION"
    text = MarketingText(
        id, variant, CODES.get(variant, "01"), input["externalTextMarkdown"], product_ids, input.get("publicationName") or "",
        input.get("fromDate"), input.get("untilDate"),
    )  # fmt: skip
    catalogue.edit(work.id, lambda work: replace(work, texts=(*work.texts, text)))
    return {"clientMutationId": input.get("clientMutationId"), "marketingText": text}


def _delete(part: str, ids_per_work: int) -> Callable[..., dict[str, Any]]:
    """Delete one of a work's parts; its id tells the work."""

    def resolve(_: None, info: Info, input: Input) -> dict[str, Any]:
        catalogue = _catalogue(info)
        work = _find_work(catalogue, input["id"] // ids_per_work)
        if not any(one.id == input["id"] for one in getattr(work, part)):
            raise GraphQLError(f"there is nothing with id {input['id']} to delete")
        left: dict[str, Any] = {part: tuple(one for one in getattr(work, part) if one.id != input["id"])}
        catalogue.edit(work.id, lambda work: replace(work, **left))
        return {"clientMutationId": input.get("clientMutationId"), "deleted": True}

    return resolve


def _update_contract(_: None, info: Info, input: Input) -> dict[str, Any]:
    catalogue = _catalogue(info)
    work = catalogue.work_of_contract(input["id"])
    if work is None:
        raise GraphQLError(f"Couldn't find Contract with 'id'={input['id']}")
    changes = {name: input[key] for key, name in _CONTRACT.items() if key in input}
    changed = catalogue.edit(work.id, lambda work: replace(work, contract=replace(work.contract, **changes)))
    return {"clientMutationId": input.get("clientMutationId"), "contract": Within(changed.contract, changed)}


def _delete_right(_: None, info: Info, input: Input) -> dict[str, Any]:
    catalogue = _catalogue(info)
    work = _find_work(catalogue, input["id"] // 10)
    left = tuple(right for right in work.contract.rights if right.id != input["id"])
    if left == work.contract.rights:
        raise GraphQLError(f"there is nothing with id {input['id']} to delete")
    catalogue.edit(work.id, lambda work: replace(work, contract=replace(work.contract, rights=left)))
    return {"clientMutationId": input.get("clientMutationId"), "deleted": True}


def _unreadable(_: None, info: Info, input: Input) -> None:
    raise GraphQLError(f"{info.field_name} exists, but what it takes was not readable: the sandbox can't do it")


MUTATIONS: dict[str, Callable[..., Any]] = {
    "updateWork": _update_work,
    "updateProduct": _update_product,
    "createSupportingResource": _create_resource,
    "deleteSupportingResource": _delete("covers", 10),
    "createMarketingText": _create_text,
    "deleteMarketingText": _delete("texts", 20),
    "updateContract": _update_contract,
    "deleteLicensedRight": _delete_right,
    "deleteContribution": _delete("contributions", 10),
    "deletePrize": _delete("prizes", 10),
    "deleteSeriesMembership": _delete("memberships", 10),
}


def attach(schema: GraphQLSchema) -> None:
    mutation = schema.mutation_type
    assert isinstance(mutation, GraphQLObjectType)
    for name, field in mutation.fields.items():
        field.resolve = MUTATIONS.get(name, _unreadable)
