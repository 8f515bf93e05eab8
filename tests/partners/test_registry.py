"""Partner files: what they may say, and what is said when they are wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from colophon.cli import main
from include.errors import ConfigurationError
from include.partners import load_house, load_partner, load_partners, load_party

CONFIG = Path(__file__).resolve().parents[2] / "config"


@pytest.fixture
def config(tmp_path):
    shutil.copytree(CONFIG, tmp_path / "config")
    return tmp_path / "config"


def change(config: Path, partner: str, before: str, after: str) -> Path:
    path = config / "partners" / f"{partner}.toml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    return path


def test_six_partners_are_shipped():
    assert [partner.id for partner in load_partners()] == ["dropwell", "fennimore", "librarium", "meridian", "northgate", "quickshelf"]
    assert load_house().publisher


def test_a_seventh_partner_is_one_file(config):
    text = (config / "partners" / "northgate.toml").read_text().replace('id = "northgate"', 'id = "seventh"')
    (config / "partners" / "seventh.toml").write_text(text)
    assert "seventh" in [partner.id for partner in load_partners(config)]


def test_a_disabled_partner_gets_nothing(config):
    change(config, "northgate", 'kind = "distributor"', 'kind = "distributor"\nenabled = false')
    assert "northgate" not in [partner.id for partner in load_partners(config)]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('release = "3.0"', 'release = "4.0"', "feed.release"),
        ('release = "3.0"', 'releese = "3.0"', "feed.releese"),
        ('protocol = "sftp"', 'protocol = "scp"', "transport.protocol"),
        ('currency = "GBP"', 'currency = "pounds"', "currency"),
        ('id = "northgate"', 'id = "southgate"', "southgate"),
        ("[feed]", "[feed", "not valid TOML"),
    ],
)
def test_a_slip_of_the_pen_names_file_key_and_mend(config, before, after, said):
    path = change(config, "northgate", before, after)
    with pytest.raises(ConfigurationError) as wrong:
        load_partner("northgate", config)
    assert said in str(wrong.value)
    assert str(path) in str(wrong.value)
    assert wrong.value.todo


def test_an_unknown_partner_names_the_known_ones():
    with pytest.raises(ConfigurationError, match="northgate"):
        load_partner("nowhere")


def test_the_territory_of_norway_is_no_truth_value(config):
    change(config, "northgate", 'countries = ["GB", "IE"]', 'countries = ["NO"]')
    assert load_partner("northgate", config).feed.markets[0].countries == ("NO",)


def test_two_flows_of_one_party_do_not_share_a_folder(config):
    path = config / "partners" / "pressmark.toml"
    path.write_text(path.read_text() + '\n[launch]\nfolder = "{isbn}"\n')
    with pytest.raises(ConfigurationError, match=r"handoff\.folder and launch\.folder"):
        load_party("pressmark", config)
    path.write_text(path.read_text().replace('[launch]\nfolder = "{isbn}"', '[launch]\nfolder = "launch/{isbn}"'))
    assert load_party("pressmark", config).launch is not None


def test_an_agent_never_gets_everybodys_statements(config):
    change(config, "foxglove", "[statements]", "[statements]\neverything = true")
    with pytest.raises(ConfigurationError, match="finance"):
        load_party("foxglove", config)


def test_one_broken_file_hides_no_other_from_the_check(config, monkeypatch, capsys):
    monkeypatch.setenv("COLOPHON_CONFIG", str(config))
    change(config, "northgate", 'territory = ["GB"]', 'territory = ["UK"]')
    (config / "people.toml").write_text("roles = 3")
    (config / "sources" / "kobo.toml").write_text("id = ")
    (config / "subjects").mkdir()
    (config / "subjects" / "thema.csv").write_text("headings and no codes")
    assert main(["partners", "check"]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAIL")]
    assert {line.split()[1] for line in failed} == {"people.toml", "northgate", "kobo", "thema.csv"}
