"""Files in other encodings than UTF-8 are read, and said to be."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from vitrina.doctor import examine
from vitrina.errors import DataError
from vitrina.readers import Reading, read
from vitrina.readers.encodings import as_utf8

_POLISH = [
    "Żółty ser",
    "Mleko świeże",
    "Chleb żytni",
    "Śmietana łaciata",
    "Mąka",
    "Ćwikła",
    "Sałata",
    "Pieprz",
]
_GERMAN = ["Größe M", "schöne Schuhe", "Käse", "Weißbier", "Übertopf", "Öl", "Äpfel", "Süßes"]
_RUSSIAN = ["Кофе молотый", "Сыр гауда", "Ботинки зимние", "молоко", "Яблоки", "Щётка", "Юбка", "Хлеб"]
_TURKISH = [
    "Şekerpare",
    "ığdır çikolata",
    "Güllaç süt",
    "İçecek şişe",
    "yoğurt",
    "kırmızı şarap",
    "Öğle",
    "Üzüm",
]
_GREEK = ["Τυρί φέτα", "ελαιόλαδο", "ψωμί", "γάλα", "μέλι", "ξύδι", "κρασί", "ώριμο"]

_FRENCH = ["Crème brûlée", "Théière", "Plat à gâteau", "Étagère", "Drap brodé", "Pâté", "Été", "Café moulu"]
_HEBREW = ["כוס קרמיקה", "מגבת", "כף עץ", "שולחן", "תה שחור", "לחם", "גבינה", "חלב"]
_CHINESE = ["日用商品", "咖啡豆", "毛巾", "枕套", "牛奶", "苹果", "白色的杯子", "冬天的鞋"]
_JAPANESE = ["日本の商品", "お茶", "コーヒー豆", "タオル", "木のスプーン", "枕カバー", "白い皿", "冬の靴"]


def _capitals(titles: list[str]) -> list[str]:
    return [one.upper() for one in titles]


def _table(titles: list[str]) -> str:
    rows = [f"u{at % 3},i{at},{title},2020-01-{at + 1:02}" for at, title in enumerate(titles)]
    return "\n".join(["user_id,item_id,title,timestamp", *rows]) + "\n"


def _notes(reading: Reading) -> list[str]:
    return [note for table in reading.report.tables for note in table.notes]


@pytest.mark.parametrize(
    ("encoding", "said", "titles"),
    [
        ("cp1252", "windows-1252", _GERMAN),
        ("cp1250", "windows-1250", _POLISH),
        ("cp1251", "windows-1251", _RUSSIAN),
        ("koi8-r", "koi8-r", _RUSSIAN),
        ("cp1254", "windows-1254", _TURKISH),
        ("cp1253", "windows-1253", _GREEK),
        ("cp1251", "windows-1251", _capitals(_RUSSIAN)),
        ("koi8-r", "koi8-r", _capitals(_RUSSIAN)),
        ("cp866", "cp866", _RUSSIAN),
        ("cp1252", "windows-1252", _capitals(_FRENCH)),
        ("iso8859-2", "iso8859-2", _POLISH),
        ("cp1255", "windows-1255", _HEBREW),
        ("gb18030", "gb18030", _CHINESE),
        ("cp932", "cp932", _JAPANESE),
        ("utf-16", "utf-16", _RUSSIAN),
        ("utf-16-le", "utf-16-le", _POLISH),
        ("utf-16-be", "utf-16-be", _GERMAN),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_words_of_other_encodings_are_read(
    tmp_path: Path, encoding: str, said: str, titles: list[str], packed: bool
) -> None:
    data = _table(titles).encode(encoding)
    path = tmp_path / ("events.csv.gz" if packed else "events.csv")
    path.write_bytes(gzip.compress(data) if packed else data)
    reading = read(tmp_path)
    assert sorted(reading.dataset.catalog.title) == sorted(titles)
    table = reading.report.tables[0]
    assert (table.rows, table.kept) == (len(titles), len(titles))
    assert any(f"{path.name} is not UTF-8 and was read as {said}" in note for note in table.notes)


@pytest.mark.parametrize(
    ("word", "encoding"), [("Чай зелёный", "cp1251"), ("£5 £6", "cp1252"), ("日 用", "gb18030")]
)
def test_letters_that_were_guessed_are_a_doubt(tmp_path: Path, word: str, encoding: str) -> None:
    """Promise: of two words no page can be sure, so the doctor shows what was made of it."""
    rows = f"user_id,item_id,title\nu,a,{word}\nu,b,bread\n"
    (tmp_path / "events.csv").write_bytes(rows.encode(encoding))
    warnings = examine(read(tmp_path)).warnings
    assert any("is not UTF-8 and was read as" in one and "as in 'u,a," in one for one in warnings)


def test_a_pound_sign_tells_no_alphabet(tmp_path: Path) -> None:
    """One odd letter in a long file is what most of the world means by it; what it was read as is shown."""
    rows = "".join(f"u,i{at},2020-01-01,TEA\n" for at in range(50)) + "u,v,2020-01-01,VOUCHER £5\n" * 2
    (tmp_path / "events.csv").write_bytes(("user_id,item_id,timestamp,title\n" + rows).encode("cp1252"))
    reading = read(tmp_path)
    assert "VOUCHER £5" in set(reading.dataset.catalog.title)
    assert any("as in 'u,v,2020-01-01,VOUCHER £5'; save it as UTF-8" in one for one in _notes(reading))


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_damaged_lines_of_utf8_stay_damaged(tmp_path: Path, start: bytes) -> None:
    """A letter cut in two beside whole ones, or in a file that says it is UTF-8, is no other alphabet."""
    good = "u,сыр,2020-01-01\n".encode() * (1 if start else 3)
    path = tmp_path / "events.csv"
    path.write_bytes(start + b"user_id,item_id,timestamp\n" + good * 20 + b"u,\xd1\x81\xd1,2020-01-01\n")
    reading = read(tmp_path)
    assert [one.reason for one in reading.report.tables[0].rejected] == ["not UTF-8; save the file as UTF-8"]
    assert as_utf8(path, path.name, tmp_path) == (path, "")


@pytest.mark.parametrize("before", [0, 1 << 20])
def test_letters_far_down_are_found(tmp_path: Path, before: int) -> None:
    """A file is looked through to its end, whatever its first megabytes are, and with or without a line end."""
    path = tmp_path / "events.csv"
    path.write_bytes(b"user_id,item_id\n" + b"u,i\n" * before + "u,schöne Größe".encode("cp1252"))
    copy, note = as_utf8(path, path.name, tmp_path)
    assert copy != path
    assert copy.read_text(encoding="utf-8").endswith("\nu,schöne Größe")
    assert "windows-1252, as in 'u,schöne Größe'" in note


def test_columns_are_called_in_other_letters_too(tmp_path: Path) -> None:
    """The head alone may hold them."""
    (tmp_path / "events.csv").write_bytes("user_id,item_id,größe\nu,i,XL\n".encode("cp1252"))
    assert read(tmp_path).report.tables[0].unused == ("größe",)


def test_bytes_that_are_no_letters_are_no_trouble(tmp_path: Path) -> None:
    """What the code page leaves undefined becomes the sign for it, and no traceback."""
    path = tmp_path / "events.csv"
    path.write_bytes(b"user_id,item_id\nu,caf\x81\n\xe9,x\nth\xe9,x\n")
    assert sorted(read(tmp_path).dataset.items.names(np.arange(2))) == ["caf\ufffd", "x"]


def test_one_damaged_line_is_no_alphabet(tmp_path: Path) -> None:
    """In a file without letters beyond ASCII, and in one with as few."""
    path = tmp_path / "events.csv"
    for more in (b"", "u,tée\n".encode()):
        path.write_bytes(b"user_id,item_id\n" + b"u,i\n" * 99 + more + b"u,caf\xff\xfe\n")
        assert as_utf8(path, path.name, tmp_path) == (path, "")


def test_a_byte_of_zeros_is_no_letter_of_16_bits(tmp_path: Path) -> None:
    """Most of the first letters tell."""
    path = tmp_path / "events.csv"
    path.write_bytes(b"\0user_id,item_id\nu,i\n")
    assert as_utf8(path, path.name, tmp_path) == (path, "")


def test_a_copy_is_called_as_the_shop_calls_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where lines are too many to be kept."""
    monkeypatch.setattr("vitrina.readers.lines.MAX_MALFORMED", 2)
    text = "user_id,item_id\n" + "größe,süß\n" + "u\n" * 9
    (tmp_path / "events.csv").write_bytes(text.encode("cp1252"))
    with pytest.raises(DataError, match=r"^events\.csv has more than 2 malformed lines"):
        read(tmp_path)


def test_lines_that_are_utf8_stay_so(tmp_path: Path) -> None:
    """Of two exports in one file an id is one."""
    rows = "".join(f"Müller,Käse{at}\n" for at in range(9))
    data = b"user_id,item_id\n" + (rows * 2).encode("cp1252") + rows.encode()
    (tmp_path / "events.csv").write_bytes(data)
    dataset = read(tmp_path).dataset
    assert (len(dataset.users), len(dataset.items)) == (1, 9)


def test_labels_of_measures_tell_no_alphabet(tmp_path: Path) -> None:
    """They are written everywhere; beside them words tell."""
    path = tmp_path / "events.csv"
    labels = [f"{at}µm,Ø{at}0,½kg" for at in range(1, 9)]
    for words, encoding in (([], "cp1252"), (_POLISH, "cp1250")):
        text = "\n".join(["user_id,item_id,size", *labels]).encode("cp1252")
        path.write_bytes(text + "\n".join(["", *words]).encode(encoding))
        assert f"windows-{encoding[2:]}" in as_utf8(path, path.name, tmp_path)[1]
