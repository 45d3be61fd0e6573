"""Each mistake in the configuration is one line that names the file, the key and what is valid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ri_report.config import Config, kept_config, load_config
from ri_report.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
[organization]
discover = "list"
role_name = "Counter"
session_name = "monthly"
external_id = "canary-4711"
regions = ["us-east-1", "eu-west-1", "us-gov-west-1", "ap-southeast-2"]
exclude_accounts = ["222233334444"]

[[account]]
id = "111122223333"
name = "web"
role_name = "OtherName"

[[account]]
id = "012345678901"

[sharing]
mode = "restricted"
deactivated_accounts = ["111122223333"]
zonal_match = "az_id"
zonal_in_capacity_reservations = true

[sharing.groups]
platform = ["111122223333", "222233334444"]
"shop & web" = ["012345678901"]

[targets]
utilization = 0.9
coverage = 1

[output]
dir = "out"
formats = ["html", "parquet"]
"""

MISTAKES = {
    "unknown_table": (
        '[organisation]\nrole_name = "x"',
        ["unknown key organisation", "did you mean organization?"],
    ),
    "unknown_key": (
        '[organization]\nrol_name = "x"',
        ["unknown key organization.rol_name", "did you mean role_name?"],
    ),
    "unknown_key_of_an_account": (
        '[[account]]\nid = "111122223333"\nrole = "x"',
        ["unknown key account[0].role", "did you mean role_name?"],
    ),
    "unknown_key_like_no_other": (
        "[targets]\nzzz = 1",
        ["unknown key targets.zzz", "valid are utilization, coverage"],
    ),
    "unknown_choice": (
        '[sharing]\nzonal_match = "az-id"',
        ["sharing.zonal_match = 'az-id'", "az_name, az_id", "did you mean az_id?"],
    ),
    "unknown_mode": (
        '[sharing]\nmode = "prioritised"',
        ["sharing.mode = 'prioritised'", "did you mean prioritized?"],
    ),
    "account_in_two_groups": (
        (
            '[sharing]\nmode = "restricted"\n[sharing.groups]\n'
            'shop = ["111122223333"]\nlab = ["012345678901", "111122223333"]'
        ),
        ["sharing: account 111122223333 is in the groups shop and lab"],
    ),
    "account_twice_in_a_group": (
        '[sharing]\nmode = "restricted"\n[sharing.groups]\nshop = ["111122223333", "111122223333"]',
        ["sharing.groups.shop: 111122223333 stands more than once"],
    ),
    "no_account_id_in_a_group": (
        '[sharing]\nmode = "restricted"\n[sharing.groups]\nshop = ["shop"]',
        ["sharing.groups.shop[0]", "'shop' is not an account id"],
    ),
    "list_instead_of_groups": (
        '[sharing]\nmode = "restricted"\ngroups = ["111122223333"]',
        ["sharing.groups must be a table: [sharing.groups]"],
    ),
    "group_without_a_list": (
        '[sharing]\nmode = "restricted"\n[sharing.groups]\nshop = "111122223333"',
        ["sharing.groups.shop must be a list"],
    ),
    "group_without_a_name": (
        '[sharing]\nmode = "restricted"\n[sharing.groups]\n"" = ["111122223333"]',
        ["sharing.groups", "a group needs a name"],
    ),
    "group_of_accounts_in_no_group": (
        '[sharing]\nmode = "restricted"\n[sharing.groups]\nUncategorized = ["111122223333"]',
        ["sharing: group Uncategorized", "in no group; leave it out"],
    ),
    "unknown_key_like_groups": (
        "[sharing]\ngroup = {}",
        ["unknown key sharing.group", "did you mean groups?"],
    ),
    "unknown_format": (
        '[output]\nformats = ["html", "xls"]',
        ["output.formats[1] = 'xls'", "did you mean xlsx?"],
    ),
    "account_id_as_a_number": (
        "[[account]]\nid = 111122223333",
        ["account[0].id", "must be text: put it in quotes"],
    ),
    "account_id_as_a_number_with_a_leading_zero": (
        "[[account]]\nid = 012345678901",
        ["not valid TOML", "line 2", "account id", "must be in quotes"],
    ),
    "account_id_of_11_digits": (
        '[[account]]\nid = "11122223333"',
        ["account[0].id", "'11122223333'", "12 digits"],
    ),
    "account_id_in_other_digits": (
        '[[account]]\nid = "１１１１２２２２３３３３"',  # noqa: RUF001 - full-width digits are the point
        ["account[0].id", "12 digits"],
    ),
    "account_twice": (
        '[[account]]\nid = "111122223333"\n[[account]]\nid = "111122223333"',
        ["account:", "111122223333 stands more than once"],
    ),
    "excluded_twice": (
        '[organization]\nexclude_accounts = ["111122223333", "111122223333"]',
        ["organization.exclude_accounts", "111122223333 stands more than once"],
    ),
    "one_account_instead_of_a_list": (
        '[account]\nid = "111122223333"',
        ["account must be a list", "[[account]]"],
    ),
    "text_instead_of_a_list": (
        '[organization]\nregions = "us-east-1"',
        ["organization.regions must be a list", '["...", "..."]'],
    ),
    "text_instead_of_a_table": (
        'targets = "high"',
        ["targets must be a table", "[targets]"],
    ),
    "list_without_accounts": (
        '[organization]\ndiscover = "list"',
        ['organization.discover is "list"', "no [[account]] is given"],
    ),
    "region_without_its_dash": (
        '[organization]\nregions = ["us-east1"]',
        ["organization.regions[0]", "'us-east1'", "did you mean us-east-1?"],
    ),
    "role_as_an_arn": (
        '[organization]\nrole_name = "arn:aws:iam::111122223333:role/Counter"',
        ["organization.role_name", "letters, digits and +=,.@_- only"],
    ),
    "session_name_too_short": ('[organization]\nsession_name = "x"', ["session_name", "2-64"]),
    "target_in_percent": ("[targets]\nutilization = 95", ["targets.utilization", "0 to 1"]),
    "target_below_zero": ("[targets]\ncoverage = -0.1", ["targets.coverage", "0 to 1"]),
    "target_as_text": ('[targets]\ncoverage = "0.8"', ["targets.coverage", "number"]),
    "target_not_a_number": ("[targets]\ncoverage = nan", ["targets.coverage", "0 to 1"]),
    "no_output_folder": ('[output]\ndir = ""', ["output.dir", "must not be empty"]),
    "no_output": ("[output]\nformats = []", ["output.formats", "must not be empty"]),
    "no_toml": ("organization:\n  role_name: x", ["is not valid TOML", "line 1"]),
}


def written(folder: Path, text: str) -> Path:
    path = folder / "ri-report.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path | None, **overrides: object) -> str:
    given = {name.replace("__", "."): value for name, value in overrides.items()}
    with pytest.raises(ConfigError) as refused:
        load_config(path, given, {"output.formats": "--format"})
    return str(refused.value)


def test_every_key_of_the_file_arrives(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, WHOLE))
    assert config.organization.discover == "list"
    assert config.organization.role_name == "Counter"
    assert config.organization.session_name == "monthly"
    assert config.organization.external_id.get_secret_value() == "canary-4711"
    assert config.organization.regions[2] == "us-gov-west-1"
    assert config.organization.exclude_accounts == ["222233334444"]
    assert [account.id for account in config.account] == ["111122223333", "012345678901"]
    assert [account.role_name for account in config.account] == ["OtherName", None]
    assert config.sharing.deactivated_accounts == ["111122223333"]
    assert config.sharing.zonal_match == "az_id"
    assert config.sharing.zonal_in_capacity_reservations
    assert config.sharing.mode == "restricted"
    assert config.sharing.groups == {
        "platform": ["111122223333", "222233334444"],
        "shop & web": ["012345678901"],
    }
    assert (config.targets.utilization, config.targets.coverage) == (0.9, 1.0)
    assert (config.output.dir, config.output.formats) == ("out", ["html", "parquet"])


def test_without_a_file_the_documented_defaults_hold() -> None:
    config = load_config(None)
    assert config == Config()
    assert config.organization.discover == "organizations"
    assert config.organization.role_name == "CrossAccountInstanceCounter"
    assert config.organization.session_name == "ri-report"
    assert config.organization.regions == []
    assert config.sharing.zonal_match == "az_name"
    assert not config.sharing.zonal_in_capacity_reservations
    assert (config.sharing.mode, config.sharing.groups) == ("open", {})
    assert (config.targets.utilization, config.targets.coverage) == (0.95, 0.80)
    assert config.output.dir == "reports"
    assert config.output.formats == ["html", "xlsx", "json", "csv"]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_with_file_key_and_what_is_valid(
    mistake: str, tmp_path: Path
) -> None:
    text, expected = MISTAKES[mistake]
    path = written(tmp_path, text)
    said = refusal(path)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    for part in expected:
        assert part in said
    assert ConfigError.exit_code == 2


def test_all_mistakes_of_a_file_are_said_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, '[targets]\ncoverage = 80\n[output]\nformat = ["html"]')
    said = refusal(path)
    assert said.count(str(path)) == 1
    assert "targets.coverage" in said
    assert "unknown key output.format; did you mean formats?" in said


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "absent.toml"
    assert refusal(path) == f"{path}: there is no such file; name one with --config"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path}: cannot be read" in refusal(tmp_path)
    path = tmp_path / "latin1.toml"
    path.write_bytes(b'[[account]]\nname = "\xe9"')
    assert f"{path}: cannot be read" in refusal(path)


def test_an_option_wins_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, '[organization]\nrole_name = "FromFile"\nsession_name = "kept"')
    config = load_config(path, {"organization.role_name": "FromOption", "output.dir": None})
    assert config.organization.role_name == "FromOption"
    assert config.organization.session_name == "kept"
    assert config.output.dir == "reports"


def test_an_option_that_was_not_given_changes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, '[organization]\nregions = ["eu-west-1"]')
    config = load_config(path, {"organization.regions": (), "organization.role_name": None})
    assert config.organization.regions == ["eu-west-1"]


def test_a_mistake_in_an_option_is_not_laid_to_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[targets]\ncoverage = 0.5")
    said = refusal(path, organization__include_accounts=("11112222333",))
    assert said.startswith("organization.include_accounts: '11112222333'")
    assert str(path) not in said


def test_mistakes_in_file_and_option_are_each_laid_to_their_place(tmp_path: Path) -> None:
    path = written(tmp_path, "[targets]\ncoverage = 5")
    said = refusal(path, output__formats=("htm",))
    assert f"{path}: targets.coverage" in said
    assert (
        "--format: 'htm' is not one of html, xlsx, json, csv, parquet; did you mean html?" in said
    )


@pytest.mark.parametrize(
    "text",
    [
        '[organization]\nexternal_id = "canary-4711"\nrole_name = "no role"',
        '[organization]\nexternal_id = ["canary-4711"]',
        '[organization]\nexternalid = "canary-4711"',
        '[organization]\nrole_name = { external_id = "canary-4711" }',
        '[organization]\nexternal_id = "canary-4711',
        "[organization]\nexternal_id = canary-4711",
        'organization = [{ external_id = "canary-4711" }]',
    ],
)
def test_the_external_id_is_in_no_error(text: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    assert "canary-4711" not in str(refused.value)
    assert "canary-4711" not in repr(refused.value)
    assert "canary-4711" not in repr(refused.value.__cause__)


def test_the_external_id_is_in_no_repr(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, '[organization]\nexternal_id = "canary-4711"'))
    assert config.organization.external_id.get_secret_value() == "canary-4711"
    for shown in (repr(config), str(config), config.model_dump_json()):
        assert "canary-4711" not in shown


def test_what_was_kept_with_a_snapshot_comes_back(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, WHOLE))
    kept = config.model_dump(mode="json", include={"sharing", "targets"})
    assert kept_config(kept, tmp_path).sharing == config.sharing
    assert kept_config(kept, tmp_path).targets == config.targets


def test_settings_of_a_later_version_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="settings that this ri-report does not know"):
        kept_config({"sharing": {"mode": "later"}}, tmp_path)
