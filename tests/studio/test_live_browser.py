"""A live search from the form to the comparison, in a headless browser, as a person would do it."""

import shutil

import pytest

SEARCH = """title = "Watched"
[data]
name = "digits"
[space]
name = "nasbench201"
channels = 2
depth = 1
[strategy]
name = "darts"
[trainer]
name = "bilevel"
epochs = 24
batch_size = 256
largest_batch = 256
weights = { name = "sgd" }
architecture = { name = "adam", learning_rate = 0.01 }
[selection]
name = "strength"
"""


@pytest.mark.slow
def test_a_live_search_is_watched_stopped_resumed_and_compared(browser, serve, tmp_path):
    runs = tmp_path / "runs"
    studio = serve(runs, "--edit")
    browser.view(1280)
    browser.open(studio.address)
    browser.open(f"{studio.origin}/config?kind=live")
    browser.until("document.documentElement.dataset.wrong !== undefined")
    browser.fill("#text", SEARCH)
    browser.until("document.documentElement.dataset.wrong === '0'")
    browser.fill("#name", "watched")
    browser.until("document.querySelector('#command').textContent.includes('watched')")
    browser.click("#start")

    # It grows without a reload: figures, the cell that it would derive now, what that is worth.
    browser.until("location.pathname === '/run'")
    browser.run("globalThis.stayed = true")
    browser.until("/[2-9] of 24 epochs/.test(document.querySelector('#grows')?.textContent)")
    assert browser.run("document.querySelector('.state').textContent") == "running"
    browser.click("#stop")
    browser.until("document.querySelector('#now-losses .main-svg') !== null")
    browser.until("document.querySelectorAll('[id^=now-strengths] .main-svg').length >= 6")
    said = browser.run("document.querySelector('#grows .finding').textContent")
    assert "the search would select this architecture. Its true value is" in said
    edge = "getComputedStyle(document.querySelector('#grows .cell .edge')).fill"
    assert browser.run(edge) == "none"
    first = browser.run("document.querySelector('#now-losses .plot').data[0].x.length")
    assert first >= 2

    browser.until("document.querySelector('#resume') !== null")
    assert browser.run("document.querySelector('.state').textContent") == "stopped"
    assert browser.run("document.querySelector('#heard').textContent").startswith("stopped")
    browser.click("#resume")
    browser.until("document.querySelector('.state')?.textContent === 'running'")
    length = "document.querySelector('#now-losses .plot')?.data[0].x.length"
    browser.until(f"{length} > {first + 1} || document.querySelector('.state.finished') !== null")
    browser.until("document.querySelector('.state')?.textContent === 'finished'")
    browser.until("document.querySelector('#report')?.textContent.includes('What was found truly')")
    assert browser.run("stayed") is True
    assert browser.run("document.querySelector('#now-losses')") is None
    browser.until("document.querySelector('#stop, #resume') === null")

    # Beside another one all its epochs are lines of the same figures.
    shutil.copytree(runs / "watched", runs / "twin")
    browser.open(f"{studio.origin}/compare?name=watched&name=twin")
    browser.until("document.querySelector('#beside-loss .main-svg') !== null")
    lines = browser.run(
        "document.querySelector('#beside-loss .plot').data.map((line) => line.x.length)"
    )
    assert lines == [24, 24]
    browser.view(390, dark=True)
    browser.open(f"{studio.origin}/run?name=watched")
    browser.until("document.querySelector('#report')?.textContent.includes('What was found truly')")
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert browser.errors == []
    assert browser.outside(studio.origin) == []
