"""``tingqing webhooks`` says at once what could never be delivered."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Ran, in_process

PUBLIC = "https://8.8.8.8/hooks"


def run(folder: Path, *arguments: str, **variables: str) -> Ran:
    return in_process("webhooks", *arguments, "--data-dir", str(folder), stdin=None, **variables)


@pytest.mark.parametrize(
    ("url", "allow", "said"),
    [
        (PUBLIC, "", ""),
        ("http://8.8.8.8/hooks", "", "the address is not HTTPS"),
        ("https://10.20.0.7/hooks", "", "TINGQING_WEBHOOK_ALLOW"),
        ("http://10.20.0.7:8080/hooks", "10.20.0.0/16", ""),
        ("http://localhost:8080/hooks", "", "TINGQING_WEBHOOK_ALLOW"),
    ],
)
def test_add_warns_of_an_address_that_is_never_reached(tmp_path: Path, url: str, allow: str, said: str) -> None:
    ran = run(tmp_path, "add", url, "--site", "local", TINGQING_WEBHOOK_ALLOW=allow)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("whsec_")
    assert ran.out.count("\n") == 1
    assert ("Warning" in ran.err) == bool(said)
    assert said in ran.err


def test_add_warns_of_a_site_without_keys(tmp_path: Path) -> None:
    assert "Without keys all is of local." in run(tmp_path, "add", PUBLIC, "--site", "ward-3").err
    made = in_process("keys", "create", "--site", "ward-3", "--role", "integrator", "--data-dir", str(tmp_path))
    assert made.code == 0
    assert "There are keys of: ward-3." in run(tmp_path, "add", PUBLIC, "--site", "ward-33").err
    assert "Warning" not in run(tmp_path, "add", f"{PUBLIC}/2", "--site", "ward-3").err


def test_add_refuses_an_address_that_the_site_has_and_names_its_id(tmp_path: Path) -> None:
    endpoint_id = run(tmp_path, "add", PUBLIC, "--site", "local").err.split()[1]
    again = run(tmp_path, "add", PUBLIC, "--site", "local", "--events", "label.changed")
    assert again.code == 2
    assert endpoint_id in again.err
    assert again.out == ""
    assert run(tmp_path, "add", PUBLIC, "--site", "elsewhere").code == 0


def test_replay_of_an_unknown_endpoint_is_refused(tmp_path: Path) -> None:
    ran = run(tmp_path, "replay", "--endpoint", "wh_nothing")
    assert ran.code == 2
    assert "there is no endpoint wh_nothing" in ran.err


def test_a_test_of_a_private_address_names_the_variable_that_this_command_reads(tmp_path: Path) -> None:
    endpoint_id = run(tmp_path, "add", "http://127.0.0.1:9/hooks", "--site", "local").err.split()[1]
    ran = run(tmp_path, "test", endpoint_id)
    assert ran.code == 1
    assert "address not allowed" in ran.out
    assert "TINGQING_WEBHOOK_ALLOW=" in ran.err
    assert "own environment" in ran.err


def test_the_audit_has_who_is_told_since_when(tmp_path: Path) -> None:
    endpoint_id = run(tmp_path, "add", PUBLIC, "--site", "ward-3").err.split()[1]
    for act in (
        ("rotate", endpoint_id),
        ("resume", endpoint_id),
        ("replay", "--endpoint", endpoint_id),
        ("replay", "7"),
    ):
        assert run(tmp_path, *act).code == 0
    assert run(tmp_path, "remove", "wh_nothing").code == 2, "not done, so not in it"
    assert run(tmp_path, "remove", endpoint_id).code == 0
    ran = in_process("keys", "audit", "--format", "json", "--data-dir", str(tmp_path))
    acts = [(one["act"], one["site"], one["about"], one["who"]) for one in json.loads(ran.out)]
    assert sorted(acts) == sorted(
        [
            *(
                (f"webhook{act}", "ward-3", endpoint_id, "operator")
                for act in (".added", ".rotated", ".resumed", "s.replayed", ".removed")
            ),
            ("webhooks.replayed", "", "7", "operator"),
        ]
    )
