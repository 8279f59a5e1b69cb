"""The three catalogs say the same things, in the forms their languages have, and miss nothing to be said."""

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec
import pytest

import locales
from domain.catalog import EVENTS
from domain.diagnosis import RecordDiagnosis
from domain.feedback import FeedbackDetails
from domain.items import ItemBody
from domain.patient import RegisterPatient
from domain.reasons import REASONS, group
from domain.recorded import Meta
from locales import LOCALES
from locales.catalogs import messages
from locales.check import Catalogs, faults, main, plural_categories, problems, unsorted, unworded
from locales.codes import Need, _keys, needs
from locales.patterns import Argument, arguments
from tests.locales.cldr import cldr

# Which family of keys words the codes of a field; a field named twice is told apart by its struct.
FAMILIES = {
    "ConstitutionAssessed.code": "mizaj",
    "BackgroundRecorded.kind": "background",
    "BackgroundRecorded.status": "status.background",
    "DiagnosisRecorded.status": "status.diagnosis",
    "Item.kind": "kind.item",
    "Item.status": "status.item",
    "HumorShift.direction": "humor_direction",
    "RecommendationIssued.phases": "phase",
    "RecommendationPhaseAdvanced.from_phase": "phase",
    "RecommendationPhaseAdvanced.to_phase": "phase",
    "Period.end_precision": "precision",
    "EvidenceLink.type": "evidence",
    "AccountInvited.roles": "role",
}
UNWORDED = {"SafetyCheck.result", "side", "locale", "lang"}


def codes(structs: Iterable[type], seen: set[type]) -> Iterator[tuple[str, str]]:
    """Each closed set of codes that events hold: the field that holds it, and one code."""
    for struct in set(structs) - seen:
        seen.add(struct)
        for field in msgspec.structs.fields(struct):
            told = f"{struct.__name__}.{field.name}"
            for part in parts(msgspec.inspect.type_info(field.type)):
                if isinstance(part, msgspec.inspect.StructType):
                    yield from codes([part.cls], seen)
                elif isinstance(part, msgspec.inspect.LiteralType):
                    yield from ((told, value) for value in part.values if isinstance(value, str))


def parts(told: msgspec.inspect.Type) -> Iterator[msgspec.inspect.Type]:
    if isinstance(told, msgspec.inspect.UnionType):
        yield from chain.from_iterable(map(parts, told.types))
    elif isinstance(told, msgspec.inspect.VarTupleType):
        yield from parts(told.item_type)
    else:
        yield told


def test_nothing_is_wrong_with_the_catalogs(capsys: pytest.CaptureFixture[str]) -> None:
    assert problems() == []
    assert main() == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.third_party
def test_every_plural_has_exactly_the_cases_of_its_language(locale: str) -> None:
    rules = cldr("plurals.json")["supplemental"]["plurals-type-cardinal"][locale]
    categories = {rule.removeprefix("pluralRule-count-") for rule in rules}
    assert plural_categories(locale) == categories
    for key in messages(locale):
        for argument in arguments(messages(locale)[key]):
            if argument.kind == "plural":
                assert set(argument.branches) == categories, key


def test_every_code_of_an_event_has_words() -> None:
    for field, code in codes([*EVENTS.values(), Meta], set()):
        name = field.partition(".")[2]
        if not UNWORDED & {field, name}:
            assert f"{FAMILIES.get(field, name)}.{code}" in messages("fa"), field


def test_every_reason_has_words() -> None:
    known = {code for reason in REASONS for code in (reason, group(reason))}
    assert {code for code in known if f"reason.{code}" not in messages("fa")} == set()


def test_every_field_that_can_be_corrected_has_a_name() -> None:
    corrected = (RegisterPatient, RecordDiagnosis, FeedbackDetails, ItemBody)
    unnamed = {field.name for struct in corrected for field in msgspec.structs.fields(struct)}
    unnamed -= {"occurred_at", "precision", "origin", "referral_override", "source_ref"}
    assert {name for name in unnamed if f"field.{name}" not in messages("fa")} == set()


def test_titles_stand_alone() -> None:
    for key, pattern in messages("en").items():
        if key.endswith(".title") or key.startswith("problem.title."):
            assert not arguments(pattern), key


def summaries() -> Iterator[tuple[str, frozenset[str]]]:
    """Event tag and the names of its arguments, as the package's docstring tells them."""
    tag, names = "", set[str]()
    for line in (locales.__doc__ or "").splitlines():
        told = re.fullmatch(r"(?: {4}([a-z_.]+)\s*| {20,})((?:\S.*)?)", line)
        if told is None:
            continue
        if told[1]:
            if tag:
                yield tag, frozenset(names)
            tag, names = told[1], set()
        names |= set(re.findall(r"[a-z_]+", re.sub(r"\?|\([^)]*\)", "", told[2])))
    yield tag, frozenset(names)


def test_the_docstring_tells_every_argument() -> None:
    told = dict(summaries())
    for key, pattern in messages("en").items():
        if key.startswith("timeline.") and key.endswith(".summary"):
            tag = key.removeprefix("timeline.").removesuffix(".summary")
            assert told.pop(tag) == {argument.name for argument in arguments(pattern)}, tag
    assert told == {}


def test_the_source_is_searched_for_codes_and_tags() -> None:
    found = {need.key: need for need in needs()}
    assert "timeline.diagnosis.recorded.title" in found
    assert found["problem.time.in_future"].place.startswith("domain/rules.py:")
    assert found["problem.reason.narrative_required"].supplied == frozenset({"least"})


def test_a_code_without_words_is_named() -> None:
    need = Need("problem.late", "domain/rules.py:57", frozenset({"by"}))
    assert list(unworded({"fa": {}}, [need])) == ["fa: problem.late: missing, needed in domain/rules.py:57"]
    assert list(unworded({"fa": {"problem.late": "{by}"}}, [need])) == []
    assert list(unworded({"fa": {"problem.late": "{by} {least}"}}, [need])) == [
        "fa: problem.late: asks for {least}, not supplied in domain/rules.py:57"
    ]


def test_a_choice_of_two_codes_needs_both() -> None:
    call = ast.parse("Rejected('a.b' if late else 'c.d')", mode="eval").body
    found = list(_keys(call, frozenset({"Rejected"})))
    assert found == [("problem.a.b", frozenset()), ("problem.c.d", frozenset())]


SOUND: Catalogs = {
    "fa": {"k": "{n, plural, one {# مورد} other {# مورد}} برای {who}"},
    "en": {"k": "{n, plural, one {# item} other {# items}} for {who}"},
}


@pytest.mark.parametrize(
    ("locale", "pattern", "fault"),
    [
        ("fa", "{n, plural, one {#} many {#} other {#}} برای {who}", "has the cases"),
        ("fa", "{n, plural, one {#} other {#}} برای", "lacks {who}"),
        ("fa", "{n, plural, one {# كتاب} other {#}} برای {who}", "an Arabic letter"),
        ("fa", "{n, plural, one {# از 10} other {#}} برای {who}", "a digit that is not Persian"),
        ("fa", "{n, plural, one {#} other {#}} برای {who}, ", "a Latin letter or sign"),
        ("fa", "{n, plural, one {#} other {#}} برای {who} ", "space at an end"),
        ("fa", "{n, plural, one {#} other {#}}  برای {who}", "two spaces"),
        ("fa", "{n, plural, one {#} other {#}} می\u200c {who}", "a joiner at the edge"),
        ("fa", "{n, plural, one {#} other {#}} \u2068{who}\u2069", "a direction control"),
        ("fa", "{n, plural, one {#} other {#}} برای {who", "brace"),
        ("fa", "{n, plural, one {#} other {#}} برای {who}}", "brace"),
        ("fa", "{n, plural, one {#} other #} برای {who}", "a branch at"),
        ("fa", "{n, plural, one {#}} برای {who}", "U_DEFAULT_KEYWORD_MISSING"),
        ("fa", "{n, plural, one {#} other {#}} برای {WHO}", "the argument name"),
        ("en", "{n, plural, one {#} other {#}} for {who}'s", "apostrophe"),
        ("en", "{n, plural, one {#} other {#}} for {who, date}", "is a date"),
        ("en", "{n, plural, one {#} other {#}} برای {who}", "not Latin"),
        ("en", "", "empty"),
    ],
)
def test_a_fault_is_named(locale: str, pattern: str, fault: str) -> None:
    assert list(faults(SOUND)) == []
    found = list(faults(SOUND | {locale: {"k": pattern}}))
    assert any(fault in line for line in found), found
    assert all(line.startswith(("fa: k: ", "en: k: ")) for line in found)


def test_a_missing_key_is_named() -> None:
    assert list(faults(SOUND | {"en": {}})) == ["en: k: missing"]


def test_a_select_has_the_same_cases_everywhere() -> None:
    one = {"fa": {"k": "{x, select, _none {} other {نه}}"}, "en": {"k": "{x, select, no {} other {no}}"}}
    assert len(list(faults(one))) == 2


def test_a_catalog_has_one_form() -> None:
    assert list(unsorted("en", b'{\n  "a": "x",\n  "b": "y"\n}\n')) == []
    assert list(unsorted("en", b'{\n  "b": "y",\n  "a": "x"\n}\n'))
    assert list(unsorted("en", b'{\n  "a": "y",\n  "a": "x"\n}\n'))


def test_arguments_inside_branches_are_found() -> None:
    pattern = "{x, select, _none {} other {{x} of {n, number}}}"
    assert arguments(pattern) == {
        Argument("x"),
        Argument("x", "select", ("_none", "other")),
        Argument("n", "number"),
    }
