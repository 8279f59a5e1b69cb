"""What measures a symptom, by LOINC code, and how its scores come onto the house's scale of 0 to 10."""

from collections.abc import Mapping

import msgspec

HIGHEST_SCORE = 10
DECIMALS = 2


class Instrument(msgspec.Struct, frozen=True):
    """A questionnaire or rating from 0 to `highest`; 10 of ours is the worst, whichever way it counts."""

    symptom_code: str
    scale: str
    highest: int = HIGHEST_SCORE
    high_is_better: bool = False

    def score(self, value: float) -> float:
        """On the house's scale."""
        if self.is_ours:
            return value
        share = value / self.highest
        return round((1 - share if self.high_is_better else share) * HIGHEST_SCORE, DECIMALS)

    def raw(self, value: float) -> float | None:
        """What was measured, where it is not the score itself."""
        return None if self.is_ours else value

    @property
    def is_ours(self) -> bool:
        """Whether its scores are taken as they are."""
        return self.highest == HIGHEST_SCORE and not self.high_is_better


INSTRUMENTS: Mapping[str, Instrument] = {
    "72514-3": Instrument("pain", "nrs"),
    "38208-5": Instrument("pain", "nrs"),
    "44261-6": Instrument("depression", "phq-9", 27),
    "55758-7": Instrument("depression", "phq-2", 6),
    "70274-6": Instrument("anxiety", "gad-7", 21),
    "70273-8": Instrument("anxiety", "gad-2", 6),
    "72106-8": Instrument("cognitive_impairment", "mmse", 30, high_is_better=True),
    "75626-2": Instrument("alcohol_use", "audit-c", 12),
    "82667-7": Instrument("drug_use", "dast-10"),
}
"""Total scores only. Ranges: PHQ-9 (Kroenke 2001), PHQ-2 (Kroenke 2003), GAD-7 (Spitzer 2006), GAD-2
(Kroenke 2007), MMSE (Folstein 1975), AUDIT-C (Bush 1998), DAST-10 (Skinner 1982)."""
