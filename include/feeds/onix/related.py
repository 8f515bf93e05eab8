"""Block 5, RelatedMaterial: the work behind the product, and other products (P.22, P.23)."""

from __future__ import annotations

from include.feeds.onix.descriptive import bare_doi
from include.feeds.onix.flavour import Flavour, thirteen
from include.titles.model import Product, Related, Work


def related_material(f: Flavour, product: Product) -> str:
    others = [related_product(f, one) for one in dict.fromkeys(product.related)]
    return f.x.of("RelatedMaterial", f.of_work(related_work, product.work), *others)


def related_work(f: Flavour, work: Work) -> str:
    """The work that this product makes public (List 164, 01): what tells receivers which products are one title."""
    x, doi = f.x, bare_doi(work.doi)
    return x.of(
        "RelatedWork",
        x.code("WorkRelationCode", "01"),
        f.x.identifier("Work", "01", work.reference.strip() or str(work.id), f"{f.house.publisher} work"),
        f.x.identifier("Work", "06", doi) if doi else "",
    )


def related_product(f: Flavour, related: Related) -> str:
    x, numbers = f.x, related_isbn(f, related.isbn)
    code = f.swap("51", related.relation)
    return x.of("RelatedProduct", x.code("ProductRelationCode", code), numbers) if numbers and code else ""


def related_isbn(f: Flavour, isbn: str) -> str:
    """The other product's ISBN-13, and the same as GTIN-13; nothing for what is no ISBN-13."""
    number = thirteen(isbn)
    return f.x.identifier("Product", "15", number) + f.x.identifier("Product", "03", number) if number else ""
