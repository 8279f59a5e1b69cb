"""Messages come out in the reader's language, each argument by its type, and read well both ways."""

import unicodedata
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locales import (
    LOCALES,
    Code,
    Message,
    MissingArgument,
    MissingMessage,
    Quantity,
    When,
    catalog_hash,
    has,
    isolate,
    ltr,
    translate,
)

CONTROLS = {chr(point) for point in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
FINDING = "timeline.diagnosis.finding_recorded.summary"


def diagnosis(locale: str, condition: str, severity: Message | None) -> str:
    status = Message("status.diagnosis.provisional")
    key = "timeline.diagnosis.recorded.summary"
    return translate(locale, key, condition=condition, status=status, severity=severity)


def finding(locale: str, detail: object) -> str:
    return translate(locale, FINDING, modality=Message("modality.vitals"), detail=detail)


def test_a_diagnosis_in_three_languages() -> None:
    severe = Message("severity.severe")
    assert diagnosis("fa", "میگرن", severe) == "\u2068میگرن\u2069 (اولیه)؛ شدت: شدید"
    assert diagnosis("en", "Migraine", severe) == "Migraine (provisional); severity: severe"
    assert diagnosis("ar", "الشقيقة", severe) == "\u2068الشقيقة\u2069 (مبدئي)؛ الشدة: شديد"


def test_what_is_not_known_is_not_told() -> None:
    assert diagnosis("en", "Migraine", None) == "Migraine (provisional)"
    assert finding("fa", None) == finding("fa", []) == "علائم حیاتی"


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "صدر الإصدار ٢ دون بنود."),
        (1, "صدر الإصدار ٢ وفيه بند واحد."),
        (2, "صدر الإصدار ٢ وفيه بندان."),
        (3, "صدر الإصدار ٢ وفيه ٣ بنود."),
        (11, "صدر الإصدار ٢ وفيه ١١ بندًا."),
        (100, "صدر الإصدار ٢ وفيه ١٠٠ بند."),
    ],
)
def test_arabic_counts_in_six_ways(count: int, told: str) -> None:
    assert translate("ar", "timeline.recommendation.issued.summary", version=2, count=count) == told


def test_feedback_tells_only_what_was_answered() -> None:
    answers: dict[str, object] = dict.fromkeys(
        ("rating", "effectiveness", "taken", "expected", "symptoms", "side_effects", "comment")
    )
    key = "timeline.feedback.submitted.summary"
    assert translate("en", key, version=2, **answers) == "On version 2."
    answers |= {"rating": 4, "effectiveness": 7.5, "taken": 10, "expected": 14}
    assert translate("fa", key, version=2, **answers) == (
        "دربارهٔ نسخهٔ ۲. امتیاز: ۴ از ۵. اثربخشی: ۷٫۵ از ۱۰. پایبندی: ۱۰ نوبت از ۱۴ نوبت."
    )


def test_a_code_may_choose_the_words() -> None:
    assert "phone" in translate("en", "problem.claim.taken", kind="phone")
    assert "تلفن" in translate("fa", "problem.claim.taken", kind="phone")
    assert "number" in translate("en", "problem.claim.taken", kind="something else")


def test_the_word_none_is_a_word_like_others() -> None:
    assert finding("en", "none") == "Vital signs: none"


def test_quantities_and_codes_keep_their_order() -> None:
    assert finding("fa", Quantity("130/85 mmHg")) == "علائم حیاتی: \u2066۱۳۰/۸۵ mmHg\u2069"
    assert finding("fa", Quantity("5 گرم")) == "علائم حیاتی: \u2068۵ گرم\u2069"
    assert finding("fa", Code("G43.1")) == "علائم حیاتی: \u2066G43.1\u2069"
    assert finding("en", Quantity("۱۳۰/۸۵ mmHg")) == "Vital signs: 130/85 mmHg"


def test_lists_numbers_and_days_within_a_sentence() -> None:
    assert finding("en", [Message("humor.blood"), Code("x"), "y"]) == "Vital signs: blood, x and y"
    assert finding("fa", [Message("humor.blood"), Message("humor.phlegm")]) == "علائم حیاتی: دم و بلغم"
    assert finding("fa", [7.5]) == "علائم حیاتی: ۷٫۵"
    assert finding("en", date(2024, 3, 20)) == "Vital signs: March 20, 2024"
    moment = datetime(2024, 3, 19, 22, 0, tzinfo=UTC)
    assert finding("en", When(moment)) == "Vital signs: March 20, 2024"
    assert finding("en", When(moment, "UTC", "exact")) == "Vital signs: March 19, 2024, 22:00"
    assert finding("en", True) == "Vital signs: true"  # noqa: FBT003 (a value of a message)


def test_english_stays_clean_and_still_guards_foreign_names() -> None:
    plain = finding("en", ["Red tip", Code("G43"), Quantity("5 mg")])
    assert plain.isascii()
    assert finding("en", "علی") == "Vital signs: \u2068علی\u2069"


@given(st.text(), st.sampled_from(LOCALES))
def test_user_text_cannot_break_out(text: str, locale: str) -> None:
    told = finding(locale, text)
    controls = [letter for letter in told if letter in CONTROLS]
    assert controls in ([], ["\u2068", "\u2069"])
    assert all(letter not in CONTROLS for letter in isolate(text)[1:-1] + ltr(text)[1:-1])


def test_mistakes_of_ours_are_loud() -> None:
    with pytest.raises(MissingMessage):
        translate("fa", "no.such.key")
    with pytest.raises(MissingMessage):
        translate("de", FINDING)
    with pytest.raises(MissingArgument):
        translate("fa", FINDING, modality=Message("modality.lab"))
    with pytest.raises(TypeError):
        finding("fa", datetime(2024, 3, 20, tzinfo=UTC))
    with pytest.raises(TypeError):
        translate("fa", "timeline.diagnosis.symptom_observed.summary", symptom="درد", score="8")


def test_a_catalog_knows_its_keys_and_its_fingerprint() -> None:
    assert has("fa", FINDING)
    assert not has("fa", "no.such.key")
    assert len({catalog_hash(locale) for locale in LOCALES}) == len(LOCALES)


def test_no_message_carries_invisible_controls_of_its_own() -> None:
    assert all(unicodedata.category(letter) != "Cf" for letter in translate("en", "problem.not_found"))
