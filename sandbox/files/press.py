"""What makes a PDF fit for the press: page boxes, PDF/X keys, an output intent (ISO 15930)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream, String

from sandbox.files import colour

BLEED = 3.0  # mm, as Clays and CPI ask
SLUG = 10.0  # mm around the trimmed page, for bleed and crop marks
_MM = 72 / 25.4


def finish(path: Path, trim: tuple[float, float], made: date, *, pdfx: str = "", defect: str = "") -> None:
    """Sets boxes on every page and PDF/X-1a:2001 keys (`pdfx` "PDF/X-4": those) in the file itself. `trim` is (width, height) in mm;
    the page has `SLUG` around it."""
    version = pdfx or "PDF/X-1a:2001"
    bleed = 1.0 if defect == "small-bleed" else BLEED
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        for page in pdf.pages:
            if defect != "no-trimbox":
                page.TrimBox = _box(SLUG, trim)
            if defect == "no-trimbox":
                page.MediaBox = _box(SLUG, trim)
            elif defect == "no-bleed":
                page.MediaBox = page.TrimBox
            else:
                page.BleedBox = _box(SLUG - bleed, (trim[0] + 2 * bleed, trim[1] + 2 * bleed))
                if defect == "small-bleed":
                    page.MediaBox = page.BleedBox
        stamp = String(f"D:{made:%Y%m%d}103000Z")
        pdf.docinfo[Name.CreationDate] = pdf.docinfo[Name.ModDate] = stamp
        pdf.docinfo[Name.Producer] = String("Sandbox Distiller")
        if defect != "no-pdfx":
            _key(pdf, version)
            if defect != "no-intent":
                pdf.Root.OutputIntents = Array([_intent(pdf, version)])
        old = version != "PDF/X-4"
        if defect == "layers":
            _hide_a_layer(pdf)
        if defect == "annotation":
            note = Dictionary(Type=Name.Annot, Subtype=Name.Text, Rect=Array([60, 60, 80, 80]), Contents=String("Check this line"))
            pdf.pages[0].Annots = Array([pdf.make_indirect(note)])
        if defect == "script":
            pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.alert('hello')"))
        encryption = pikepdf.Encryption(owner="secret", user="secret", R=6) if defect == "encrypted" else None
        pdf.save(
            path,
            deterministic_id=encryption is None,
            force_version=("1.3" if old else "1.6") if encryption is None else "",
            object_stream_mode=pikepdf.ObjectStreamMode.disable if old else pikepdf.ObjectStreamMode.generate,
            encryption=encryption or False,
        )


def _box(offset: float, size: tuple[float, float]) -> Array:
    return Array([round(side * _MM, 3) for side in (offset, offset, offset + size[0], offset + size[1])])


def _key(pdf: pikepdf.Pdf, version: str) -> None:
    pdf.docinfo[Name.Trapped] = Name.False_ if hasattr(Name, "False_") else Name("/False")
    if version == "PDF/X-4":
        with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as metadata:
            metadata["{http://www.npes.org/pdfx/ns/id/}GTS_PDFXVersion"] = "PDF/X-4"
            metadata["pdf:Trapped"] = "False"
        return
    base, _, _ = version.partition(":")
    pdf.docinfo[Name.GTS_PDFXVersion] = String("PDF/X-1:2001" if base == "PDF/X-1a" else version)
    if base == "PDF/X-1a":
        pdf.docinfo[Name.GTS_PDFXConformance] = String(version)


def _intent(pdf: pikepdf.Pdf, version: str) -> Dictionary:
    intent = Dictionary(
        Type=Name.OutputIntent,
        S=Name.GTS_PDFX,
        OutputConditionIdentifier=String("FOGRA39"),
        OutputCondition=String("Offset commercial and specialty printing according to ISO 12647-2, paper type 1 or 2"),
        RegistryName=String("http://www.color.org"),
        Info=String("Coated FOGRA39"),
    )
    if version == "PDF/X-4":  # wants the profile itself
        profile = Stream(pdf, colour.cmyk_profile())
        profile.N = 4
        intent.DestOutputProfile = pdf.make_indirect(profile)
    return pdf.make_indirect(intent)


def _hide_a_layer(pdf: pikepdf.Pdf) -> None:
    group = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("Guides")))
    pdf.Root.OCProperties = Dictionary(OCGs=Array([group]), D=Dictionary(OFF=Array([group]), Order=Array([group])))
