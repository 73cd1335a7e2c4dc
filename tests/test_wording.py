"""Sentences: every language says everything, in its own plural forms, and a title stays what it is."""

from __future__ import annotations

from gettext import GNUTranslations
from io import BytesIO

import pytest
from babel.messages.mofile import write_mo
from hypothesis import given
from hypothesis import strategies as st
from sentences import catalogue, own

from vitrina import wording
from vitrina.errors import WordingError
from vitrina.wording import ABOUT, EVERY, KINDS, LOCALES, PLAIN, SHARE, WHERE, Ground, Wording

OURS = wording.ours()
MESSAGES = {SHARE, *PLAIN.values()}.union(
    *ABOUT.values(), *WHERE.values(), *(u for units in EVERY.values() for u in units)
)


def spoken(stream):
    """What a compiled catalogue says, and how it counts; not when or by what it was compiled."""
    with stream:
        read = GNUTranslations(stream)
    return read.info()["plural-forms"], {key: said for key, said in read._catalog.items() if key}


@pytest.mark.parametrize("file", sorted(LOCALES.glob("*/LC_MESSAGES/*.po")), ids=lambda one: one.parts[-3])
def test_a_language_says_everything_and_is_compiled(file):
    """Each message of the code is translated, in all plural forms, with the holes of its English; nothing is left over; the .mo is of this .po."""
    known = catalogue(file)
    told = {(one.id if isinstance(one.id, str) else one.id[0]): one.string for one in known if one.id}
    assert set(told) == MESSAGES
    for message, said in told.items():
        forms = [said] if isinstance(said, str) else said
        assert len(forms) == (1 if "{count}" not in message else known.num_plurals)
        for form in forms:
            assert set(wording._HOLE.findall(form)) == set(wording._HOLE.findall(message)), (message, form)
    compiled = BytesIO()
    write_mo(compiled, known)
    compiled.seek(0)
    assert spoken(compiled) == spoken(file.with_suffix(".mo").open("rb")), "call: make messages"


def test_the_languages_of_the_market_are_there():
    """English, Polish and Russian."""
    assert {"pl", "ru"} <= set(OURS.languages)
    assert OURS.sentence("en", Ground("bought", ("Milk 1 l",))) == "Because you bought Milk 1 l"


@pytest.mark.parametrize(
    ("locale", "days", "says"),
    [
        ("en", 28, "Due again: you buy it about every 4 weeks"),
        ("en", 1, "Due again: you buy it about every day"),
        ("en-GB", 30, "Due again: you buy it about every 4 weeks"),
        ("en", 92, "Due again: you buy it about every 3 months"),
        ("pl", 14, "Pora znowu: kupujesz to mniej więcej co 2 tygodnie"),
        ("pl-PL", 35, "Pora znowu: kupujesz to mniej więcej co 5 tygodni"),
        ("pl", 3, "Pora znowu: kupujesz to mniej więcej co 3 dni"),
        ("ru", 3, "Пора снова: вы покупаете это примерно раз в 3 дня"),
        ("ru_RU", 5, "Пора снова: вы покупаете это примерно раз в 5 дней"),
        ("ru", 21 * 30.44, "Пора снова: вы покупаете это примерно раз в 21 месяц"),
        ("ru", 22 * 30.44, "Пора снова: вы покупаете это примерно раз в 22 месяца"),
        ("ru", 11 * 30.44, "Пора снова: вы покупаете это примерно раз в 11 месяцев"),
    ],
)
def test_plural_forms_are_the_languages_own(locale, days, says):
    """2 tygodnie but 5 tygodni; 21 месяц, 22 месяца, 11 месяцев."""
    assert OURS.sentence(locale, Ground("due", days=days)) == says


def test_a_rule_says_its_share_as_the_language_writes_it():
    """34 % in English, 34% in Polish; a share that rounds to nothing is 1 %."""
    ground = Ground("rule", ("Milk",), share=0.344)
    assert OURS.sentence("en", ground) == "34 % of those who took Milk also took this"
    assert OURS.sentence("pl", ground).startswith("34% osób")
    assert OURS.sentence("en", Ground("rule", ("Milk",), share=0.001)).startswith("1 % of")


@pytest.mark.parametrize("locale", ["de", "xx-YY", "no such thing", "../../etc", "pl" * 40, "en-US"])
def test_what_nobody_speaks_is_answered_in_english(locale):
    """An unknown or malformed locale is no error."""
    assert OURS.sentence(locale, Ground("new")) == "New in our shop"


@given(
    st.sampled_from(sorted(KINDS)),
    st.lists(st.text(max_size=120), max_size=3),
    st.sampled_from(["en", "pl", "ru", "de"]),
    st.floats(0, 4000),
    st.text(max_size=100),
)
def test_any_ground_is_one_line_with_no_hole_left(kind, titles, locale, days, region):
    """Whatever a catalogue holds, a sentence is one printable line of bounded length, and looks into no title."""
    said = OURS.sentence(locale, Ground(kind, tuple(titles), 0.3, days, region))
    assert said
    assert said.isprintable()
    assert len(said) < 300
    holes = wording._HOLE.findall("".join([*titles, region]))
    assert set(wording._HOLE.findall(said)) <= set(holes)


def test_a_title_that_looks_like_a_hole_is_a_title():
    """What fills a hole is never looked into."""
    said = OURS.sentence("en", Ground("bought", ("{other}", "{title}")))
    assert said == "Because you bought {other} and {title}"


def test_a_shop_says_it_its_own_way(tmp_path):
    """Its folder stands before ours message by message, in English too, and may bring a language."""
    english = 'msgid "New in our shop"\nmsgstr "Fresh from the oven"\n'
    german = 'msgid "Because you bought {title}"\nmsgstr "Weil Sie {title} gekauft haben"\n'
    shop = Wording.open(own(own(tmp_path, "en", english), "de", german))
    assert shop.sentence("en-US", Ground("new")) == "Fresh from the oven"
    assert shop.sentence("en", Ground("chosen")) == "Chosen for you"
    assert shop.sentence("de-AT", Ground("bought", ("Brot",))) == "Weil Sie Brot gekauft haben"
    assert shop.sentence("pl", Ground("new")) == "Nowość w naszym sklepie"


@pytest.mark.parametrize("damage", [b"", b"not a catalogue", b"\xde\x12\x04\x95" + b"\xff" * 40])
def test_a_broken_catalogue_is_named(tmp_path, damage):
    """A file that is no catalogue is refused by its path; so is a folder without any."""
    with pytest.raises(WordingError, match="holds no"):
        Wording.open(tmp_path)
    file = own(tmp_path, "de", "") / "de" / "LC_MESSAGES" / "vitrina.mo"
    file.write_bytes(damage)
    with pytest.raises(WordingError, match=r"de/LC_MESSAGES/vitrina\.mo"):
        Wording.open(tmp_path)
    with pytest.raises(WordingError, match="is not a folder"):
        Wording.open(tmp_path / "nowhere")
