"""What an image is made of: bytes on disk, or a cover that is drawn when somebody looks at it."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from sandbox.catalogue.chance import dice

Image.MAX_IMAGE_PIXELS = None  # agencies' masters are larger than Pillow likes

SPACES = {"RGB": "RGB", "RGBA": "RGB", "P": "RGB", "CMYK": "CMYK", "L": "Gray", "1": "Gray", "LA": "Gray", "I;16": "Gray", "LAB": "Lab"}
FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "TIFF": "tif", "PSD": "psd", "GIF": "gif", "AVIF": "avif", "BMP": "bmp"}
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Drawing:
    """A cover that is not drawn yet: the same words make the same bytes."""

    title: str
    kind: str = "front"  # front, back, full, series
    width: int = 1200
    height: int = 1800
    colour: str = "rgb"  # rgb, cmyk, gray
    profile: bool = True
    seed: int = 1
    note: str = ""  # a comment inside the file: other bytes for the same picture, drawn once for all

    def jpeg(self) -> bytes:
        data = _drawn(replace(self, note=""))
        if not self.note:
            return data
        comment = self.note.encode()
        return data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]


@lru_cache(maxsize=64)
def _drawn(drawing: Drawing) -> bytes:
    roll = dice(83, drawing.seed, int.from_bytes(hashlib.md5(f"{drawing.title}|{drawing.kind}".encode()).digest()[:8]))
    width, height = drawing.width, drawing.height
    ground, light, dark = (tuple(roll.randrange(low, low + 90) for _ in range(3)) for low in (90, 165, 0))
    image = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(image)
    for _ in range(5):
        x, y, radius = roll.uniform(0, width), roll.uniform(height * 0.3, height), roll.uniform(0.08, 0.4) * min(width, height)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=roll.choice((light, dark)))
    if drawing.kind == "full":
        draw.rectangle((width * 0.48, 0, width * 0.52, height), fill=dark)
    draw.rectangle((0, 0, width, height * 0.24), fill=dark)
    draw.text((width * 0.06, height * 0.07), drawing.title[:40], fill=light, font=ImageFont.load_default(size=max(8, width // 16)))
    draw.text((width * 0.06, height * 0.9), drawing.kind.upper(), fill=light, font=ImageFont.load_default(size=max(8, width // 24)))
    return as_jpeg(image, drawing.colour, profile=drawing.profile)


def as_jpeg(image: Image.Image, colour: str, *, profile: bool) -> bytes:
    from sandbox.files.colour import cmyk_profile, srgb_profile

    mode = {"rgb": "RGB", "cmyk": "CMYK", "gray": "L"}[colour]
    icc = (cmyk_profile() if mode == "CMYK" else srgb_profile() if mode == "RGB" else None) if profile else None
    file = BytesIO()
    image.convert(mode).save(file, "JPEG", quality=82, dpi=(300, 300), icc_profile=icc)
    return file.getvalue()


@dataclass(eq=False)
class Content:
    """Bytes with what can be read from them: those of `path`, or those that `drawing` makes."""

    path: Path | None = None
    drawing: Drawing | None = None
    name: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> bytes:
        if self.path is not None:
            return self.path.read_bytes()
        assert self.drawing is not None
        return self.drawing.jpeg()

    @cached_property
    def size(self) -> int:
        return self.path.stat().st_size if self.path is not None else len(self.read())

    @cached_property
    def etag(self) -> str:
        if self.path is None:
            return hashlib.md5(self.read()).hexdigest()
        found = hashlib.md5()
        with self.path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
        return found.hexdigest()

    @cached_property
    def facts(self) -> tuple[str, int, int, str, int]:
        """(format, width, height, colour space, pages) of an image or a PDF. Raises `ValueError` for anything else."""
        if self.is_pdf:
            return _pdf_facts(self.read())
        try:
            with self._opened() as image:
                space = SPACES.get(image.mode, "RGB")
                return FORMATS[str(image.format)], image.width, image.height, space, int(getattr(image, "n_frames", 1))
        except (OSError, SyntaxError, KeyError, UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise ValueError("Invalid image file") from error

    @cached_property
    def is_pdf(self) -> bool:
        if self.path is None:
            return False
        with self.path.open("rb") as file:
            return file.read(5) == b"%PDF-"

    def _opened(self) -> Image.Image:
        return Image.open(self.path if self.path is not None else BytesIO(self.read()))

    def picture(self, page: int = 1) -> Image.Image:
        """Its pixels, in memory."""
        if self.is_pdf:
            return _pdf_page(self.read(), page)
        with self._opened() as image:
            if page > 1:
                image.seek(page - 1)
            image.load()
            return image.convert("RGBA" if image.mode in {"RGBA", "LA", "P"} else "RGB")

    @cached_property
    def dpi(self) -> int:
        try:
            with self._opened() as image:
                return round(float((image.info.get("dpi") or (0, 0))[0]))
        except (OSError, SyntaxError, ValueError, TypeError):
            return 0


def _pdf_facts(data: bytes) -> tuple[str, int, int, str, int]:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise ValueError("Invalid image file") from error
    width, height = document[0].get_size()
    return "pdf", round(width), round(height), "RGB", len(document)


def _pdf_page(data: bytes, page: int) -> Image.Image:
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    if not 1 <= page <= len(document):
        raise ValueError("there is no such page")
    found: Image.Image = document[page - 1].render(scale=2).to_pil().convert("RGB")
    return found
