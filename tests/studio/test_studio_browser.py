"""A study from the form to the comparison, in a headless browser, as a person would do it."""

import json
import shutil

import pytest


@pytest.mark.slow
def test_a_study_is_begun_watched_stopped_resumed_and_compared(browser, serve, small_run, tmp_path):
    runs = tmp_path / "runs"
    shutil.copytree(small_run, runs / "beside")
    studio = serve(runs, "--edit")
    browser.view(1280)
    browser.open(studio.address)
    browser.until("location.pathname === '/runs'")
    assert "token" not in browser.run("location.href")

    # Begun from nothing: what is wrong is said at its place until it is mended.
    browser.open(f"{studio.origin}/config?kind=scenario")
    browser.until("document.documentElement.dataset.wrong === '1'")
    browser.fill("#field-title", "Watched")
    browser.click("#add-study")
    browser.until("document.querySelector('#wrong-study-predictors') !== null")
    said = browser.run("document.querySelector('#wrong-study-predictors').textContent")
    assert said.strip() == "scenario.toml: the key 'study.predictors' is missing"
    browser.fill("#field-study-targets", '["nb201-digits:latency"]')
    browser.until("document.querySelector('#text').value.includes('nb201-digits:latency')")
    browser.fill("[data-into=field-study-predictors]", "random_forest")
    browser.until("document.querySelector('#text').value.includes('random_forest')")
    browser.fill("#field-study-training_sizes", "[1, 40]")
    wrong = "scenario.toml: study.training_sizes.0 must be at least 2, not 1"
    there = "document.querySelector('#wrong-study-training_sizes')?.textContent.trim()"
    browser.until(f"{there} === {json.dumps(wrong)}")
    browser.fill("#field-study-training_sizes", "[20, 40]")
    seeds = json.dumps(list(range(400)))
    browser.until("document.querySelector('#wrong-study-training_sizes') === null")
    browser.fill("#field-study-seeds", seeds)
    browser.until("document.documentElement.dataset.wrong === '0'")

    # A change of the text comes back in the form.
    text = browser.run("document.querySelector('#text').value")
    browser.fill("#text", text.replace('title = "Watched"', 'title = "Seen"'))
    browser.until("document.querySelector('#field-title').value === 'Seen'")
    browser.fill("#name", "watched")
    browser.fill("#workers", "1")
    browser.until("document.querySelector('#command').textContent.includes('--workers 1')")
    command = browser.run("document.querySelector('#command').textContent")
    assert command == f"hwbench study run watched.toml -o {runs / 'watched'} --workers 1"
    browser.click("#start")

    # Watched: trials are counted and curves are drawn as parts land, without a reload.
    browser.until("location.pathname === '/run'")
    browser.run("globalThis.stayed = true")
    browser.until("/[1-9]\\d* of 800 trials/.test(document.querySelector('#grows').textContent)")
    browser.until("document.querySelector('#now-curves .main-svg') !== null")
    browser.until("document.querySelector('#report #summary') !== null")
    assert browser.run("document.querySelector('.state').textContent") == "running"
    browser.click("#stop")
    browser.until("document.querySelector('#resume') !== null")
    assert browser.run("document.querySelector('.state').textContent") == "stopped"
    browser.click("#resume")
    browser.until("document.querySelector('.state')?.textContent === 'running'")
    assert browser.run("globalThis.stayed") is True
    browser.click("#stop")
    browser.until("document.querySelector('.state')?.textContent === 'stopped'")

    # Compared with another one, chosen in the list.
    browser.open(f"{studio.origin}/runs")
    for name in ("beside", "watched"):
        browser.click(f"input[value={name}]")
    browser.click("#compare")
    browser.until("location.pathname === '/compare'")
    browser.until("document.querySelector('#overview') !== null")
    assert browser.run("document.querySelectorAll('#overview tbody tr').length") == 2
    browser.until("document.querySelector('#beside-study .main-svg') !== null")

    # On a phone nothing is wider than the screen.
    for path in ("/runs", "/run?name=watched", "/config?kind=live", "/tables"):
        browser.view(390, dark=True)
        browser.open(f"{studio.origin}{path}")
        browser.until("document.documentElement.dataset.drawn !== undefined")
        assert browser.run("document.documentElement.scrollWidth") <= 390, path
        assert browser.run("document.documentElement.dataset.theme") == "dark"

    assert browser.errors == []
    own = (studio.origin, "data:", "blob:", "about:")
    assert [each for each in browser.asked if not each.startswith(own)] == []
    _, errors, code = studio.close()
    assert (errors.strip(), code) == ("studio closed", 130)  # as Ctrl-C ends other commands
