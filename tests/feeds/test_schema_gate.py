"""Rendered records against EDItEUR's schemas: the bad ones are found, the good ones stay good."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from include.errors import ConfigurationError
from include.feeds import renderer_for, schema
from include.feeds.record import Record
from tests.feeds.titles import HOUSE, PRINT, TODAY, codes, partner

FLAVOURS = [("3.0", "reference"), ("3.0", "short"), ("3.1", "reference"), ("3.1", "short"), ("2.1", "reference")]


def records(count: int, release: str = "3.0", tags: str = "reference", **feed: object) -> list[Record]:
    renderer = renderer_for(partner(release=release, tags=tags, **feed), HOUSE)
    return [renderer.render(replace(PRINT, id=number), TODAY) for number in range(1, count + 1)]


def spoilt(record: Record, old: bytes, new: bytes) -> Record:
    assert old in record.body
    return replace(record, body=record.body.replace(old, new, 1))


@pytest.mark.parametrize(("release", "tags"), FLAVOURS)
def test_rendered_records_are_valid_in_every_flavour(release: str, tags: str) -> None:
    assert schema.check(records(3, release, tags), partner(release=release, tags=tags)) == {}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252", "us-ascii"])
def test_records_are_read_in_the_encoding_of_the_feed(encoding: str) -> None:
    renderer = renderer_for(partner(encoding=encoding), HOUSE)
    named = replace(PRINT, full_title="Łódź – “été”", title_without_prefix="Łódź – “été”")
    assert schema.check([renderer.render(named, TODAY)], partner(encoding=encoding)) == {}


@pytest.mark.parametrize(("release", "tags"), FLAVOURS)
def test_bad_records_are_found_among_good_ones(release: str, tags: str) -> None:
    batch = records(8, release, tags)
    form = b"<ProductForm>BC" if tags == "reference" else b"<b012>BC"
    batch[2] = spoilt(batch[2], form, form[:-2] + b"QQ")
    batch[7] = spoilt(batch[7], form, form[:-2] + b"ZZZ")
    found = schema.check(batch, partner(release=release, tags=tags))
    assert sorted(found) == [3, 8]
    [reason] = found[3]
    assert reason.code == "schema-invalid"
    assert reason.path == {"3.0": "DescriptiveDetail/", "3.1": "DescriptiveDetail/", "2.1": ""}[release] + "ProductForm" or tags == "short"
    assert "'QQ'" in reason.message
    assert "{http" not in reason.message
    assert len(reason.message) < 450


def test_a_record_that_is_not_well_formed_costs_the_others_nothing() -> None:
    batch = records(4)
    batch[1] = spoilt(batch[1], b"</RecordReference>", b"")
    batch[2] = replace(batch[2], body=b"")
    batch[3] = replace(batch[3], body=batch[3].body + batch[3].body)
    found = schema.check(batch, partner())
    assert sorted(found) == [2, 3, 4]
    assert "well-formed" in found[2][0].message


@pytest.mark.parametrize(
    "body",
    [
        b"</ONIXMessage><ONIXMessage>",
        b'<!DOCTYPE x [<!ENTITY e "x">]><Product/>',
        b"<Product>&undeclared;</Product>",
        b"\xff\xfe\x00",
        b"<Product>" * 400,
        b"<!-- nothing --> ",
    ],
)
def test_bodies_that_break_out_of_their_place_are_refused(body: bytes) -> None:
    good = records(1)
    assert list(schema.check([*good, replace(good[0], product_id=99, body=body)], partner())) == [99]


def test_errors_in_two_places_are_told_apart() -> None:
    [record] = records(1)
    record = spoilt(spoilt(record, b"<PublishingStatus>04", b"<PublishingStatus>77"), b"<ProductForm>BC", b"<ProductForm>QQ")
    assert [reason.path for reason in schema.check([record], partner())[1]] == [
        "DescriptiveDetail/ProductForm",
        "PublishingDetail/PublishingStatus",
    ]


def test_more_records_than_fit_into_one_parse_are_all_looked_at() -> None:
    [record] = records(1)
    many = [replace(record, product_id=n, body=record.body.replace(b"books.1<", b"books.%d<" % n)) for n in range(1, 1202)]
    many[0] = spoilt(many[0], b"<ProductForm>BC", b"<ProductForm>QQ")
    many[1200] = spoilt(many[1200], b"<ProductForm>BC", b"<ProductForm>QQ")
    assert sorted(schema.check(many, partner())) == [1, 1201]


def test_no_records_and_spreadsheets_have_nothing_to_check() -> None:
    assert schema.check([], partner()) == {}
    csv = partner(format="csv", columns=[{"header": "ISBN", "field": "isbn13"}])
    assert schema.check([replace(records(1)[0], body=b"not XML at all")], csv) == {}


STRICT = """<?xml version="1.0"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://ns.editeur.org/onix/3.0/reference"
  xmlns="http://ns.editeur.org/onix/3.0/reference" elementFormDefault="qualified">
  <xs:element name="ONIXMessage"><xs:complexType><xs:sequence><xs:any maxOccurs="unbounded" processContents="lax"/></xs:sequence>
    <xs:anyAttribute processContents="skip"/></xs:complexType></xs:element>
  <xs:element name="Product"><xs:complexType><xs:sequence><xs:any maxOccurs="unbounded" processContents="skip"/></xs:sequence>
    <xs:assert test="(: A test asks that the record reference begins with com. :) starts-with(*[1], 'com.')"/></xs:complexType></xs:element>
</xs:schema>"""


def test_the_strict_schema_is_asked_where_the_house_has_one(tmp_path: Path) -> None:
    path = tmp_path / "strict.xsd"
    path.write_text(STRICT)
    house = HOUSE.model_copy(update={"strict_schema": str(path)})
    batch = records(2)
    batch[1] = spoilt(batch[1], b"<RecordReference>com.", b"<RecordReference>org.")
    found = schema.check(batch, partner(), house)
    assert {product: codes(reasons) for product, reasons in found.items()} == {2: ["strict-invalid"]}
    assert found[2][0].message == "A test asks that the record reference begins with com."
    assert schema.check(records(1, "3.1"), partner(release="3.1"), house) == {}  # it is for another release


def test_a_strict_schema_that_can_not_be_used_is_a_configuration_error(tmp_path: Path) -> None:
    broken = tmp_path / "broken.xsd"
    broken.write_text("<nothing/>")
    for path in (str(tmp_path / "missing.xsd"), str(broken)):
        with pytest.raises(ConfigurationError, match="strict_schema"):
            schema.check(records(1), partner(), HOUSE.model_copy(update={"strict_schema": path}))


def test_without_the_package_the_strict_schema_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xmlschema", None)
    with pytest.raises(ConfigurationError, match="pip install xmlschema"):
        schema.check(records(1), partner(), HOUSE.model_copy(update={"strict_schema": str(tmp_path / "other.xsd")}))
