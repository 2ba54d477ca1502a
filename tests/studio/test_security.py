"""Nobody but the studio's own browser is answered, and nothing outside the runs is read."""

import json
import re

import pandas as pd
import pytest
from starlette.testclient import TestClient

from hwbench.errors import HwbenchError
from hwbench.studio.app import make_app
from hwbench.studio.asking import MOST_JSON
from hwbench.studio.folders import OutsideError, inside
from hwbench.studio.rendering import STATIC
from hwbench.studio.settings import Settings
from hwbench.toml import to_toml

HOST = "http://127.0.0.1:8642"
PATHS = ("/runs", "/runs/table", "/run?name=small", "/run/now?name=small", "/configs", "/advise")
POSTS = (
    "/run/stop",
    "/run/resume",
    "/config/form",
    "/config/check",
    "/config/estimate",
    "/config/command",
    "/config/start",
    "/advise/drop?space=nasbench201&file=a.csv",
)
WRITING = ("/run/stop", "/run/resume", "/config/start", POSTS[-1])


@pytest.fixture
def client_of(runs):
    def make(*, edit=False, known=True, host=HOST):
        settings = Settings(runs, edit)
        client = TestClient(make_app(settings), base_url=host, follow_redirects=False)
        if known:
            answer = client.get(f"/runs?token={settings.token}")
            assert (answer.status_code, answer.headers["location"]) == (303, "/runs")
            cookie = answer.headers["set-cookie"].lower()
            assert "httponly" in cookie
            assert "samesite=strict" in cookie
        return client

    return make


@pytest.mark.parametrize("path", [*PATHS, "/events", "/static/x/page.js", "/nowhere"])
def test_without_the_token_nothing_is_answered(client_of, path):
    answer = client_of(known=False).get(path)
    assert answer.status_code == 401
    assert "token" in answer.text
    assert "small" not in answer.text


def test_another_token_opens_nothing(client_of):
    client = client_of(known=False)
    assert client.get("/runs?token=guessed").status_code == 401
    assert client.get("/runs").status_code == 401


@pytest.mark.parametrize("host", ["http://evil.example", "http://127.0.0.1.evil.example:8642"])
def test_a_name_that_was_bound_to_this_machine_is_turned_away(runs, host):
    settings = Settings(runs)
    client = TestClient(make_app(settings), base_url=host, follow_redirects=False)
    answer = client.get(f"/runs?token={settings.token}")
    assert answer.status_code == 421
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": HOST, "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_another_site_changes_nothing(client_of, runs, path, headers):
    before = sorted(runs.rglob("*"))
    answer = client_of(edit=True).post(path, content="{}", headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert sorted(runs.rglob("*")) == before


@pytest.mark.parametrize("path", WRITING)
def test_a_studio_that_reads_starts_stops_and_writes_nothing(client_of, runs, path):
    before = sorted(runs.rglob("*"))
    content = json.dumps({"name": "small", "kind": "live", "text": "", "run": "live"})
    answer = client_of().post(path, content=content, headers={"Origin": HOST})
    assert answer.status_code == 403
    assert "--edit" in answer.text
    assert sorted(runs.rglob("*")) == before


@pytest.mark.parametrize("path", [*PATHS, "/nowhere", "/run?name=../x"])
def test_pages_may_run_and_ask_nothing_but_the_studio(client_of, path):
    headers = client_of().get(path).headers
    policy = dict(
        each.strip().partition(" ")[::2] for each in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_no_page_holds_a_script_or_an_address_of_another_host(client_of):
    client = client_of()
    for path in PATHS:
        text = client.get(path).text
        assert "http://" not in text.replace(HOST, "")
        assert "https://" not in text
        assert "<script>" not in text
        assert " onclick=" not in text
    for name in STATIC:
        assert client.get(f"/static/x/{name}").status_code == 200


@pytest.mark.parametrize(
    "name",
    ["../secret", "/etc", "small/../../secret", "..", "a\\..\\b", "a\0b", "", "out", "x" * 999],
)
def test_names_lead_nowhere_else(runs, name):
    (runs.parent / "secret").mkdir()
    (runs / "out").symlink_to(runs.parent / "secret")
    with pytest.raises(OutsideError):
        inside(runs, name)
    with pytest.raises(HwbenchError, match="no such run"):
        inside(runs, "absent")


@pytest.mark.parametrize("link", ["run.json", "scenario.toml", "parts"])
def test_a_link_in_a_run_that_leads_out_is_not_followed(client_of, runs, link):
    secret = runs.parent / "secret"
    secret.mkdir()
    (secret / "run.json").write_text('{"title": "a secret title"}')
    target = runs / "small" / link
    target.unlink(missing_ok=True)
    target.symlink_to(secret if link == "parts" else secret / "run.json")
    client = client_of()
    for path in ("/runs", "/run?name=small", "/run/report?name=small"):
        answer = client.get(path)
        assert "a secret title" not in answer.text
    assert "is a link that leads out of" in client.get("/runs").text


HOSTILE = "\"><img src=x onerror=alert(1)>'</script><script>alert(2)</script>"


def test_a_hostile_run_is_shown_as_text(client_of, runs):
    name = '"><img src=x onerror=alert(1)>'
    folder = runs / name
    folder.mkdir()
    (folder / "run.json").write_text(
        json.dumps({"title": HOSTILE, "started": HOSTILE, "spec": {"study": {"seeds": [0]}}})
    )
    client = client_of()
    for path in ("/runs", "/runs/table"):
        assert "<img" not in client.get(path).text
    for path in ("/run", "/run/now", "/run/report", "/compare"):
        answer = client.get(path, params={"name": [name, "small"] if path == "/compare" else name})
        assert answer.status_code == 200, path
        text = answer.json()["body"] if path == "/run/report" else answer.text
        assert "<img" not in text
        assert "<script>" not in text


def test_hostile_content_of_runs_is_shown_as_text(client_of, runs):
    """Tracebacks, names of predictors, journals, sweeps and results; none of them by hwbench."""
    trials = pd.read_parquet(runs / "small" / "study.parquet").iloc[:3].copy()
    for column in ("exception", "error"):
        trials[column] = trials[column].astype(object)
        trials.loc[trials.index[1], column] = f"Traceback\n{HOSTILE}"
    trials.loc[trials.index[1], "kendall_tau"] = float("nan")
    trials["predictor"] = HOSTILE
    trials.to_parquet(runs / "small" / "study.parquet")
    result = {"row": 1, "failure": HOSTILE, HOSTILE: 3.0}
    came = {"row": 2, HOSTILE: 3.0}
    recipe = {"kind": HOSTILE, "space": HOSTILE, HOSTILE: HOSTILE}
    lines = [{"recipe": recipe}, result, came]
    (runs / "x.journal").write_text("".join(json.dumps(each) + "\n" for each in lines))
    (runs / "live").mkdir()
    config = {"title": HOSTILE, "space": {"name": HOSTILE}, "strategy": {"name": HOSTILE}}
    (runs / "live" / "config.toml").write_text(to_toml({**config, "trainer": {"name": HOSTILE}}))
    (runs / "live" / "result.json").write_text(json.dumps({"architecture": HOSTILE}))
    (runs / "sweep").mkdir()
    (runs / "sweep" / "sweep.toml").write_text(to_toml({"title": HOSTILE, "values": [HOSTILE]}))
    client = client_of()
    said = client.get("/runs").text
    for name in ("small", "x.journal", "live", "sweep"):
        for path in ("/run", "/run/now", "/run/report"):
            answer = client.get(path, params={"name": name})
            assert answer.status_code == 200, (path, name)
            said += answer.json()["body"] if path == "/run/report" else answer.text
        said += client.get("/compare", params={"name": [name, "small", "live"]}).text
    assert "onerror=alert(1)" in said  # it was shown
    outside = re.sub(r'<script type="application/json">.*?</script>', "", said, flags=re.DOTALL)
    assert "<img" not in outside
    assert "<script>" not in said
    for found in re.findall(r'<script type="application/json">(.*?)</script>', said, re.DOTALL):
        assert "<" not in found


@pytest.mark.parametrize(
    "given", [HOSTILE, f"{HOSTILE}.csv", "%3Cscript%3E", "a\r\nSet-Cookie: x=1"]
)
def test_hostile_names_in_addresses_are_shown_as_text(client_of, given):
    client = client_of(edit=True)
    accept = {"Accept": "text/html", "Origin": HOST}
    for path, query in (
        ("/run", {"name": given}),
        ("/compare", {"name": [given, "small"]}),
        ("/table", {"name": given}),
        ("/table", {"name": "nb201-digits", "x": given}),
        ("/architecture", {"table": "nb201-digits", "arch": given}),
        ("/config", {"kind": given}),
        ("/config", {"kind": "live", "load": given}),
        ("/advise", {"space": given, "metric": given, "work": given}),
        ("/advise/job", {"name": given}),
    ):
        answer = client.get(path, params=query, headers=accept)
        assert answer.status_code in (200, 400, 404), path
        assert "<img" not in answer.text, path
        assert "<script>" not in answer.text, path
        assert "x" not in answer.cookies
    answer = client.post("/advise/drop", params={"file": given, "space": given}, headers=accept)
    assert answer.status_code == 400
    assert "<img" not in answer.text


@pytest.mark.parametrize("content", ["[1]", "{", "\xff", "[" * 100_000])
def test_a_body_that_is_no_object_is_refused(client_of, content):
    answer = client_of().post("/config/form", content=content, headers={"Origin": HOST})
    assert answer.status_code == 400


def test_a_body_that_is_too_large_is_not_read(client_of):
    content = b"x" * (MOST_JSON + 1)
    answer = client_of().post("/config/form", content=content, headers={"Origin": HOST})
    assert answer.status_code == 413


@pytest.mark.parametrize("name", ["../out", "small", "a b", "", ".hidden", "configs", "a/b"])
def test_a_run_is_begun_under_a_plain_and_free_name_alone(client_of, runs, name):
    before = sorted(runs.rglob("*"))
    content = {"kind": "live", "text": 'title = "x"', "name": name, "run": "live"}
    answer = client_of(edit=True).post("/config/start", json=content, headers={"Origin": HOST})
    assert answer.status_code == 400
    assert sorted(runs.rglob("*")) == before
    assert not (runs.parent / "out").exists()
