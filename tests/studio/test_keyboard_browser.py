"""The studio by keyboard alone: real key events, in a headless browser."""

import json
import shutil

import pandas as pd
import pytest


@pytest.mark.slow
def test_runs_tables_and_forms_are_used_by_keys_alone(browser, serve, small_run, tmp_path):
    runs = tmp_path / "runs"
    for name in ("one", "two"):
        shutil.copytree(small_run, runs / name)
    studio = serve(runs, "--edit")
    browser.view(1280)
    browser.open(studio.address)
    browser.until("document.documentElement.dataset.watching === 'yes'")

    # The first Tab offers to skip what stands above every page.
    browser.key("Tab")
    assert browser.run("document.activeElement.className") == "skip"
    browser.key("Enter")
    browser.key("Tab")
    assert browser.run("document.activeElement.id") == "filter"

    # Sorted by Enter, and what has the focus keeps it when the list grows under it.
    browser.tab_to("th[data-key=run] button")
    browser.key("Enter")
    browser.key("Enter")
    order = "document.querySelector('th[data-key=run]').getAttribute('aria-sort')"
    assert browser.run(order) == "descending"
    shutil.copytree(small_run, runs / "three")
    browser.until("document.querySelectorAll('#runs-table tbody tr').length === 3")
    assert browser.run("document.activeElement.textContent") == "run"
    assert browser.run(order) == "descending"
    names = "[...document.querySelectorAll('#runs-table tbody a')].map((link) => link.textContent)"
    assert browser.run(names) == ["two", "three", "one"]

    # Two runs are ticked by Space and compared by Enter.
    for name in ("two", "one"):
        browser.tab_to(f"input[value={name}]")
        browser.key(" ")
    while browser.run("document.activeElement.id") != "compare":
        browser.key("Tab", back=True)
    browser.key("Enter")
    browser.until("location.pathname === '/compare'")
    browser.until("document.querySelector('#beside-study .main-svg') !== null")
    browser.tab_to("#main a[href='/run?name=two']")
    browser.key("Enter")
    browser.until("location.pathname === '/run'")
    browser.until("document.querySelector('#report #summary') !== null")

    # Folded sections open by Enter, and Tab leads out at the end: nothing holds it.
    browser.tab_to("#report details.fold > summary")
    opened = "document.activeElement.parentElement.open"
    browser.key("Enter")
    assert browser.run(opened) is True
    browser.tab_to("body", most=200)

    # What a plot's points are is also in a list of links.
    browser.open(f"{studio.origin}/table?name=nb201-digits")
    browser.until("document.documentElement.dataset.listening === 'yes'")
    front = pd.Series(browser.run("document.querySelector('#scatter .plot').data[1].customdata"))
    links = "[...document.querySelectorAll('#front tbody a')].map((link) => link.textContent)"
    assert sorted(browser.run(links)) == sorted(front)
    browser.tab_to("details:has(#front) > summary")
    browser.key("Enter")
    browser.tab_to("#front tbody a")
    arch = browser.run("document.activeElement.textContent")
    browser.key("Enter")
    browser.until("location.pathname === '/architecture'")
    browser.until("document.querySelector('.architecture') !== null")
    assert browser.run("document.querySelector('.architecture').textContent") == arch

    # A point that is clicked is shown below, and the focus goes there.
    browser.open(f"{studio.origin}/table?name=nb201-digits")
    browser.until("document.documentElement.dataset.listening === 'yes'")
    point = json.dumps({"points": [{"customdata": arch}]})
    browser.run(f"document.querySelector('#scatter .plot').emit('plotly_click', {point})")
    browser.until("document.activeElement.id === 'chosen'")
    assert browser.run("document.querySelector('#chosen .cell .edge') !== null")

    # A config is filled in and started.
    browser.open(f"{studio.origin}/configs")
    browser.tab_to("#begin-scenario")
    browser.key("Enter")
    browser.until("document.documentElement.dataset.answered !== undefined")
    browser.tab_to("#text")
    browser.run("document.activeElement.select()")
    text = (small_run / "scenario.toml").read_text()
    browser.call("Input.insertText", text=text.replace("[0, 1]", "[0]"))
    browser.until("document.documentElement.dataset.wrong === '0'")
    browser.until("document.querySelector('#field-title').value === 'A small study'")
    browser.tab_to("#name")
    browser.run("document.activeElement.select()")
    browser.call("Input.insertText", text="typed")
    browser.tab_to("#start")
    browser.key("Enter")
    browser.until("location.pathname === '/run'")
    browser.until("document.querySelector('.state')?.textContent === 'finished'")
    assert browser.errors == []
    assert browser.outside(studio.origin) == []
