"""The words that titles, names and texts are made of, and the subject codes of each genre."""

from __future__ import annotations

from dataclasses import dataclass

IMPRINTS = {
    11: "Lantern Fiction",
    12: "Quill Non-Fiction",
    13: "Paper Kite",
    14: "Harbour Lights",
    15: "Ember & Oak",
    16: "Compass Academic",
}


@dataclass(frozen=True)
class Genre:
    imprint: int
    bisac: tuple[str, str]
    thema: tuple[str, str]
    bic: tuple[str, str]
    fiction: bool = False
    nouns: str = ""


# Codes and headings as BISAC, Thema and BIC have them.
GENRES = {
    "literary": Genre(
        11,
        ("FIC019000", "FICTION / Literary"),
        ("FBA", "Modern and contemporary fiction: general and literary"),
        ("FA", "Modern & contemporary fiction (post c 1945)"),
        True,
        "a family, a house and a long silence",
    ),
    "crime": Genre(
        11,
        ("FIC022000", "FICTION / Mystery & Detective / General"),
        ("FF", "Crime and mystery fiction"),
        ("FF", "Crime & mystery"),
        True,
        "a detective, a drowned village and an old debt",
    ),
    "historical": Genre(
        11,
        ("FIC014000", "FICTION / Historical / General"),
        ("FV", "Historical fiction"),
        ("FV", "Historical fiction"),
        True,
        "two sisters and a city under siege",
    ),
    "science fiction": Genre(
        11,
        ("FIC028000", "FICTION / Science Fiction / General"),
        ("FL", "Science fiction"),
        ("FL", "Science fiction"),
        True,
        "the last crew of a generation ship",
    ),
    "biography": Genre(
        12,
        ("BIO000000", "BIOGRAPHY & AUTOBIOGRAPHY / General"),
        ("DNB", "Biography: general"),
        ("BG", "Biography: general"),
        nouns="a life lived between two languages",
    ),
    "history": Genre(
        12,
        ("HIS015000", "HISTORY / Europe / Great Britain / General"),
        ("NHD", "European history"),
        ("HBJD1", "British & Irish history"),
        nouns="the harbour towns and those who sailed from them",
    ),
    "nature": Genre(
        12,
        ("NAT000000", "NATURE / General"),
        ("WN", "Nature and the natural world: general interest"),
        ("WN", "Natural history"),
        nouns="hedgerows, tides and the creatures between",
    ),
    "travel": Genre(
        12,
        ("TRV010000", "TRAVEL / Essays & Travelogues"),
        ("WTL", "Travel writing"),
        ("WTL", "Travel writing"),
        nouns="slow trains and small stations",
    ),
    "adventure": Genre(
        13,
        ("JUV001000", "JUVENILE FICTION / Action & Adventure / General"),
        ("YFC", "Children’s / Teenage fiction: Action and adventure stories"),
        ("YFC", "Adventure stories (Children’s / Teenage)"),
        True,
        "a kite that will not come down",
    ),
    "animals": Genre(
        13,
        ("JUV002000", "JUVENILE FICTION / Animals / General"),
        ("YFP", "Children’s / Teenage fiction: Nature and animal stories"),
        ("YFP", "Animal stories (Children’s / Teenage)"),
        True,
        "an otter who is afraid of water",
    ),
    "poetry": Genre(14, ("POE000000", "POETRY / General"), ("DC", "Poetry"), ("DC", "Poetry"), nouns="poems of light, work and weather"),
    "stories": Genre(
        14,
        ("FIC029000", "FICTION / Short Stories (single author)"),
        ("FYB", "Short stories"),
        ("FYB", "Short stories"),
        True,
        "eleven nights in one boarding house",
    ),
    "cookery": Genre(
        15,
        ("CKB000000", "COOKING / General"),
        ("WBA", "General cookery and recipes"),
        ("WBA", "General cookery & recipes"),
        nouns="a hundred dishes for one pan",
    ),
    "gardening": Genre(
        15, ("GAR000000", "GARDENING / General"), ("WM", "Gardening"), ("WM", "Gardening"), nouns="a garden in twelve months"
    ),
    "criticism": Genre(
        16,
        ("LIT000000", "LITERARY CRITICISM / General"),
        ("DSB", "Literary studies: general"),
        ("DSB", "Literary studies: general"),
        nouns="reading, rereading and the archive",
    ),
    "economics": Genre(
        16,
        ("BUS069000", "BUSINESS & ECONOMICS / Economics / General"),
        ("KC", "Economics"),
        ("KC", "Economics"),
        nouns="prices, wages and the long nineteenth century",
    ),
}
QUALIFIERS = (("1DDU", "United Kingdom, Great Britain"), ("3MR", "21st century, c 2000 to c 2100"))

SERIES = (
    ("Lantern Crime", "crime", "Inspector Varga investigates"),
    ("The Saltmarsh Quartet", "historical", ""),
    ("Far Stations", "science fiction", ""),
    ("Quill Lives", "biography", "Short biographies"),
    ("Harbours of Europe", "history", ""),
    ("Kite Club", "adventure", "For readers from seven"),
    ("Otter & Friends", "animals", ""),
    ("Harbour Lights Poets", "poetry", "New voices"),
    ("One Pan", "cookery", ""),
    ("Compass Studies in the Novel", "criticism", "Critical essays"),
)

GIVEN = (
    "Amelia",
    "Jonah",
    "Siobhán",
    "Zoë",
    "Łukasz",
    "Bjørn",
    "Renée",
    "Núria",
    "Tomáš",
    "Özlem",
    "Þóra",
    "Chloé",
    "Iain",
    "Mairi",
    "Adaeze",
    "Kwame",
    "Priya",
    "Rohan",
    "Hanna",
    "Jürgen",
    "Agnès",
    "João",
    "Ștefan",
    "Anaïs",
    "Ève",
    "Göran",
    "Ásdís",
    "Eilidh",
    "Marguerite",
    "Dafydd",
    "Ngaio",
    "Ruaridh",
)
FAMILY = (
    "Hartley",
    "Ní Dhomhnaill",
    "Wójcik",
    "Ødegård",
    "O’Brien",
    "Núñez",
    "Dvořák",
    "Yılmaz",
    "Sigurðardóttir",
    "Lefèvre",
    "MacAulay",
    "Okonkwo",
    "Mensah",
    "Iyer",
    "Desai",
    "Müller",
    "Castellà",
    "Gonçalves",
    "Ionescu",
    "Beaumont-Hale",
    "Åkesson",
    "Strachan",
    "van der Velde",
    "de la Cruz",
    "Whitcombe",
    "Pryce-Jones",
    "Fairweather",
    "Lindqvist",
    "Marchetti",
    "Thackeray",
    "St. Clair",
    "Abernethy",
)
# (given, family) in scripts of their own; the third value is the country.
OTHER_SCRIPTS = (
    ("יעל", "כרמי", "IL"),
    ("אורי", "בן־דוד", "IL"),
    ("מירה", "שטרן", "IL"),
    ("ليلى", "حداد", "LB"),
    ("سامي", "الخطيب", "EG"),
    ("نورة", "العتيبي", "SA"),
    ("美咲", "村田", "JP"),
    ("健太郎", "小野寺", "JP"),
    ("小明", "王", "CN"),
    ("雪梅", "林", "TW"),
    ("서연", "김", "KR"),
    ("민준", "박", "KR"),
    ("Анна", "Ковальчук", "UA"),
    ("Дмитрий", "Соколов", "BG"),
    ("Ελένη", "Παπαδοπούλου", "GR"),
)
ORGANISATIONS = ("The Harbour Trust", "Royal Society of Slow Travel", "Museum of Small Trades")

ADJECTIVES = (
    "Quiet",
    "Borrowed",
    "Northern",
    "Hollow",
    "Bright",
    "Forgotten",
    "Second",
    "Winter",
    "Paper",
    "Salt",
    "Unfinished",
    "Gentle",
    "Copper",
    "Distant",
    "Silver",
    "Careful",
    "Last",
    "Hidden",
    "Wild",
    "Ordinary",
)
NOUNS = (
    "Harbour",
    "Orchard",
    "Lighthouse",
    "Cartographer",
    "Tide",
    "Almanac",
    "Meadow",
    "Archive",
    "Signal",
    "Ferry",
    "Glasshouse",
    "Apprentice",
    "Marsh",
    "Letter",
    "Observatory",
    "Weaver",
    "Bridge",
    "Kitchen",
    "Island",
    "Clockmaker",
    "Station",
    "Garden",
    "Fox",
    "River",
)
PLACES = (
    "Aberlour",
    "the Fens",
    "Gdańsk",
    "Tromsø",
    "Málaga",
    "the Hebrides",
    "Trieste",
    "Reykjavík",
    "Lübeck",
    "Kraków",
    "the Levant",
    "Kyoto",
)
PLAIN = (
    "Notes from {place}",
    "{noun} and {noun2}",
    "Letters to {place}",
    "Walking to {place}",
    "{adjective} {noun} Days",
    "How to Read the {noun}",
    "{noun} Songs",
)
# Titles in other languages: (prefix, rest, original language).
FOREIGN = (
    ("Der", "letzte Sommer am See", "ger"),
    ("Die", "Vermessung der Stille", "ger"),
    ("L’", "hiver des oiseaux", "fre"),
    ("La", "traversée de l’aube", "fre"),
    ("El", "mapa de las mareas", "spa"),
    ("", "Żółty dom nad rzeką", "pol"),
    ("", "הגן שמעבר לנהר", "heb"),
    ("", "بيت على الضفة الأخرى", "ara"),
    ("", "海辺の時計店", "jpn"),
    ("", "강 건너의 정원", "kor"),
)
FICTION_SUBTITLES = ("A Novel", "A Story in Four Seasons", "The Story So Far")
SUBTITLES = (
    "A Life in Letters",
    "Essays on Home",
    "In Twelve Objects",
    "Remembrances & Receipts",
    "A Field Guide",
    "Work 1998–2024",
    "An Introduction",
)
REVIEWERS = ("The Coastal Review", "Northern Post", "Books & Weather", "Le Quotidien des livres", "The Literary Tablet")
STAGES = ("Proposal", "Acquired", "Editorial", "Production approved", "At press", "Published", "Out of print")
