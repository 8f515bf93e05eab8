"""Covers: made into what the partner takes, or refused with a reason."""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageCms, ImageDraw

from include.errors import RejectedData, TransientError
from include.feeds.covers import fetch, prepare_cover
from include.partners.model import Covers


def encoded(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def prepared(content: bytes, **covers: Any) -> Image.Image:
    image = Image.open(BytesIO(prepare_cover(BytesIO(content), Covers(**covers))))
    image.load()
    return image


def close(pixel: Any, wanted: tuple[int, int, int], by: int = 12) -> bool:
    return all(abs(one - other) <= by for one, other in zip(pixel, wanted, strict=True))


def picture(mode: str = "RGB", size: tuple[int, int] = (60, 90)) -> Image.Image:
    image = Image.new("RGB", size, (200, 30, 30))
    ImageDraw.Draw(image).rectangle((0, 0, size[0], size[1] // 2), fill=(30, 30, 200))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16", "I"])
@pytest.mark.parametrize("format", ["jpeg", "png", "tiff"])
def test_every_kind_of_image_becomes_rgb_in_the_partners_format(mode: str, format: str) -> None:
    image = picture("L").convert("I").point(lambda value: value * 257).convert("I;16") if mode == "I;16" else picture(mode)
    out = prepared(encoded(image, "TIFF" if mode == "I" else "PNG"), format=format)
    assert (out.mode, out.format, out.size) == ("RGB", format.upper(), (60, 90))


def test_sixteen_bits_are_brought_down_to_eight() -> None:
    grey = Image.new("I", (50, 50), 32768).convert("I;16")
    bright = grey.copy()
    bright.putpixel((0, 0), 65535)
    assert close(prepared(encoded(bright), format="png").getpixel((25, 25)), (128, 128, 128), 2)


def test_cmyk_becomes_rgb() -> None:
    out = prepared(encoded(picture("CMYK"), "JPEG", quality=95))
    assert close(out.getpixel((30, 80)), (200, 30, 30), 25)


def test_a_colour_profile_is_applied_and_left_out() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    out = prepared(encoded(picture(), "JPEG", icc_profile=lab, quality=95))
    assert "icc_profile" not in out.info
    assert close(out.getpixel((30, 80)), (200, 30, 30))
    assert prepared(encoded(picture(), "JPEG", icc_profile=b"broken")).size == (60, 90)


def test_transparency_lies_on_white() -> None:
    clear = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    assert prepared(encoded(clear), format="png").getpixel((5, 5)) == (255, 255, 255)
    palette = Image.new("P", (40, 40), 0)
    assert prepared(encoded(palette, "PNG", transparency=0), format="png").getpixel((5, 5)) == (255, 255, 255)


def test_a_photograph_on_its_side_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter to the right
    out = prepared(encoded(picture(), "JPEG", exif=exif, quality=95))
    assert out.size == (90, 60)
    assert not out.getexif()


def test_larger_covers_are_made_smaller_and_small_ones_never_larger() -> None:
    assert prepared(encoded(picture(size=(1000, 3000)), "JPEG"), longest_side=800).size == (267, 800)
    assert prepared(encoded(picture(size=(3000, 1)), "PNG"), longest_side=100).size == (100, 1)
    assert prepared(encoded(picture(size=(50, 70))), longest_side=800).size == (50, 70)


def test_the_same_cover_gives_the_same_bytes() -> None:
    source = encoded(picture("RGBA", (900, 1200)))
    for format in ("jpeg", "png", "tiff"):
        wish = Covers(format=format, longest_side=500)
        assert prepare_cover(BytesIO(source), wish) == prepare_cover(BytesIO(source), wish)


def test_a_cover_that_fits_is_sent_as_it_is() -> None:
    source = encoded(picture(), "JPEG", quality=70)
    assert prepare_cover(BytesIO(source), Covers(longest_side=800)) == source


def test_of_several_frames_the_first_is_taken() -> None:
    moving = encoded(picture("P"), "GIF", save_all=True, append_images=[Image.new("P", (60, 90), 7)])
    assert close(prepared(moving, format="png").getpixel((30, 80)), (200, 30, 30), 40)  # a GIF has few colours


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 2.5 thousand million pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


BROKEN: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"<html>Not found</html>",
    "a page description": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "a PDF": lambda: b"%PDF-1.7\n",
    "a JPEG that breaks off": lambda: encoded(picture(size=(600, 900)), "JPEG")[:4000],
    "a PNG that breaks off": lambda: encoded(picture(size=(600, 900)))[:-200],
    "a PNG with a broken head": lambda: encoded(picture())[:20] + b"\0" * 50,
    "a TIFF of nonsense": lambda: b"II*\x00" + b"\xff" * 100,
    "a bomb": bomb,
    "just over the limit": lambda: encoded(Image.new("1", (8001, 8001))),
}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_usable_image_is_refused(what: str) -> None:
    with pytest.raises(RejectedData, match="cover"):
        prepare_cover(BytesIO(BROKEN[what]()), Covers())


# --- fetching


class Shop(BaseHTTPRequestHandler):
    image = encoded(picture(), "JPEG")

    def do_GET(self) -> None:
        match self.path:
            case "/c.jpg":
                self.say(200, "image/jpeg", self.image)
            case "/untyped":
                self.say(200, "application/octet-stream", self.image)
            case "/page":
                self.say(200, "text/html; charset=utf-8", b"<html>")
            case "/nothing":
                self.say(200, "image/jpeg", b"")
            case "/huge":
                self.send_response(200)
                self.send_header("Content-Type", "image/jpeg")
                self.end_headers()  # without a length: it shows while it is read
                self.wfile.write(b"x" * 200_000)
            case "/round":
                self.send_response(302)
                self.send_header("Location", "/round")
                self.end_headers()
            case "/file":
                self.send_response(302)
                self.send_header("Location", "file:///etc/passwd")
                self.end_headers()
            case "/cut":
                self.send_response(200)
                self.send_header("Content-Type", "image/jpeg")
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"x" * 10)
            case path:
                self.send_response(int(path.removeprefix("/")))
                self.send_header("Retry-After", "7")
                self.send_header("Content-Length", "0")
                self.end_headers()

    def say(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_cover_is_fetched(shop: str) -> None:
    assert fetch(f"{shop}/c.jpg") == Shop.image
    assert fetch(f"{shop}/untyped") == Shop.image


@pytest.mark.parametrize("path", ["404", "410", "403", "page", "nothing", "huge", "round", "file"])
def test_an_address_without_an_image_is_refused(path: str, shop: str) -> None:
    with pytest.raises(RejectedData):
        fetch(f"{shop}/{path}", limit=100_000)


def test_a_length_over_the_limit_is_refused_before_it_is_read(shop: str) -> None:
    with pytest.raises(RejectedData, match="10 are allowed"):
        fetch(f"{shop}/c.jpg", limit=10)


@pytest.mark.parametrize("path", ["500", "503", "429", "cut"])
def test_a_busy_server_is_worth_another_try(path: str, shop: str) -> None:
    with pytest.raises(TransientError) as error:
        fetch(f"{shop}/{path}")
    assert error.value.retry_after == (None if path == "cut" else 7)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "c.jpg", "", "http://", "http://[bad/"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(RejectedData):
        fetch(url)


def test_a_server_that_is_not_there_is_worth_another_try() -> None:
    with pytest.raises(TransientError):
        fetch("http://127.0.0.1:1/c.jpg", timeout=2)
