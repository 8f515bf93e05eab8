"""Any picture as sRGB: by its embedded profile, else by stated assumptions.

Without a profile RGB and gray are taken for sRGB. For CMYK no free profile comes with our libraries, and the arithmetic
that Pillow offers turns print colours garish; so CMYK without a profile is shown as PDFium shows DeviceCMYK (its tables
follow Adobe's US Web Coated SWOP): a TIFF looks as it would on the page of a PDF. Transparent parts lie on white.
"""

from __future__ import annotations

import io
from typing import Any, cast

from PIL import Image, ImageCms

SPACES = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY", "LAB": "Lab"}  # Pillow's mode → the profile's colour space


def plain(image: Image.Image) -> Image.Image:
    """In a mode with eight bits per sample that can be made smaller: L, LA, RGB, RGBA, CMYK or LAB."""
    if image.mode in {"P", "PA"}:
        return image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    if image.mode == "1":
        return image.convert("L")
    if image.mode == "RGBa":
        return image.convert("RGBA")
    if image.mode.startswith("I;16"):
        import numpy as np

        return Image.fromarray((np.asarray(image) >> 8).astype("uint8"))
    if image.mode in {"I", "F"}:
        import numpy as np

        values = np.nan_to_num(np.asarray(image, dtype="float32"))
        low, high = float(values.min()), float(values.max())
        if image.mode == "I" and low >= 0 and 255 < high <= 65535:
            low, high = 0.0, 65535.0
        return Image.fromarray(((values - low) * (255 / max(high - low, 1e-9))).clip(0, 255).astype("uint8"))
    if image.mode in {"L", "LA", "RGB", "RGBA", "CMYK", "LAB"}:
        return image
    return image.convert("RGB")


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture in mode RGB. A profile that is broken, or made for another colour space than the picture's, is not used."""
    image = plain(image)
    alpha = image.getchannel("A") if image.mode in {"LA", "RGBA"} else None
    if alpha is not None:
        image = image.convert(image.mode[:-1])
    shown = _by_profile(image, profile) or _assumed(image)
    if alpha is None:
        return shown
    white = Image.new("RGB", shown.size, "white")
    white.paste(shown, mask=alpha)
    return white


def profile_name(profile: bytes | None) -> str:
    """The profile's own description, "" if there is none or it is broken."""
    if not profile:
        return ""
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return ""


def _by_profile(image: Image.Image, profile: bytes | None) -> Image.Image | None:
    if not profile and image.mode != "LAB":
        return None
    try:
        source: Any = ImageCms.createProfile("LAB") if image.mode == "LAB" else ImageCms.ImageCmsProfile(io.BytesIO(cast(bytes, profile)))
        if image.mode != "LAB" and source.profile.xcolor_space.strip() != SPACES.get(image.mode):
            return None
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _assumed(image: Image.Image) -> Image.Image:
    return device_cmyk(image) if image.mode == "CMYK" else image.convert("RGB")


def device_cmyk(image: Image.Image) -> Image.Image:
    """A CMYK picture as PDFium shows it: laid on a page of its own size, one point to a pixel."""
    import pikepdf
    import pypdfium2

    width, height = image.size
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(width, height))
        page.obj.Resources = pikepdf.Dictionary(
            XObject=pikepdf.Dictionary(
                Im=pdf.make_stream(
                    image.tobytes(),
                    Type=pikepdf.Name.XObject,
                    Subtype=pikepdf.Name.Image,
                    Width=width,
                    Height=height,
                    ColorSpace=pikepdf.Name.DeviceCMYK,
                    BitsPerComponent=8,
                )
            )
        )
        page.obj.Contents = pdf.make_stream(b"%d 0 0 %d 0 0 cm /Im Do" % (width, height))
        laid = io.BytesIO()
        pdf.save(laid, compress_streams=False)
    document = pypdfium2.PdfDocument(laid.getvalue())
    try:
        return cast(Image.Image, document[0].render(scale=1).to_pil()).convert("RGB")
    finally:
        document.close()
