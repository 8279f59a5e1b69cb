"""Numbers and digits as each language writes them: ۱۲٬۳۴۵ in fa, ١٢٬٣٤٥ in ar, 12,345 in en."""

import re
import unicodedata
from decimal import Decimal
from functools import cache

from icu4py.messageformat import MessageFormat

from locales.catalogs import ICU_LOCALES

_DIGITS = {
    "fa": str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"),
    "en": str.maketrans({}),
    "ar": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"),
}
_ANY_FOREIGN_DIGIT = re.compile(r"[^\D0-9]")


def format_number(locale: str, number: float | Decimal) -> str:
    """With the language's digits, grouping and decimal sign; at most three decimals."""
    return _number_format(locale).format({"n": number})


def localize_digits(locale: str, text: str) -> str:
    """The same text with every digit, of whatever script, in the digits of `locale`."""
    return parse_digits(text).translate(_DIGITS[locale])


def parse_digits(text: str) -> str:
    """The same text with every decimal digit, of whatever script, as ASCII: what a phone keyboard sends."""
    return _ANY_FOREIGN_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)


@cache
def _number_format(locale: str) -> MessageFormat:
    return MessageFormat("{n, number}", ICU_LOCALES[locale])
