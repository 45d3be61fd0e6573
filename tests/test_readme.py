"""What the README says holds."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from click.testing import CliRunner

from ri_report.aws.permissions import MEMBER_ACTIONS
from ri_report.cli import ri_report
from ri_report.config import load_config

TOP = Path(__file__).resolve().parent.parent
README = (TOP / "README.md").read_text(encoding="utf-8")


def test_its_two_commands_are_targets_of_the_makefile() -> None:
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"^make (\w+)", README, flags=re.MULTILINE)
    assert named[:2] == ["demo", "test"]
    for target in named:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_every_command_and_option_it_names_exists() -> None:
    told = "".join(re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL))
    lines = re.findall(r"^ri-report (\w+)(.*?)(?:#.*)?$", told, flags=re.MULTILINE)
    assert {command for command, _ in lines} >= {"run", "report", "iam"}
    for command, rest in lines:
        shown = CliRunner().invoke(ri_report, [command, "--help"])
        assert shown.exit_code == 0
        for option in re.findall(r"--[\w-]+", rest):
            assert option in shown.output


def test_its_configuration_is_accepted(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    file = tmp_path / "ri-report.toml"
    file.write_text(block, encoding="utf-8")
    config = load_config(file)
    assert config.account[0].role_name == "OtherName"
    assert set(tomllib.loads(block)) == set(type(config).model_fields)


def test_it_names_every_action_that_the_member_role_needs() -> None:
    for action in MEMBER_ACTIONS:
        assert f"`{action}`" in README


def test_it_names_every_dependency_with_its_reason() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    table = README.partition("| dependency | for |")[2]
    for requirement in project["dependencies"]:
        name = re.split(r"[><=\[]", requirement)[0]
        assert re.search(rf"^\|[^|]*\b{name}\b", table, flags=re.MULTILINE), name


def test_no_lock_file_names_an_index() -> None:
    locks = sorted(TOP.glob("*.lock"))
    assert len(locks) == 3
    for path in locks:
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        assert "index" not in text
