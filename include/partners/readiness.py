"""What the house asks of a title before it is ready, and by when: `[readiness]` and `[calendar]` of `config/house.toml`."""

from __future__ import annotations

from pydantic import Field

from include.partners.tables import Table

LEAD_DAYS = {"B": 70, "A": 30, "E": 21}
OTHER_LEAD_DAYS = 42


class ReadinessRules(Table):
    """By when everything must be there, and what is not asked for."""

    lead_days: dict[str, int] = Field(
        default_factory=lambda: dict(LEAD_DAYS),
        description="Days before publication by which everything must be there, by form: List 150 codes or how they start, the longest "
        "that fits counts. What is not named keeps its default: `B` 70 (four weeks of printing, six of stock), `A` 30, `E` 21, others 42.",
    )
    due_days: dict[str, int] = Field(
        default_factory=dict, description="Days before publication by which one check must be passed, where it is not the lead time."
    )
    warn_days: int = Field(default=28, ge=0, description="Days before something is due from which a title is at low risk.")
    not_asked: tuple[str, ...] = Field(
        default=("series-present", "word-count-is-present"),
        description="Codes of checks that are shown but not asked for. Not every title belongs to a series.",
    )

    def lead_for(self, form: str) -> int:
        """Days before publication for a product of this form (List 150)."""
        known = {**LEAD_DAYS, **self.lead_days}
        fits = [start for start in known if start and form.startswith(start)]
        return known[max(fits, key=len)] if fits else OTHER_LEAD_DAYS


class Calendar(Table):
    """Consonance's iCalendar subscription of to-dos. Whoever has its address can read it, so it is kept in a connection."""

    connection: str = Field(
        default="consonance_calendar", description="Airflow connection (type http) whose host is the calendar's address."
    )
