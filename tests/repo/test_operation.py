"""What an operator is given agrees with the server: metrics, documents, dashboard, rules, units."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.core import Metric

from server.api.metrics import LANE_COUNTS
from server.metrics import Metrics
from server.settings import Settings
from tests.repo.markdown import read, shell_commands

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
ROOT = DEPLOY.parent
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "tingqing.json").read_text(encoding="utf-8"))
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
OF_THE_LIBRARY = {f"process_{name}" for name in ("cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds")}

PARTS = ("bucket", "count", "sum")
OPERATE = read("docs/operate.md")
CHINESE = read("docs/operate.zh-CN.md")


def families() -> list[Metric]:
    """All that a server counts itself, before anything has happened."""
    return list(Metrics().registry.collect())


def own() -> set[str]:
    return {family.name for family in families() if family.name.startswith("tingqing_")}


def described() -> set[str]:
    """As the table has them, without the suffixes that Prometheus adds."""
    rows = re.findall(r"^\| ((?:`tingqing_\w+`(?:, )?)+) \|", OPERATE, re.MULTILINE)
    return {re.sub(r"_(total|info)$", "", name) for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_every_metric_is_described() -> None:
    assert own() <= described()


@pytest.mark.parametrize("family", families(), ids=lambda family: family.name)
def test_every_metric_says_what_it_is(family: Metric) -> None:
    assert family.documentation


def exposed() -> set[str]:
    """Every name that a query may use: those of the table, with the suffixes that Prometheus adds."""
    rows = [line for line in OPERATE.splitlines() if line.startswith("| `tingqing_")]
    histograms = [row for row in rows if "histogram" in row]
    names = set(re.findall(r"`(tingqing_\w+)`", "\n".join(rows)))
    parts = {f"{name}_{part}" for name in re.findall(r"`(tingqing_\w+)`", "\n".join(histograms)) for part in PARTS}
    return names | parts


def queries() -> Iterator[tuple[str, str]]:
    """Title or alert, and its query, without Grafana's variables."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            plain = target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")
            yield panel["title"], plain
    for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


@pytest.mark.parametrize(("title", "query"), list(queries()), ids=lambda value: value[:40])
def test_every_query_names_metrics_that_exist(title: str, query: str) -> None:
    named = set(re.findall(r"\b(?:tingqing|process)_\w+|\bup\b", query))
    assert named, title
    assert named <= exposed() | OF_THE_LIBRARY | {"up"}


def test_lanes_and_sessions_of_the_document_are_those_of_the_scrape() -> None:
    assert {f"tingqing_lane_{name}_total" for name in LANE_COUNTS} <= exposed()


def test_every_alert_says_in_the_document_what_to_do() -> None:
    for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            assert f"| `{rule['alert']}` |" in OPERATE
            assert f"| `{rule['alert']}` " in CHINESE
            assert rule["annotations"]["summary"]
            assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_chinese_manual_gives_the_commands_of_the_english_one() -> None:
    commands = shell_commands(CHINESE)
    assert len(commands) > 15
    assert not set(commands) - set(shell_commands(OPERATE))


def test_every_alert_has_a_case_in_which_it_fires() -> None:
    cases = yaml.safe_load((DEPLOY / "prometheus" / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    fired = {case["alertname"] for test in cases for case in test["alert_rule_test"] if case["exp_alerts"]}
    rules = [rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    assert fired == {rule["alert"] for rule in rules}


def test_the_panels_fill_the_dashboard_without_overlapping() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    cells = [(x, place["y"]) for place in places for x in range(place["x"], place["x"] + place["w"])]
    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("no promtool: Debian has it in the package prometheus")
    return found


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_real_promtool_accepts_rules_and_configuration_and_the_alerts_fire_when_they_should(promtool: str) -> None:
    run(promtool, "check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    run(promtool, "check", "rules", ALERTS)
    run(promtool, "test", "rules", DEPLOY / "prometheus" / "alerts_test.yml")


def test_real_promtool_can_parse_every_query_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": query} for number, (_, query) in enumerate(queries())]
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    run(promtool, "check", "rules", path)


def test_real_systemd_accepts_the_units_and_finds_the_service_confined() -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze: Debian has it in the package systemd")
    units = sorted((DEPLOY / "systemd").glob("tingqing*"))
    done = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False)
    missing = "is not executable: No such file or directory"  # of the program, which is not installed here
    assert not [line for line in done.stderr.splitlines() if "tingqing" in line and missing not in line]
    run(analyze, "security", "--offline=true", "--threshold=25", DEPLOY / "systemd" / "tingqing.service")


@pytest.mark.parametrize("manual", [OPERATE, CHINESE], ids=["en", "zh"])
def test_the_sizes_are_those_that_were_measured_last(manual: str) -> None:
    measured = read("docs/performance.md")
    told = [(100, 106), (129, 188), (20, 149), (56, 182)]
    for sessions, p95_ms in told:
        row = next(line for line in manual.splitlines() if f"{p95_ms} " in line and "CLAP" in line)
        assert str(sessions) in row
        assert re.search(rf"\b{sessions}\b.*\b{p95_ms}\b", measured), (sessions, p95_ms)
    assert "259" not in manual, "of version 0.1"


def unit(name: str) -> list[str]:
    return (DEPLOY / "systemd" / f"tingqing{name}.service").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", ["-backup", "-doctor"])
def test_what_works_beside_the_server_has_its_settings(name: str) -> None:
    """A backup that read only the folder would copy what was left there when the server moved to PostgreSQL."""
    given = [line for line in unit("") if line.startswith(("User=", "EnvironmentFile=", "Environment=TINGQING_DATA"))]
    assert len(given) == 3
    assert set(given) <= set(unit(name))


@pytest.mark.parametrize("manual", [OPERATE, CHINESE], ids=["en", "zh"])
def test_the_steps_make_the_folders_that_later_steps_write_to(manual: str) -> None:
    made = manual.index("install -d -m 0750 --group=tingqing /etc/tingqing")
    assert made < manual.index("/etc/tingqing/tingqing.env")
    assert "/var/lib/tingqing/backups/before-$(date" in manual
    assert "StateDirectory=tingqing tingqing/backups" in unit("")


def test_no_step_checks_with_the_settings_of_a_shell_what_the_service_does() -> None:
    for manual in (OPERATE, CHINESE):
        assert "tingqing doctor" not in shell_commands(manual)
        assert "systemctl start tingqing-doctor; journalctl -u tingqing-doctor -n 40 -o cat" in shell_commands(manual)


def test_units_and_compose_name_settings_that_exist() -> None:
    known = {f"TINGQING_{name.upper()}" for name in Settings.model_fields}
    texts = [path.read_text(encoding="utf-8") for path in (DEPLOY / "systemd").glob("*")]
    texts.append((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    named = {name for text in texts for name in re.findall(r"^[^#\n]*?\b(TINGQING_[A-Z_]+)[=:]", text, re.MULTILINE)}
    assert named
    assert named <= known


@pytest.mark.parametrize("beside", [None, "compose.cuda.yaml", "compose.postgresql.yaml"])
def test_real_compose_accepts_the_files(beside: str | None) -> None:
    compose = shutil.which("docker-compose")
    if compose is None:
        pytest.skip("no docker-compose: Debian has it in a package of that name")
    files = ["compose.yaml", *([f"deploy/{beside}"] if beside else [])]
    command = [compose, *(word for file in files for word in ("-f", file)), "config"]
    secrets = {"GRAFANA_PASSWORD": "g", "POSTGRES_PASSWORD": "p"}
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | secrets, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    merged = yaml.safe_load(done.stdout)
    assert merged["services"]["tingqing"]["build"]["target"] == ("cuda" if beside == "compose.cuda.yaml" else "cpu")
    assert all(volume["name"].startswith("tingqing_") for volume in merged["volumes"].values())


def test_compose_mounts_what_is_there_and_gives_the_drain_its_time() -> None:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    for service in compose["services"].values():
        for mount in service["volumes"]:
            source = mount.split(":")[0]
            assert source in compose["volumes"] or (ROOT / source).is_dir()
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    ours = compose["services"]["tingqing"]
    assert ours["read_only"]
    assert float(ours["environment"]["TINGQING_DRAIN_S"]) + 15 < float(ours["stop_grace_period"].removesuffix("s"))
    # What a hospital sets where a proxy stands in front; without it limits and audit take all patients for one.
    for name in ("TRUST_PROXY", "PUBLIC_URL", "ALLOW_ORIGIN", "ALLOW_HOST"):
        assert ours["environment"][f"TINGQING_{name}"] == f"${{TINGQING_{name}:-}}"
    target = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    scraped = target["scrape_configs"][0]["static_configs"][0]["targets"]
    assert scraped == [f"tingqing:{ours['environment']['TINGQING_METRICS_PORT']}"]
    cuda = yaml.safe_load((DEPLOY / "compose.cuda.yaml").read_text(encoding="utf-8"))
    assert cuda["services"]["tingqing"]["build"]["target"] == "cuda"
