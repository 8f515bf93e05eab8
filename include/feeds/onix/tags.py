"""Writes elements, under their reference names or EDItEUR's short tags: one rendering path for both styles.

`SHORT` holds the short tag of every element that Colophon sends in ONIX 3.0 and 3.1 (`shortname` in the schemas; a test
compares it with them). Attributes and XHTML are the same in both styles.
"""

from __future__ import annotations

from functools import lru_cache

from include.feeds.onix.text import escaped, untidy

SHORT: dict[str, str] = {
    "Addressee": "addressee",
    "AddresseeIDType": "m380",
    "AddresseeIdentifier": "addresseeidentifier",
    "AddresseeName": "x300",
    "Audience": "audience",
    "AudienceCodeType": "b204",
    "AudienceCodeValue": "b206",
    "AudienceDescription": "b207",
    "BiographicalNote": "b044",
    "CityOfPublication": "b209",
    "CollateralDetail": "collateraldetail",
    "Collection": "collection",
    "CollectionIDType": "x344",
    "CollectionIdentifier": "collectionidentifier",
    "CollectionSequence": "collectionsequence",
    "CollectionSequenceNumber": "x481",
    "CollectionSequenceType": "x479",
    "CollectionType": "x329",
    "ContactName": "x299",
    "ContentAudience": "x427",
    "ContentDate": "contentdate",
    "ContentDateRole": "x429",
    "Contributor": "contributor",
    "ContributorRole": "b035",
    "ContributorStatement": "b049",
    "CorporateName": "b047",
    "CountriesExcluded": "x451",
    "CountriesIncluded": "x449",
    "CountryCode": "b251",
    "CountryOfPublication": "b083",
    "CurrencyCode": "j152",
    "Date": "b306",
    "DescriptiveDetail": "descriptivedetail",
    "Discount": "discount",
    "DiscountCode": "j364",
    "DiscountCodeType": "j363",
    "DiscountCodeTypeName": "j378",
    "DiscountCoded": "discountcoded",
    "DiscountPercent": "j267",
    "EditionNumber": "b057",
    "EditionStatement": "b058",
    "EditionType": "x419",
    "EmailAddress": "j272",
    "Extent": "extent",
    "ExtentType": "b218",
    "ExtentUnit": "b220",
    "ExtentValue": "b219",
    "FeatureNote": "x440",
    "FeatureValue": "x439",
    "FromLanguage": "x412",
    "Header": "header",
    "IDTypeName": "b233",
    "IDValue": "b244",
    "Imprint": "imprint",
    "ImprintIDType": "x445",
    "ImprintIdentifier": "imprintidentifier",
    "ImprintName": "b079",
    "KeyNames": "b040",
    "Language": "language",
    "LanguageCode": "b252",
    "LanguageRole": "b253",
    "LocationName": "j349",
    "MainSubject": "x425",
    "Market": "market",
    "MarketReference": "x587",
    "Measure": "measure",
    "MeasureType": "x315",
    "MeasureUnitCode": "c095",
    "Measurement": "c094",
    "MessageNote": "m183",
    "MessageNumber": "m180",
    "NameIDType": "x415",
    "NameIdentifier": "nameidentifier",
    "NamesBeforeKey": "b039",
    "NoCollection": "x411",
    "NoContributor": "n339",
    "NoPrefix": "x501",
    "NoProduct": "x507",
    "NotificationType": "a002",
    "ONIXMessage": "ONIXmessage",
    "PartNumber": "x410",
    "PersonName": "b036",
    "PersonNameInverted": "b037",
    "PostalCode": "x590",
    "Price": "price",
    "PriceAmount": "j151",
    "PriceDate": "pricedate",
    "PriceDateRole": "x476",
    "PriceQualifier": "j261",
    "PriceType": "x462",
    "Product": "product",
    "ProductAvailability": "j396",
    "ProductComposition": "x314",
    "ProductContact": "productcontact",
    "ProductContactName": "x484",
    "ProductContactRole": "x482",
    "ProductForm": "b012",
    "ProductFormDescription": "b014",
    "ProductFormDetail": "b333",
    "ProductFormFeature": "productformfeature",
    "ProductFormFeatureDescription": "b336",
    "ProductFormFeatureType": "b334",
    "ProductFormFeatureValue": "b335",
    "ProductIDType": "b221",
    "ProductIdentifier": "productidentifier",
    "ProductRelationCode": "x455",
    "ProductSupply": "productsupply",
    "Publisher": "publisher",
    "PublisherIDType": "x447",
    "PublisherIdentifier": "publisheridentifier",
    "PublisherName": "b081",
    "PublishingDate": "publishingdate",
    "PublishingDateRole": "x448",
    "PublishingDetail": "publishingdetail",
    "PublishingRole": "b291",
    "PublishingStatus": "b394",
    "ROWSalesRightsType": "x456",
    "RecordReference": "a001",
    "RegionsIncluded": "x450",
    "RelatedMaterial": "relatedmaterial",
    "RelatedProduct": "relatedproduct",
    "RelatedWork": "relatedwork",
    "ResourceContentType": "x436",
    "ResourceFeature": "resourcefeature",
    "ResourceFeatureType": "x438",
    "ResourceForm": "x441",
    "ResourceLink": "x435",
    "ResourceMode": "x437",
    "ResourceVersion": "resourceversion",
    "ResourceVersionFeature": "resourceversionfeature",
    "ResourceVersionFeatureType": "x442",
    "ReturnsCode": "j269",
    "ReturnsCodeType": "j268",
    "ReturnsConditions": "returnsconditions",
    "SalesRights": "salesrights",
    "SalesRightsType": "b089",
    "Sender": "sender",
    "SenderIDType": "m379",
    "SenderIdentifier": "senderidentifier",
    "SenderName": "x298",
    "SentDateTime": "x307",
    "SequenceNumber": "b034",
    "SourceTitle": "x428",
    "StreetAddress": "x552",
    "Subject": "subject",
    "SubjectCode": "b069",
    "SubjectHeadingText": "b070",
    "SubjectSchemeIdentifier": "b067",
    "SubjectSchemeName": "b171",
    "Subtitle": "b029",
    "Supplier": "supplier",
    "SupplierIDType": "j345",
    "SupplierIdentifier": "supplieridentifier",
    "SupplierName": "j137",
    "SupplierRole": "j292",
    "SupplyDate": "supplydate",
    "SupplyDateRole": "x461",
    "SupplyDetail": "supplydetail",
    "SupportingResource": "supportingresource",
    "Tax": "tax",
    "TaxAmount": "x474",
    "TaxRateCode": "x471",
    "TaxRatePercent": "x472",
    "TaxType": "x470",
    "TaxableAmount": "x473",
    "TelephoneNumber": "j270",
    "Territory": "territory",
    "Text": "d104",
    "TextAuthor": "d107",
    "TextContent": "textcontent",
    "TextType": "x426",
    "TitleDetail": "titledetail",
    "TitleElement": "titleelement",
    "TitleElementLevel": "x409",
    "TitlePrefix": "b030",
    "TitleText": "b203",
    "TitleType": "b202",
    "TitleWithoutPrefix": "b031",
    "ToLanguage": "x413",
    "UnpricedItemType": "j192",
    "WorkIDType": "b201",
    "WorkIdentifier": "workidentifier",
    "WorkRelationCode": "x454",
    "YearOfAnnual": "b020",
}


class _Names(dict[str, str]):
    """Reference names stand for themselves."""

    def __missing__(self, reference: str) -> str:
        self[reference] = reference
        return reference


class Tags:
    """Makes elements as text. Empty values make no element, and composites of nothing make nothing."""

    def __init__(self, short: bool = False) -> None:
        self._name: dict[str, str] = SHORT if short else _Names()
        self.code = lru_cache(maxsize=8192)(self.__call__)
        """As calling `Tags`, for values that come again and again (codes): kept ready-made."""
        self._identifier = lru_cache(maxsize=512)(self._around)

    def __call__(self, reference: str, value: str) -> str:
        """A data element with a value that is escaped and put on one line."""
        if not value or (untidy(value) and not (value := escaped(value))):
            return ""
        name = self._name[reference]
        return f"<{name}>{value}</{name}>\n"

    def identifier(self, of: str, type: str, value: str, type_name: str = "") -> str:
        """An identifier composite of a product, a name, a supplier, ...; proprietary types carry the name of their scheme."""
        if not value or value.isspace():
            return ""
        before, after = self._identifier(of, type, type_name)
        return f"{before}{escaped(value)}{after}"

    def _around(self, of: str, type: str, type_name: str) -> tuple[str, str]:
        """What stands before and after the value."""
        id_type = self(f"{of}IDType", type) + self("IDTypeName", type_name)
        return tuple(self.of(f"{of}Identifier", id_type, self("IDValue", "\0")).split("\0"))  # type: ignore[return-value]

    def with_attributes(self, reference: str, attributes: str, content: str) -> str:
        """An element with ready-made attributes (`textformat="05"`) and content that is XML already."""
        if not content:
            return ""
        name = self._name[reference]
        return f"<{name} {attributes}>{content}</{name}>\n" if attributes else f"<{name}>{content}</{name}>\n"

    def empty(self, reference: str) -> str:
        return f"<{self._name[reference]}/>\n"

    def of(self, reference: str, *parts: str) -> str:
        """A composite of rendered parts."""
        content = "".join(parts)
        if not content:
            return ""
        name = self._name[reference]
        return f"<{name}>\n{content}</{name}>\n"
