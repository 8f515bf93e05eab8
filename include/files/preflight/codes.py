"""Every finding that preflight knows: its code, how grave it is, one sentence, what to do.

A fail stops a package until a person decides; a warning and a note travel with it. `Expected.severities` gives a
printer's or vendor's other opinion. `docs/preflight.md` is made from `table`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from include.files.model import Finding, Severity
from include.files.preflight.expected import Expected

FAIL, WARN, NOTE = Severity.FAIL, Severity.WARN, Severity.NOTE


@dataclass(frozen=True, slots=True)
class Code:
    code: str
    about: str  # any file, PDF, EPUB, audio, audio set, picture
    severity: Severity
    sentence: str
    todo: str


def _of(about: str, *rows: tuple[str, Severity, str, str]) -> tuple[Code, ...]:
    return tuple(Code(code, about, severity, sentence, todo) for code, severity, sentence, todo in rows)


CODES: dict[str, Code] = {
    one.code: one
    for one in (
        *_of(
            "any file",
            ("check-stopped", FAIL, "The check was stopped: the file takes too long, or makes its reader fail.", "Ask for the file again."),
            ("format-unexpected", FAIL, "The file is of another format than this partner takes.", "Export it in a format that is taken."),
            (
                "file-too-large",
                FAIL,
                "The file is larger than this partner takes.",
                "Export it smaller, or agree another way with the partner.",
            ),
            (
                "isbn-wrong",
                FAIL,
                "The file shows an ISBN, but not this product's.",
                "Check that the file belongs to this product, then correct it.",
            ),
            (
                "isbn-invalid",
                FAIL,
                "Instead of the ISBN the file shows a number with a wrong check digit.",
                "Correct the number in the file.",
            ),
            ("isbn-missing", NOTE, "No ISBN could be read in the file, neither as text nor as a barcode.", "Look at it."),
        ),
        *_of(
            "PDF",
            ("pdf-unreadable", FAIL, "The PDF can't be read.", "Ask for the file again, exported anew."),
            ("pdf-damaged", WARN, "The PDF is damaged and was only read after repair.", "Ask for the file again, exported anew."),
            (
                "pdf-encrypted",
                FAIL,
                "The PDF is protected: printers' systems can't open it.",
                "Export it without password and permissions.",
            ),
            ("pdf-too-complex", WARN, "A page is so complex that it was not read to its end.", "Look at the page; flatten it if need be."),
            (
                "pages-differ",
                FAIL,
                "The page count isn't the product's extent.",
                "Correct the extent in Consonance, or ask for the right file.",
            ),
            ("pages-uneven", WARN, "The page count isn't a multiple of what the binding needs.", "Add blank pages at the end."),
            (
                "cover-pages",
                FAIL,
                "A flat cover or jacket is one page, or two with its inside.",
                "Export outside and inside as one page each.",
            ),
            ("pages-mixed", FAIL, "The pages are of different sizes.", "Export all pages with one trim size."),
            ("pages-offset", WARN, "The trimmed page sits elsewhere on some sheets.", "Export all pages with the same offset."),
            (
                "pages-rotated",
                WARN,
                "Pages are shown turned, which imposition may ignore.",
                "Turn the pages themselves, not their display.",
            ),
            (
                "trim-missing",
                FAIL,
                "There is no TrimBox: nobody can know the finished page.",
                "Export with a TrimBox (any PDF/X preset does).",
            ),
            (
                "trim-differs",
                FAIL,
                "The trimmed size isn't the product's.",
                "Correct the measures in Consonance, or ask for the right file.",
            ),
            ("bleed-missing", FAIL, "There is no BleedBox, and no room around the trimmed page.", "Export with bleed."),
            ("bleed-small", FAIL, "There is less bleed than the printer needs.", "Export with more bleed."),
            ("boxes-nested", FAIL, "A page box lies outside the box that must hold it.", "Export again: trim within bleed within media."),
            ("spine-differs", FAIL, "The spine isn't as wide as the book block.", "Ask for a cover made for this extent and paper."),
            ("spine-unchecked", NOTE, "The spine couldn't be measured: the flaps' width isn't known.", "Measure it by hand."),
            ("fonts-missing", FAIL, "Fonts aren't embedded: other letters would be printed.", "Export with all fonts embedded."),
            ("fonts-type3", WARN, "Type 3 fonts print badly at small sizes.", "Use another font, or outline these letters."),
            ("pdfx-missing", FAIL, "The file isn't PDF/X.", "Export with the printer's PDF/X preset."),
            ("pdfx-other", FAIL, "The file is another PDF/X than the printer takes.", "Export with the printer's PDF/X preset."),
            ("pdfx-intent", FAIL, "The PDF/X output intent is missing or says nothing.", "Export with the printer's PDF/X preset."),
            ("pdfx-transparency", FAIL, "There is transparency, which PDF/X-1a and PDF/X-3 forbid.", "Flatten it, or agree on PDF/X-4."),
            ("colour-rgb", FAIL, "There are RGB colours where process colours are wanted.", "Convert them with the printer's profile."),
            ("colour-cmyk", FAIL, "There are process colours where only RGB and gray are wanted.", "Convert them to sRGB."),
            ("colour-not-gray", WARN, "There is colour where the book is printed in black.", "Convert the pages to gray, or order colour."),
            ("colour-spots", WARN, "There are spot colours that nobody ordered.", "Convert them, or order them."),
            ("image-dpi-low", WARN, "A picture has fewer dots per inch than wanted.", "Place a larger picture, or print it smaller."),
            ("image-dpi-too-low", FAIL, "A picture has less than half the dots per inch wanted.", "Place a larger picture."),
            ("pdf-annotations", WARN, "There are comments or other annotations on the pages.", "Delete them: some printers print them."),
            ("pdf-form", WARN, "There are form fields on the pages.", "Flatten the form."),
            ("pdf-active", FAIL, "The file holds scripts, launch actions or embedded files.", "Export it without them."),
            ("pdf-layers", WARN, "Layers are hidden, and may be printed or not.", "Flatten the layers as they should print."),
        ),
        *_of(
            "EPUB",
            ("epub-unreadable", FAIL, "The EPUB can't be read.", "Ask for the file again."),
            (
                "epub-mimetype",
                FAIL,
                "The container doesn't begin with a stored `mimetype`.",
                "Pack it with an EPUB tool, not with a plain zip.",
            ),
            ("epub-protected", FAIL, "The content is encrypted: the vendor can't open it.", "Ask for the file without DRM."),
            ("epub-metadata", FAIL, "Title, language or identifier is missing.", "Add it to the package document."),
            ("epub-identifier", FAIL, "No identifier of the package is an ISBN.", "Put the e-book's ISBN into dc:identifier."),
            ("epub-version", WARN, "The file is EPUB 2, which retailers and the accessibility rules leave behind.", "Export as EPUB 3."),
            ("epub-files-missing", FAIL, "Files of the manifest aren't in the container.", "Pack it again, complete."),
            ("epub-toc", FAIL, "There is no table of contents to navigate by.", "Add a navigation document."),
            ("epub-cover", WARN, "No cover picture is declared.", "Declare it with the property cover-image."),
            (
                "epub-accessibility",
                FAIL,
                "Accessibility metadata that EPUB Accessibility 1.1 demands is missing.",
                "Add the schema.org properties.",
            ),
            ("epub-accessibility-advice", NOTE, "Accessibility metadata that is advised is missing.", "Add it: retailers show it."),
            ("epub-accessibility-value", WARN, "An accessibility value isn't in schema.org's vocabulary.", "Correct the value."),
            (
                "epub-conformance",
                WARN,
                "The file doesn't claim to conform to EPUB Accessibility at WCAG level AA.",
                "Have it tested, then add dcterms:conformsTo.",
            ),
            ("epub-alt", WARN, "Pictures have no alternative text.", "Describe them, or mark them as decoration with an empty alt."),
            ("epubcheck-error", FAIL, "EPUBCheck found an error.", "Correct it: retailers refuse such files."),
            ("epubcheck-warning", WARN, "EPUBCheck warns.", "Correct it where you can."),
            ("epubcheck-not-run", NOTE, "EPUBCheck was not run.", "Install Java, or have the vendor's report."),
        ),
        *_of(
            "audio",
            ("audio-unreadable", FAIL, "The sound can't be read.", "Ask for the file again."),
            ("audio-damaged", FAIL, "The sound breaks off, or parts of it can't be decoded.", "Ask for the file again."),
            ("audio-bitrate", FAIL, "The bit rate is lower than wanted.", "Export at the vendor's bit rate; never recode what is too low."),
            ("audio-variable", FAIL, "The bit rate varies.", "Export with a constant bit rate."),
            ("audio-sample-rate", FAIL, "The sample rate isn't one that the vendor takes.", "Export at the vendor's sample rate."),
            ("audio-channels", FAIL, "Mono is wanted and this is stereo, or the other way round.", "Export with the wanted channels."),
            ("audio-long", FAIL, "The file is longer than the vendor takes.", "Split the chapter."),
            ("audio-level", FAIL, "The loudness (RMS) is outside the wanted range.", "Master it again."),
            ("audio-peak", FAIL, "Peaks are too high.", "Limit the peaks."),
            ("audio-noise", FAIL, "The noise floor is too high.", "Reduce the noise, or record again."),
            ("audio-head", WARN, "The room tone before the first word is too short or too long.", "Trim or extend it."),
            ("audio-tail", WARN, "The room tone after the last word is too short or too long.", "Trim or extend it."),
        ),
        *_of(
            "audio set",
            ("set-mixed", FAIL, "Some files are mono and others stereo, or their sample rates differ.", "Export all files alike."),
            ("chapter-gap", FAIL, "A chapter's number is missing.", "Ask for the missing chapter, or number the files again."),
            (
                "chapter-twice",
                FAIL,
                "Two files have one chapter's number, or one file is there under two names.",
                "Ask which one is right.",
            ),
            ("chapter-unnumbered", WARN, "A file's name has no chapter number: its place isn't known.", "Number the files."),
            ("chapter-tag", WARN, "The track number inside a file isn't the one of its name.", "Correct the tag, or the name."),
            ("credits-opening", WARN, "No file is named as the opening credits.", "Add them, or name the file so."),
            ("credits-closing", WARN, "No file is named as the closing credits.", "Add them, or name the file so."),
            ("sample-missing", WARN, "No file is named as the retail sample.", "Add it, or name the file so."),
            ("sample-length", FAIL, "The retail sample is too short or too long.", "Cut it anew."),
            (
                "duration-differs",
                WARN,
                "The files together aren't as long as the product.",
                "Correct the duration in Consonance, or ask for what is missing.",
            ),
        ),
        *_of(
            "picture",
            ("picture-unreadable", FAIL, "The picture can't be read.", "Ask for the file again."),
            ("picture-small", FAIL, "The picture has too few pixels.", "Export it larger from the original."),
            ("picture-large", FAIL, "The picture has more pixels than are taken.", "Export it smaller."),
            ("picture-colour", FAIL, "The picture is of another colour space than wanted.", "Convert it with the right profile."),
            ("picture-profile", NOTE, "The picture has no colour profile: its colours are a guess.", "Export with the profile embedded."),
            ("picture-ratio", WARN, "The picture's shape isn't the wanted one.", "Crop it, or check that it belongs to this product."),
        ),
    )
}


def finding(code: str, message: str = "", *, where: str = "", todo: str = "", file: str = "") -> Finding:
    """A finding with the code's severity; its own sentence and advice where none is given. Raises KeyError for an unknown code."""
    one = CODES[code]
    return Finding(code, one.severity, message or one.sentence, todo or one.todo, where, file)


_ORDER = {FAIL: 0, WARN: 1, NOTE: 2}


def settled(findings: Iterable[Finding], expected: Expected) -> tuple[Finding, ...]:
    """Gravest first, otherwise in the order found, with the severities that `expected` asks for; what is off is left out."""
    other = dict(expected.severities)
    kept = [
        Finding(one.code, Severity(other.get(one.code, one.severity)), one.message, one.todo, one.where, one.file)
        for one in findings
        if other.get(one.code) != "off"
    ]
    return tuple(sorted(kept, key=lambda one: _ORDER[one.severity]))


def table() -> list[tuple[str, str, str, str, str]]:
    """(about, code, severity, sentence, what to do) of every code, for the documentation."""
    return [(one.about, one.code, str(one.severity), one.sentence, one.todo) for one in CODES.values()]
