"""Render: a full ONIX 3.0 feed, against onixlib writing the same records, and against writing the same bytes unrendered.

onixlib gets a head start: its objects stand ready in memory, while we begin at the title. Both write the same elements
with the same text, which is checked first. Rounds are interleaved. Memory is measured in processes of their own.
`--titles=N`, `--rounds=N`, `--memory=1000,10000,100000`.
"""

from __future__ import annotations

import io
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter, process_time
from typing import BinaryIO

from lxml import etree

from include.feeds import renderer_for
from include.feeds.record import Header, Renderer
from include.partners.model import House, Partner
from include.titles.model import Collection, Contributor, Language, Price, Product, Related, Resource, Subject, Text, Work

ROOT = Path(__file__).resolve().parents[1]
TODAY = date(2026, 11, 21)
HEADER = Header(1, datetime(2026, 11, 21, tzinfo=UTC))
PEER_NAMESPACE = b"http://www.editeur.org/onix/3.0/reference"  # the one that onixlib knows, of before 2010
NAMESPACE = b"http://ns.editeur.org/onix/3.0/reference"
PEER_TITLES = 100  # it is slow

HOUSE = House.model_validate({
    "sender": {"name": "Bench & Co"},
    "publisher": "Bench & Co",
    "domain": "com.example.bench",
    "taxes": [{"country": "GB", "forms": ["B", "E"], "rate_code": "Z"}],
})
PARTNER = Partner.model_validate({
    "id": "bench",
    "name": "Bench",
    "addressee": {"name": "Bench"},
    "transport": {"protocol": "sftp", "connection": "bench", "folder": "/"},
    "feed": {
        "title_text": True,
        "territory": "world_with_exceptions",
        "markets": [
            {
                "countries": ["GB", "IE"],
                "supplier": {"role": "01", "name": "Bench & Co", "gln": "5030670000012"},
                "prices": [{"currency": "GBP", "discount_percent": 40, "territory": ["GB"]}],
            }
        ],
    },
})

_WORDS = "the lantern keeps its own weather and nobody on the quay believes a word that the tide has written since".split()  # noqa: SIM905


def titles(number: int) -> Iterator[Product]:
    """So many products, three formats to a work, each work with texts, names and subjects of its own."""
    work = _work(0)
    for one in range(number):
        if one % 3 == 0:
            work = _work(one // 3)
        yield _product(one, work)


def _work(number: int) -> Work:
    prose = " ".join(_WORDS[(number * 7 + at * (1 + number % 5)) % len(_WORDS)] for at in range(180))
    return Work(
        id=number,
        title=f"Lantern No. {number}",
        subtitle="A novel of the northern sea",
        reference=f"LQ-{number}",
        imprint="Lantern Fiction",
        edition_number="2",
        contributors=(
            Contributor(
                1,
                "A01",
                f"Zoë O’Dair {number}",
                "Zoë",
                f"O’Dair {number}",
                isni="0000000121032683",
                biography=f"Zoë O’Dair {number} keeps a lighthouse & writes at night.",
            ),
            Contributor(2, "A36", f"Max Weber {number}", "Max", f"Weber {number}"),
        ),
        collections=(Collection("Lamps of Europe"),),
        subjects=(
            Subject("10", "FIC019000", "FICTION / Literary", main=True),
            Subject("10", "FIC014000", "FICTION / Historical"),
            Subject("93", "FBA", main=True),
            Subject("93", "FV"),
            Subject("20", "", f"lanterns; sea; {number}"),
        ),
        languages=(Language("01", "eng"),),
        texts=(
            Text("02", prose[:300]),
            Text("03", f"<p>{prose}</p><p><em>{prose[:400]}</em> &amp; more</p>", html=True),
            Text("06", f"“{prose[:120]}”", author="J. Doe", source="The Times"),
        ),
        resources=(Resource(number, f"https://img.example/{number}.jpg", mime="image/jpeg", width=1200, height=1800, updated=TODAY),),
    )


def _product(number: int, work: Work) -> Product:
    form = ("BB", "BC", "ED")[number % 3]
    return Product(
        id=number,
        work=work,
        isbn=f"978{number:010d}",
        form=form,
        form_details=("E101",) if form == "ED" else (),
        publishing_status="04",
        publication_date=date(2016, 1, 1) + timedelta(days=number % 3000),
        height_mm=None if form == "ED" else Decimal("198.5"),
        width_mm=None if form == "ED" else Decimal("129.0"),
        pages=200 + number % 300,
        prices=(Price(Decimal(number % 2000 + 499) / 100, "GBP", "02"), Price(Decimal("14.95"), "USD", "01")),
        related=(Related("06", f"978{number + 1:010d}"), Related("06", f"978{number + 2:010d}")),
        sold_worldwide=True,
        not_sold_in=("US", "CA") if number % 2 else (),
    )


def write_feed(out: BinaryIO, renderer: Renderer, products: Iterator[Product] | Sequence[Product]) -> int:
    written = 0
    with renderer.message(out, HEADER) as message:
        for product in products:
            written += message.add(renderer.render(product, TODAY))[1]
    return written


def main(argv: Sequence[str] = ()) -> None:
    number, rounds = int(_option(argv, "--titles", "3000")), int(_option(argv, "--rounds", "5"))
    sizes = [int(size) for size in _option(argv, "--memory", "1000,10000,100000").split(",") if size]
    if worker := _option(argv, "--only", ""):
        _alone(int(worker))
        return
    _speed(number, rounds)
    _memory(sizes)


def _speed(number: int, rounds: int) -> None:
    renderer = renderer_for(PARTNER, HOUSE)
    products = list(titles(number))
    bodies = [renderer.render(product, TODAY).body for product in products]
    peer = _peer(renderer, products[:PEER_TITLES])

    def ours(out: BinaryIO) -> int:
        write_feed(out, renderer_for(PARTNER, HOUSE), products)
        return number

    def bytes_alone(out: BinaryIO) -> int:
        with renderer.message(out, HEADER) as message:
            for body in bodies:
                message.add(body)
        return number

    def onixlib(out: BinaryIO) -> int:
        out.write(peer().encode())
        return len(products[:PEER_TITLES])

    ways: dict[str, Callable[[BinaryIO], int]] = {
        "ours, from the title": ours,
        "the same bytes, unrendered": bytes_alone,
        "onixlib, from its objects": onixlib,
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):  # interleaved: the machine's moods fall on all alike
            for name, way in ways.items():
                with (Path(folder) / "feed.xml").open("wb") as out:
                    began = process_time()
                    done = way(out)
                    out.flush()
                    rates[name].append(done / max(process_time() - began, 1e-9))
    size = statistics.mean(map(len, bodies))
    print(f"{number} products of {size / 1000:.1f} kB ({PEER_TITLES} by onixlib), ONIX 3.0 reference")
    print(f"Processor time, medians of {rounds} rounds\n")
    print(f"{'':30}{'products/s':>12}{'MB/s':>9}{'ours is':>12}")
    our_rate = statistics.median(rates["ours, from the title"])
    for name, found in rates.items():
        rate = statistics.median(found)
        print(f"{name:30}{rate:12,.0f}{rate * size / 1e6:9.1f}{our_rate / rate:11.3g}×")


def _peer(renderer: Renderer, products: Sequence[Product]) -> Callable[[], str]:
    """onixlib's own serialiser on objects equal to our records. Raises `SystemExit` if it writes anything else than we do."""
    from onixlib import Notice

    ours = io.BytesIO()
    write_feed(ours, renderer, products)
    notice = Notice.parse_full(io.BytesIO(ours.getvalue().replace(NAMESPACE, PEER_NAMESPACE)))
    if _content(notice.to_xml().encode()) != _content(ours.getvalue()):
        raise SystemExit("onixlib does not write the same content: the comparison would not be fair")
    return notice.to_xml


def _content(xml: bytes) -> Counter[tuple[str, str]]:
    """Every element's name with its text, the header's and the XHTML's aside."""
    root = etree.fromstring(xml)
    return Counter(
        (etree.QName(element).localname, (element.text or "").strip()) for product in root[1:] for element in product.iter(etree.Element)
    )


def _memory(sizes: Sequence[int]) -> None:
    print(f"\n{'products':>12}{'file, MB':>12}{'peak, MB':>12}{'seconds':>12}")
    for size in sizes:
        command = [sys.executable, "-c", "import sys; from bench.render import main; main(sys.argv[1:])", f"--only={size}"]
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
        print(f"{size:12,}{float(said[0]):12.1f}{float(said[1]):12.1f}{float(said[2]):12.1f}")


def _alone(number: int) -> None:
    import resource

    began = perf_counter()
    with tempfile.TemporaryFile() as out:
        written = write_feed(out, renderer_for(PARTNER, HOUSE), titles(number))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)
    print(written / 1e6, peak if sys.platform != "darwin" else peak / 1e6, perf_counter() - began)


def _option(argv: Sequence[str], name: str, default: str) -> str:
    return next((word.partition("=")[2] for word in argv if word.startswith(f"{name}=")), default)


if __name__ == "__main__":
    main(sys.argv[1:])
