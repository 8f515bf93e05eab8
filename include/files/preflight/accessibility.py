"""Accessibility metadata by EPUB Accessibility 1.1 (W3C), as the European Accessibility Act makes it matter.

2.2: accessMode, accessibilityFeature and accessibilityHazard must be there; accessModeSufficient and accessibilitySummary
should. 4: a publication that conforms says so with dcterms:conformsTo. The vocabulary is schema.org's ("Schema.org
Accessibility Properties for Discoverability").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from include.files.epub import Epub, Package
from include.files.model import Finding
from include.files.preflight.codes import finding

MUST = ("accessMode", "accessibilityFeature", "accessibilityHazard")
SHOULD = ("accessModeSufficient", "accessibilitySummary")
DOCUMENTS = 2_000  # content documents that are searched for pictures
_MODES = frozenset({"auditory", "chartOnVisual", "chemOnVisual", "colorDependent", "diagramOnVisual", "mathOnVisual", "musicOnVisual"})
_ALL_MODES = _MODES | {"tactile", "textOnVisual", "textual", "visual"}
_HAZARDS = frozenset({
    "none", "unknown", "flashing", "motionSimulation", "sound",
    "noFlashingHazard", "noMotionSimulationHazard", "noSoundHazard",
    "unknownFlashingHazard", "unknownMotionSimulationHazard", "unknownSoundHazard",
})  # fmt: skip
_FEATURES = frozenset({
    "annotations", "ARIA", "bookmarks", "index", "pageBreakMarkers", "printPageNumbers", "pageNavigation", "readingOrder",
    "structuralNavigation", "tableOfContents", "taggedPDF", "alternativeText", "audioDescription", "captions", "closedCaptions",
    "describedMath", "longDescription", "openCaptions", "rubyAnnotations", "signLanguage", "transcript", "displayTransformability",
    "synchronizedAudioText", "timingControl", "unlocked", "ChemML", "latex", "latex-chemistry", "MathML", "MathML-chemistry",
    "ttsMarkup", "highContrastAudio", "highContrastDisplay", "largePrint", "braille", "tactileGraphic", "tactileObject",
    "fullRubyAnnotations", "horizontalWriting", "verticalWriting", "withAdditionalWordSegmentation",
    "withoutAdditionalWordSegmentation", "none", "unknown",
})  # fmt: skip
_KNOWN = {"accessMode": _ALL_MODES, "accessibilityHazard": _HAZARDS, "accessibilityFeature": _FEATURES, "accessModeSufficient": _ALL_MODES}
_OLD = "http://www.idpf.org/epub/a11y/accessibility-20170105.html#wcag-"  # EPUB Accessibility 1.0, followed by a, aa, aaa
_NEW = re.compile(r"EPUB Accessibility 1\.1 - WCAG 2\.\d Level A{2,3}$", re.IGNORECASE)


def check_accessibility(epub: Epub, facts: dict[str, Any]) -> Iterator[Finding]:
    """Adds `accessibility` (property → values) to the facts. Raises `Refused` for documents that can't be read."""
    package = epub.package
    said = {name: package.values(f"schema:{name}") for name in (*MUST, *SHOULD)}
    claims = (*package.values("dcterms:conformsTo"),)
    facts["accessibility"] = {name: list(values) for name, values in said.items() if values} | (
        {"conformsTo": list(claims)} if claims else {}
    )
    if missing := [name for name in MUST if not said[name]]:
        yield finding("epub-accessibility", f"Accessibility metadata is missing: {', '.join(missing)}.", where=package.path)
    if missing := [name for name in SHOULD if not said[name]]:
        yield finding("epub-accessibility-advice", f"Advised accessibility metadata is missing: {', '.join(missing)}.", where=package.path)
    strange = [f"{name}: {value}" for name, known in _KNOWN.items() for value in _values(name, said[name]) if not _known(value, known)]
    if strange:
        yield finding("epub-accessibility-value", f"Not in schema.org's vocabulary: {'; '.join(strange[:8])}.", where=package.path)
    if not any(_NEW.search(claim) or (claim.startswith(_OLD) and claim.removeprefix(_OLD) in {"aa", "aaa"}) for claim in claims):
        yield finding("epub-conformance", where=package.path)
    silent, first = _silent(epub, package)
    if silent:
        yield finding("epub-alt", f"{silent} pictures have no alternative text.", where=first)


def _values(name: str, said: tuple[str, ...]) -> list[str]:
    return [one.strip() for value in said for one in (value.split(",") if name == "accessModeSufficient" else [value])]


def _known(value: str, known: frozenset[str]) -> bool:
    """Features may be qualified: highContrastDisplay/CSSEnabled, ChemML, braille/..."""
    return value in known or value.partition("/")[0] in known


def _silent(epub: Epub, package: Package) -> tuple[int, str]:
    """How many pictures in the text have no alt attribute at all (an empty one says: decoration), and where the first is."""
    number, first = 0, ""
    documents = [item for item in package.manifest.values() if item.media_type == "application/xhtml+xml" and item.path in epub.names]
    for item in documents[:DOCUMENTS]:
        for image in epub.xml(item.path).iter("{http://www.w3.org/1999/xhtml}img"):
            if image.get("alt") is None and image.get("role") not in {"presentation", "none"}:
                number, first = number + 1, first or item.path
    return number, first
