"""The report, mails and Jira issues: each flag told once, wherever a line breaks."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import openpyxl
import pytest
import requests
from sqlalchemy import select

from include.errors import LoginRefused, PermanentError, TransientError
from include.ledger.licence_rows import LicenceTellingRow
from include.licences import flags, issues, posting, report, telling
from include.licences.posting import SEVEN_BIT
from include.partners.licensing import LicenceRules, Team
from tests.licences.library import Library
from tests.licences.post_office import PostOffice, post_office_in

ONE = (1, 0, "cover")


@pytest.fixture(scope="module")
def running_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    with post_office_in(tmp_path_factory.mktemp("office")) as office:
        yield office


@pytest.fixture
def office(running_office: PostOffice, monkeypatch: pytest.MonkeyPatch) -> PostOffice:
    monkeypatch.setattr(posting, "LISTENS", 0.05)  # this machine is near
    running_office.reset()
    return running_office


@pytest.fixture
def busy(library: Library) -> Library:
    """Two flags of rights, one of which blocks, and one of production."""
    library.title(1)
    library.title(2)
    library.licence(ONE, asset="4711", ends="2026-12-31")
    library.licence((2, 0, "cover"), asset="4712", ends="2026-11-01")
    library.runs[1] = [{"id": 5, "name": "Second printing", "deliveryDate": "2027-01-20"}]
    library.check()
    return library


def made(library: Library) -> report.Report:
    return report.build(library.ledger, library.store, library.house, library.now.date())


def mail(library: Library, office: PostOffice) -> telling.Told:
    return telling.mail(library.ledger, library.store, library.house, made(library), office.send, now=library.now)


def note(library: Library, office: PostOffice) -> issues.Noted:
    return issues.note(library.ledger, office.client(), library.house, now=library.now)


# --- the report


def test_the_workbook_has_every_flag_with_what_to_do_and_who_must(busy: Library) -> None:
    built = made(busy)
    with busy.store.open(built.workbook.sha256) as file:
        book = openpyxl.load_workbook(io.BytesIO(file.read()))
    rows = list(book["Flags"].iter_rows(values_only=True))
    assert (built.lines, built.blocking, len(rows)) == (3, 1, 4)
    by_cause = {row[2]: dict(zip(rows[0], row, strict=True)) for row in rows[1:]}
    assert by_cause["reprint"]["Who must act"] == "production"
    assert by_cause["reprint"]["Due"].isoformat()[:10] == "2027-01-20"
    assert by_cause["expired"]["Blocks"] == "blocks"
    assert by_cause["expiry"]["Image"] == "4711"
    assert by_cause["expiry"]["What to do"] == "Renew it, or replace the image by then."
    assert list(book["By team"].iter_rows(values_only=True))[1:] == [
        ("production", "reprint", 1),
        ("rights", "expired", 1),
        ("rights", "expiry", 1),
    ]


def test_the_same_flags_make_the_same_report_and_a_title_is_never_markup_or_formula(busy: Library) -> None:
    from include.ledger.licence_rows import LicenceRow

    with busy.ledger.session() as session:
        for row in session.scalars(select(LicenceRow)):
            row.name = "=1+1 <script>alert(1)</script>"
    first, second = made(busy), made(busy)
    assert (first.digest, first.workbook) == (second.digest, second.workbook)
    busy.later(1)
    assert made(busy).digest == first.digest
    with busy.store.open(first.page.sha256) as file:
        page = file.read().decode()
    assert "<script" not in page
    assert "=1+1 &lt;script&gt;" in page
    with busy.store.open(first.workbook.sha256) as file:
        cells = [cell for row in openpyxl.load_workbook(io.BytesIO(file.read()))["Flags"].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if str(cell.value).startswith("=")} == {"s"}


def test_an_empty_report_says_that_nothing_is_to_be_done(library: Library) -> None:
    built = made(library)
    with library.store.open(built.page.sha256) as file:
        assert "Nothing is to be done." in file.read().decode()


# --- mails


def test_each_audience_gets_one_mail_with_its_flags_and_the_workbook(
    busy: Library, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "MOST", 1)  # flags that are shown; the numbers are of all
    told = mail(busy, office)
    assert (set(told.told), told.problems) == ({"report", "production", "rights"}, ())
    by_to = {str(one["X-To"]): one for one in office.mails()}
    assert set(by_to) == {"desk@lq.example", "production@lq.example", "rights@lq.example"}
    production = by_to["production@lq.example"]
    assert production["Subject"] == "Licences of images: one flag to act on"
    text = production.get_body(("plain",)).get_content()
    assert "reprint: image 4711 (Work 1)" in text
    assert "expired" not in text
    desk = by_to["desk@lq.example"]
    assert "3 flags to act on, 1 of which stop deliveries" in str(desk["Subject"])
    page = desk.get_body(("html",)).get_content()
    assert "<b>3</b>flags to settle" in page
    assert "And 1 more: see the workbook." in page
    attached = next(production.iter_attachments())
    assert attached.get_filename() == "licences_20261121.xlsx"
    assert openpyxl.load_workbook(io.BytesIO(attached.get_content())).sheetnames == ["Flags", "By team"]


def test_a_second_run_mails_nobody_and_the_next_threshold_is_mailed(busy: Library, office: PostOffice) -> None:
    mail(busy, office)
    busy.check()
    assert mail(busy, office) == telling.Told()
    busy.later(10)  # 30 days before the end of the first licence, 50 before the reprint
    busy.check()
    mail(busy, office)
    assert sorted(str(one["X-To"]) for one in office.mails()[3:]) == ["desk@lq.example", "rights@lq.example"]
    assert len({one["Message-ID"] for one in office.mails()}) == 5


def test_a_team_that_gets_the_report_hears_of_its_flags_there(busy: Library, office: PostOffice) -> None:
    busy.rules = busy.rules.model_copy(update={"report_mail": ("rights@lq.example", "desk@lq.example")})
    assert set(mail(busy, office).told) == {"report", "production"}


@pytest.mark.parametrize("at", ["connect", "mail", "rcpt", "data", "content", "taken"])
def test_a_line_that_breaks_anywhere_doubles_no_mail_and_loses_none(busy: Library, office: PostOffice, at: str) -> None:
    office.faults.set("mail", "drop", at=at, times=1)
    first = mail(busy, office)
    assert len(first.problems) == 1
    assert bool(first.doubtful) == (at == "taken")
    second = mail(busy, office)
    assert second.problems == ()
    assert sorted(str(one["X-To"]) for one in office.mails()) == ["desk@lq.example", "production@lq.example", "rights@lq.example"]
    assert mail(busy, office) == telling.Told()


def test_a_mail_of_which_nobody_knows_is_not_sent_again_and_the_next_one_says_so(busy: Library, office: PostOffice) -> None:
    office.faults.set("mail", "drop", at="lost")
    assert set(mail(busy, office).doubtful) == {"report", "production", "rights"}
    office.faults.clear()
    assert mail(busy, office) == telling.Told()
    busy.later(10)
    busy.check()
    mail(busy, office)
    text = office.mails()[0].get_body(("plain",)).get_content()
    assert "The mail of 2026-11-21 may not have reached you" in text


@pytest.mark.parametrize(
    ("at", "code", "kind"), [("rcpt", 550, PermanentError), ("content", 451, TransientError), ("data", 452, TransientError)]
)
def test_what_the_server_refuses_is_not_sent_and_goes_later(busy: Library, office: PostOffice, at: str, code: int, kind: Any) -> None:
    office.faults.set("mail", "reply", at=at, code=code, times=3)
    first = mail(busy, office)
    assert {type(one) for one in first.problems} == {kind}
    assert not first.told
    assert len(mail(busy, office).told) == 3
    assert len(office.mails()) == 3


def test_killed_before_the_mail_it_goes_and_killed_while_it_goes_it_is_in_doubt(busy: Library, office: PostOffice) -> None:
    def killed(*_: Any) -> list[str]:
        raise KeyboardInterrupt

    telling.begin(busy.ledger, busy.house, now=busy.now)  # and killed
    with pytest.raises(KeyboardInterrupt):
        telling.mail(busy.ledger, busy.store, busy.house, made(busy), killed, now=busy.now)
    assert len(mail(busy, office).told) == 2
    with busy.ledger.read() as session:
        references = [row.reference for row in session.scalars(select(LicenceTellingRow).order_by(LicenceTellingRow.id))]
    assert sorted(reference == telling.IN_DOUBT for reference in references) == [False, False, True]


def test_what_was_settled_before_the_mail_went_is_not_told(busy: Library, office: PostOffice) -> None:
    telling.begin(busy.ledger, busy.house, now=busy.now)
    for flag in busy.flags():
        flags.resolve(busy.ledger, flag.id, "ada", "", busy.now)
    assert mail(busy, office) == telling.Told()
    assert office.mails() == []


def test_lines_that_start_with_a_dot_and_long_ones_arrive_as_they_are(library: Library, office: PostOffice) -> None:
    message = EmailMessage(policy=SEVEN_BIT)
    message["From"], message["To"], message["Subject"] = "a@lq.example", "b@lq.example", "Über Bücher"
    message.set_content(".\n..two\n" + "é" * 3000 + "\n.end\n")
    office.send(message, ["b@lq.example"])
    (got,) = office.mails()
    assert got["Subject"] == "Über Bücher"
    assert got.get_content().replace("\r\n", "\n") == ".\n..two\n" + "é" * 3000 + "\n.end\n"


# --- issues


def test_each_team_gets_one_issue_with_its_open_flags(busy: Library, office: PostOffice) -> None:
    noted = note(busy, office)
    assert (set(noted.opened), noted.commented, noted.problems) == ({"PROD-1", "RIGHTS-1"}, (), ())
    rights = office.jira.issues["RIGHTS-1"]["fields"]
    assert rights["summary"] == "Licences of images: flags to act on"
    assert "expired, stops deliveries: image 4712, Work 2" in rights["description"]
    assert "reprint" not in rights["description"]


def test_a_refusal_names_the_fields_that_jira_complains_of_and_none_of_its_words() -> None:
    response = requests.Response()
    response.status_code = 400
    response._content = b'{"errors": {"customfield_10001": "see https://jira.example/secret", "no name": "x"}}'
    with pytest.raises(PermanentError, match="fields: customfield_10001\\. Check jira_project") as refused, issues._explained("Jira"):
        raise requests.HTTPError(response=response)
    assert "secret" not in str(refused.value)


def test_a_second_run_writes_nothing_in_jira(busy: Library, office: PostOffice) -> None:
    note(busy, office)
    before = dict(office.jira.requests)
    busy.check()
    assert note(busy, office) == issues.Noted()
    assert dict(office.jira.requests) == before


def test_later_flags_become_a_comment_on_the_same_issue(busy: Library, office: PostOffice) -> None:
    note(busy, office)
    busy.later(10)
    busy.check()
    noted = note(busy, office)
    assert (noted.opened, noted.commented) == ((), ("RIGHTS-1",))
    (comment,) = office.jira.issues["RIGHTS-1"]["comments"]
    assert "One flag to act on" in comment["body"]
    assert "4711" in comment["body"]
    assert "4712" not in comment["body"]
    assert "4712" in office.jira.issues["RIGHTS-1"]["fields"]["description"]


@pytest.mark.parametrize("closed", ["done", "deleted"])
def test_after_people_closed_an_issue_later_flags_get_a_new_one(busy: Library, office: PostOffice, closed: str) -> None:
    note(busy, office)
    if closed == "done":
        office.jira.issues["RIGHTS-1"]["fields"]["status"]["statusCategory"] = {"key": "done", "name": "Done"}
    else:
        del office.jira.issues["RIGHTS-1"]
    assert note(busy, office) == issues.Noted()
    busy.later(10)
    busy.check()
    assert note(busy, office).opened == ("RIGHTS-2",)


WRITES = ["POST /issue", "POST /issue/{key}/comment", "PUT /issue/{key}"]
BODILESS = ("PUT /issue/{key}", "middle")
READS = ["GET /search", "GET /issue/{key}", "GET /issue/{key}/comment"]


@pytest.mark.parametrize(
    ("operation", "when"), [(one, when) for one in [*WRITES, *READS] for when in ("before", "middle", "after") if (one, when) != BODILESS]
)
def test_a_line_that_breaks_anywhere_doubles_neither_issue_nor_comment(
    busy: Library, office: PostOffice, operation: str, when: str
) -> None:
    busy.rules = LicenceRules(teams=(Team(role="rights", jira_project="RIGHTS"), Team(role="production", causes=("reprint",))))
    steps = 0
    for day in (0, 10):  # the issue is opened, then commented
        busy.later(day)
        busy.check()
        office.faults.set("jira", "drop", on=operation, when=when, times=1)
        broken = note(busy, office)
        steps += len(broken.problems)
        busy.now += timedelta(minutes=2)
        assert note(busy, office).problems == ()
        office.faults.clear()
    assert steps == 1
    (issue,) = office.issues()
    assert len(issue["comments"]) == 1
    assert note(busy, office) == issues.Noted()


def test_while_the_search_lags_behind_nothing_is_opened_again(busy: Library, office: PostOffice) -> None:
    office.faults.set("jira", "drop", on="POST /issue", when="after", times=1)
    office.faults.set("jira", "lag", seconds=3600)
    note(busy, office)
    (trouble,) = note(busy, office).problems
    assert "may just have been opened" in str(trouble)
    assert getattr(trouble, "retry_after", None) == 60
    office.faults.clear("jira", "lag")
    assert note(busy, office).problems == ()
    assert sorted(issue["key"] for issue in office.issues()) == ["PROD-1", "RIGHTS-1"]


def test_one_teams_trouble_stops_no_others_issue(busy: Library, office: PostOffice) -> None:
    teams = tuple(team.model_copy(update={"jira_project": "not a key"}) if team.role == "production" else team for team in busy.rules.teams)
    busy.rules = busy.rules.model_copy(update={"teams": teams})
    noted = note(busy, office)
    assert noted.opened == ("RIGHTS-1",)
    assert [type(one) for one in noted.problems] == [PermanentError]
    assert "jira_project" in noted.problems[0].todo


def test_a_refused_token_is_told_without_it(busy: Library, office: PostOffice) -> None:
    office.faults.set("jira", "status", status=401)
    trouble = note(busy, office).problems[0]
    assert isinstance(trouble, LoginRefused)
    assert office.jira.token not in str(trouble)


def test_many_flags_fit_into_what_jira_takes(library: Library, office: PostOffice) -> None:
    for number in range(1, 120):
        library.title(number)
        library.licence((number, 0, "cover"), ends="2026-12-31", editorial_only=True)
    library.check()
    assert note(library, office).problems == ()
    description = office.jira.issues["RIGHTS-1"]["fields"]["description"]
    assert len(description) < 32_767
    assert "178 more: see the report" in description
