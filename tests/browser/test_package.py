"""The npm package: what is in it, that TypeScript knows its types, and that the example of its READMEs runs from it,
bundled, in a real browser."""

import gzip
import json
import re
import shutil
import subprocess
import tarfile
import tomllib
from pathlib import Path

import pytest

from server.resources import web_client_dir
from tests.browser import messages
from tests.browser.conftest import OpenPage, require
from tests.browser.stub import StubServer
from tests.repo.markdown import ROOT, code_blocks, read

TOOLS = ROOT / "tools" / "js"
READMES = ("README.md", "README.zh-CN.md")
NAME = "@tingqing/client"

PAGE = """<!doctype html><meta charset="utf-8"><title>Ours</title><link rel="icon" href="icon.svg">
<button id="start">Start</button><p id="said"></p><script type="module" src="app.js"></script>"""

TYPED = """import { TingqingClient, TingqingObserver } from '@tingqing/client/headless';
import { TingqingStrip, type ClientState, type Result, type WatchState } from '@tingqing/client';
import type { ClientOptions, Segment, ServerMessage, WatchOptions } from '@tingqing/client/headless';
import { TingqingPatient } from '@tingqing/client/patient';

const options: ClientOptions = { token: 'a.b.c', mode: 'visit', line: 'half' };
const watched: WatchOptions = { session: 'a' };
const client = new TingqingClient(options);
export const verdictOf = (state: ClientState) => (state.kind === 'ended' ? state.result?.overall.verdict : undefined);
export const isOver = (state: WatchState) => state.kind === 'ended';
export const said: Segment[] = [];
export const results: Result[] = [];
client.on('message', (message: ServerMessage) => message.type);
client.on('state', (state) => {
  if (state.kind === 'failed') state.failure.remedy.zh satisfies string;
  if (state.kind === 'live') state.silent satisfies boolean;
});
client.on('lost', (seconds) => seconds satisfies number);
new TingqingObserver(watched).nudge('speak_up');
new TingqingStrip() satisfies TingqingPatient;
// @ts-expect-error no such event
client.on('noise', () => {});
// @ts-expect-error no such line
new TingqingClient({ line: 'slow' });
"""

pytestmark = pytest.mark.timeout(300)


def ran(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    node = require(shutil.which("node"), "node 20 or later (apt-get install nodejs)")
    require(str(found) if (found := TOOLS / "node_modules" / "esbuild").exists() else None, "npm --prefix tools/js ci")
    folder = tmp_path_factory.mktemp("released") / "package"
    ran(node, TOOLS / "release.mjs", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def installed(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the package as npm packs it."""
    npm = require(shutil.which("npm"), "npm (apt-get install npm)")
    project = tmp_path_factory.mktemp("project")
    (packed,) = json.loads(ran(npm, "pack", "--json", "--offline", released, cwd=project))
    with tarfile.open(project / packed["filename"]) as archive:
        archive.extractall(project / "node_modules" / "@tingqing", filter="data")
    (project / "node_modules" / "@tingqing" / "package").rename(project / "node_modules" / NAME)
    return project


def test_release_is_one_classic_script_under_12_kb_with_types(released: Path) -> None:
    """What a page with an old WebView loads: the whole client, gzipped, minified, with its sentences."""
    script = (released / "tingqing-client.js").read_bytes()
    assert len(gzip.compress(script)) <= 12 * 1024
    assert script.startswith((b"var Tingqing", b'"use strict";var Tingqing'))
    assert (released / "tingqing-worklet.js").exists()
    types = (released / "types" / "client" / "client.d.ts").read_text(encoding="utf-8")
    assert "export class TingqingClient" in types
    assert "export type ClientOptions" in types


def test_the_package_has_its_readmes_licence_types_and_every_module_and_no_page(installed: Path) -> None:
    package = installed / "node_modules" / NAME
    names = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert {*READMES, "LICENSE", "NOTICE", "package.json", "tingqing-client.js", "tingqing-worklet.js"} <= names
    client = web_client_dir()
    modules = {path.relative_to(client).as_posix() for path in client.rglob("*.js")}
    wanted = {name for name in modules if not name.startswith(("pages/", "examples/"))}
    assert {name for name in names if name.endswith(".js") and not name.startswith("tingqing-")} == wanted
    typed = {name.removeprefix("types/").removesuffix(".d.ts") for name in names if name.startswith("types/")}
    assert {name.removesuffix(".js") for name in wanted} - typed == {"audio/worklet"}
    assert not [name for name in names if name.endswith((".html", ".css", ".map"))]


def test_every_export_of_the_package_is_there_and_its_version_is_the_servers(installed: Path) -> None:
    package = installed / "node_modules" / NAME
    told = json.loads((package / "package.json").read_text(encoding="utf-8"))
    targets = [each if isinstance(each, dict) else {"default": each} for each in told["exports"].values()]
    assert not [path for each in targets for path in each.values() if not (package / path).is_file()]
    assert not {"private", "dependencies"} & set(told)
    assert told["version"] == tomllib.loads(read("pyproject.toml"))["project"]["version"]


def test_typescript_knows_the_package(installed: Path) -> None:
    (installed / "typed.ts").write_text(TYPED, encoding="utf-8")
    options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2023,dom,dom.iterable"]
    node = str(shutil.which("node"))
    ran(node, TOOLS / "node_modules" / "typescript" / "bin" / "tsc", *options, "typed.ts", cwd=installed)


@pytest.mark.parametrize(("name", "language"), [("README.md", "en"), ("README.zh-CN.md", "zh")])
def test_the_example_of_the_readme_runs_from_a_bundle(
    installed: Path, tmp_path: Path, open_page: OpenPage, name: str, language: str
) -> None:
    package = installed / "node_modules" / NAME
    (example,) = code_blocks((package / name).read_text(encoding="utf-8"), "js")
    (installed / "app.js").write_text(example, encoding="utf-8")
    bundle = ["--bundle", "--format=esm", f"--outfile={tmp_path / 'app.js'}"]
    ran(TOOLS / "node_modules" / "esbuild" / "bin" / "esbuild", "app.js", *bundle, cwd=installed)
    for beside in (package / "tingqing-worklet.js", web_client_dir() / "icon.svg"):
        shutil.copy(beside, tmp_path)
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    with StubServer(folder=tmp_path) as stub:
        page = open_page("about:blank")
        answer = {"server": stub.url, "token": "a.b.c"}
        page.route("**/visit/4711", lambda route: route.fulfill(json=answer))
        page.goto(stub.url)
        page.wait_for_function("document.querySelector('#start').onclick !== null")
        page.click("#start")
        socket = stub.patient()
        assert socket.expect("session.start")["mode"] == "visit"
        socket.send(messages.started())
        socket.wait_for_samples(8000)
        prompt = messages.prompt()
        socket.send(prompt)
        page.wait_for_function(
            "text => document.querySelector('#said').textContent === text", arg=prompt["text"][language]
        )
        socket.send(messages.ended())
        page.wait_for_function("document.querySelector('#said').textContent === 're-record'")


def test_both_readmes_name_every_code_method_event_and_state() -> None:
    failures = re.findall(r"^ +[A-Z_]+: '(\w+)',$", read("web_client/protocol/failures.js"), re.MULTILINE)
    client = read("web_client/client/client.js")
    methods = set(re.findall(r"^  (?:async )?(\w+)\(.*\) \{$", client, re.MULTILINE)) - {"constructor", "on"}
    states = set(re.findall(r"\{kind: '(\w+)'", read("web_client/client/client-state.js")))
    options = set(re.findall(r"(\w+)\?:", client[client.index("@typedef") : client.index("}} ClientOptions")]))
    assert [len(failures) > 20, len(methods) > 10, len(states) > 8, len(options) > 10] == [True] * 4
    for name in READMES:
        text = read(f"web_client/{name}")
        assert not [word for word in {*failures, *states, *options} if f"`{word}`" not in text], name
        assert not [word for word in methods if f"`{word}(" not in text], name
        assert all(f"`{word}`" in text for word in ("message", "lost", "level", "sound")), name
