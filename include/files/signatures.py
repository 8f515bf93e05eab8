"""Signatures of file types: those that can do harm, those that publishers get, and what tells packages and texts apart."""

from __future__ import annotations

from include.files.model import Sniffed

UNKNOWN = Sniffed("application/octet-stream", "", "other")

PDF = Sniffed("application/pdf", ".pdf", "pdf")
EPUB = Sniffed("application/epub+zip", ".epub", "epub")
ZIP = Sniffed("application/zip", ".zip", "archive")
TEXT = Sniffed("text/plain", ".txt", "text")
HTML = Sniffed("text/html", ".html", "other")
XML = Sniffed("application/xml", ".xml", "xml")
SVG = Sniffed("image/svg+xml", ".svg", "xml")
SCRIPT = Sniffed("text/x-script", ".sh", "other")

# Types that act when they are opened. Never accepted, whatever they are called.
ACTIVE = frozenset({
    "application/x-executable", "application/x-msdownload", "application/x-mach-binary", "application/x-elf", "application/x-msi",
    "application/x-ms-shortcut", "application/java-archive", "application/vnd.android.package-archive", "application/java-vm",
    "application/x-apple-diskimage", "application/x-iso9660-image", "application/x-virtual-disk", "application/vnd.ms-cab-compressed",
    "application/x-debian-package", "application/x-rpm", "application/x-xar", "application/wasm", "application/vnd.microsoft.appx",
    "application/x-shockwave-flash", "application/vnd.ms-htmlhelp", "text/x-script", "text/html",
})  # fmt: skip

AT_START: tuple[tuple[bytes, Sniffed], ...] = (
    # programs, installers, images of disks, shortcuts
    (b"\x7fELF", Sniffed("application/x-elf", ".elf", "other")),
    (b"\xfe\xed\xfa\xce", Sniffed("application/x-mach-binary", ".macho", "other")),
    (b"\xfe\xed\xfa\xcf", Sniffed("application/x-mach-binary", ".macho", "other")),
    (b"\xce\xfa\xed\xfe", Sniffed("application/x-mach-binary", ".macho", "other")),
    (b"\xcf\xfa\xed\xfe", Sniffed("application/x-mach-binary", ".macho", "other")),
    (b"\xca\xfe\xba\xbe", Sniffed("application/java-vm", ".class", "other")),  # or a universal Mach-O
    (b"\0asm", Sniffed("application/wasm", ".wasm", "other")),
    (b"L\0\0\0\x01\x14\x02\0", Sniffed("application/x-ms-shortcut", ".lnk", "other")),
    (b"MSCF\0\0\0\0", Sniffed("application/vnd.ms-cab-compressed", ".cab", "other")),
    (b"!<arch>\ndebian", Sniffed("application/x-debian-package", ".deb", "other")),
    (b"\xed\xab\xee\xdb", Sniffed("application/x-rpm", ".rpm", "other")),
    (b"xar!\0", Sniffed("application/x-xar", ".pkg", "other")),
    (b"conectix", Sniffed("application/x-virtual-disk", ".vhd", "other")),
    (b"vhdxfile", Sniffed("application/x-virtual-disk", ".vhdx", "other")),
    (b"KDMV", Sniffed("application/x-virtual-disk", ".vmdk", "other")),
    (b"QFI\xfb", Sniffed("application/x-virtual-disk", ".qcow2", "other")),
    (b"ITSF\x03\0", Sniffed("application/vnd.ms-htmlhelp", ".chm", "other")),
    # what publishers get
    (b"\x89PNG\r\n\x1a\n", Sniffed("image/png", ".png", "image")),
    (b"\xff\xd8\xff", Sniffed("image/jpeg", ".jpg", "image")),
    (b"II*\0", Sniffed("image/tiff", ".tif", "image")),
    (b"MM\0*", Sniffed("image/tiff", ".tif", "image")),
    (b"II+\0\x08\0\0\0", Sniffed("image/tiff", ".tif", "image")),  # BigTIFF
    (b"MM\0+\0\x08\0\0", Sniffed("image/tiff", ".tif", "image")),
    (b"8BPS\0\x01", Sniffed("image/vnd.adobe.photoshop", ".psd", "image")),
    (b"8BPS\0\x02", Sniffed("image/vnd.adobe.photoshop", ".psb", "image")),
    (b"GIF87a", Sniffed("image/gif", ".gif", "image")),
    (b"GIF89a", Sniffed("image/gif", ".gif", "image")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Sniffed("image/jp2", ".jp2", "image")),
    (b"{\\rtf", Sniffed("application/rtf", ".rtf", "document")),
    (b"fLaC", Sniffed("audio/flac", ".flac", "audio")),
    (b"OggS\0", Sniffed("audio/ogg", ".ogg", "audio")),
    (b"\x1aE\xdf\xa3", Sniffed("video/x-matroska", ".mkv", "video")),
    (b"0&\xb2u\x8ef\xcf\x11", Sniffed("video/x-ms-asf", ".wmv", "video")),
    (b"\0\0\x01\xba", Sniffed("video/mpeg", ".mpg", "video")),
    (b"%!PS-Adobe", Sniffed("application/postscript", ".eps", "other")),
    (b"\xc5\xd0\xd3\xc6", Sniffed("application/postscript", ".eps", "other")),
    (b"\x06\x06\xed\xf5\xd8\x1d\x46\xe5\xbd1\xef\xe7\xfet\xb7\x1d", Sniffed("application/x-indesign", ".indd", "other")),
    (b"OTTO\0", Sniffed("font/otf", ".otf", "other")),
    (b"\0\x01\0\0\0", Sniffed("font/ttf", ".ttf", "other")),
    (b"wOFF", Sniffed("font/woff", ".woff", "other")),
    (b"wOF2", Sniffed("font/woff2", ".woff2", "other")),
    (b"7z\xbc\xaf\x27\x1c", Sniffed("application/x-7z-compressed", ".7z", "archive")),
)
COMPRESSED: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b\x08", "application/gzip", ".gz"),
    (b"BZh", "application/x-bzip2", ".bz2"),
    (b"\xfd7zXZ\0", "application/x-xz", ".xz"),
)
BRANDS: dict[bytes, Sniffed] = {  # ISO base media, by the brand in `ftyp`
    b"M4A ": Sniffed("audio/mp4", ".m4a", "audio"),
    b"M4B ": Sniffed("audio/mp4", ".m4b", "audio"),
    b"M4P ": Sniffed("audio/mp4", ".m4a", "audio"),
    b"F4A ": Sniffed("audio/mp4", ".m4a", "audio"),
    b"F4B ": Sniffed("audio/mp4", ".m4b", "audio"),
    b"qt  ": Sniffed("video/quicktime", ".mov", "video"),
    b"heic": Sniffed("image/heic", ".heic", "image"),
    b"heix": Sniffed("image/heic", ".heic", "image"),
    b"mif1": Sniffed("image/heic", ".heic", "image"),
    b"avif": Sniffed("image/avif", ".avif", "image"),
}
RIFF: dict[bytes, Sniffed] = {
    b"WAVE": Sniffed("audio/wav", ".wav", "audio"),
    b"WEBP": Sniffed("image/webp", ".webp", "image"),
    b"AVI ": Sniffed("video/x-msvideo", ".avi", "video"),
}
PACKAGES: dict[str, Sniffed] = {  # first member `mimetype` of a ZIP
    "application/epub+zip": EPUB,
    "application/vnd.oasis.opendocument.text": Sniffed("application/vnd.oasis.opendocument.text", ".odt", "document"),
    "application/vnd.oasis.opendocument.spreadsheet": Sniffed("application/vnd.oasis.opendocument.spreadsheet", ".ods", "spreadsheet"),
    "application/vnd.oasis.opendocument.presentation": Sniffed("application/vnd.oasis.opendocument.presentation", ".odp", "document"),
    "application/vnd.oasis.opendocument.graphics": Sniffed("application/vnd.oasis.opendocument.graphics", ".odg", "other"),
    "application/vnd.adobe.indesign-idml-package": Sniffed("application/vnd.adobe.indesign-idml-package", ".idml", "other"),
}
OFFICE: tuple[tuple[str, Sniffed], ...] = (  # folder of the main part of an OOXML package (ECMA-376 part 2)
    ("word/", Sniffed("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx", "document")),
    ("xl/", Sniffed("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx", "spreadsheet")),
    ("ppt/", Sniffed("application/vnd.openxmlformats-officedocument.presentationml.presentation", ".pptx", "document")),
    ("visio/", Sniffed("application/vnd.ms-visio.drawing", ".vsdx", "other")),
)
TEXTS: dict[str, Sniffed] = {  # plain texts that only their name tells apart
    ".csv": Sniffed("text/csv", ".csv", "text"),
    ".tsv": Sniffed("text/tab-separated-values", ".tsv", "text"),
    ".json": Sniffed("application/json", ".json", "text"),
    ".md": Sniffed("text/markdown", ".md", "text"),
    ".tex": Sniffed("text/x-tex", ".tex", "text"),
    ".srt": Sniffed("application/x-subrip", ".srt", "text"),
    ".vtt": Sniffed("text/vtt", ".vtt", "text"),
    ".eml": Sniffed("message/rfc822", ".eml", "text"),
    ".ics": Sniffed("text/calendar", ".ics", "text"),
    ".cue": Sniffed("application/x-cue", ".cue", "text"),
    ".m3u": Sniffed("audio/x-mpegurl", ".m3u", "text"),
}

BITRATES = {  # kbit/s by (version 1?, layer), ISO 11172-3 table B.2 and ISO 13818-3
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
