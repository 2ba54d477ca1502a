"""A studio, and a headless browser that speaks the DevTools protocol to it."""

import base64
import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

PATIENCE = 300
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
]


KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), " ": (32, " "), "Escape": (27, "")}
"""By name of a key: its code, and what it types."""


class Browser:
    """A page of a headless Chromium; keeps what it logs as an error and whom it asks."""

    def __init__(self, program, profile):
        from websockets.sync.client import connect

        self.process = subprocess.Popen(
            [str(program), *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port_file = Path(profile) / "DevToolsActivePort"
        self.wait(port_file.exists)
        port = port_file.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
            pages = [each for each in json.load(answer) if each["type"] == "page"]
        self.open_things = contextlib.ExitStack()
        address = pages[0]["webSocketDebuggerUrl"]
        self.socket = self.open_things.enter_context(connect(address, max_size=None))
        self.count = 0
        self.errors = []
        self.asked = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        number = self.count
        while True:
            message = json.loads(self.socket.recv(timeout=PATIENCE))
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self._heard(message)

    def _heard(self, message):
        method, given = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(str(given["exceptionDetails"])[:600])
        elif method == "Runtime.consoleAPICalled" and given["type"] in ("error", "warning"):
            self.errors.append(str(given["args"])[:600])
        elif method == "Log.entryAdded" and given["entry"]["level"] in ("error", "warning"):
            self.errors.append(f"{given['entry']['text']} {given['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.asked.append(given["request"]["url"])

    def run(self, script):
        """The value of an expression, awaited."""
        found = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def open(self, address):
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete'")

    @staticmethod
    def wait(is_so, what=""):
        end = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < end, f"waited in vain: {what}"
            time.sleep(0.05)

    def until(self, condition):
        """Wait until an expression is true, also while a page is left for another."""

        def is_so():
            try:
                return self.run(condition)
            except AssertionError:
                return False

        self.wait(is_so, condition)

    def click(self, selector):
        self.until(
            f"document.querySelector({json.dumps(selector)})?.disabled === false || "
            f"document.querySelector({json.dumps(selector)})?.disabled === undefined && "
            f"document.querySelector({json.dumps(selector)}) !== null"
        )
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def fill(self, selector, text):
        """Give a field a value, as typing and leaving it does."""
        self.until(f"document.querySelector({json.dumps(selector)}) !== null")
        self.run(
            f"(() => {{ const field = document.querySelector({json.dumps(selector)});"
            f"field.value = {json.dumps(text)};"
            "for (const kind of ['input', 'change'])"
            " field.dispatchEvent(new Event(kind, { bubbles: true })); })()"
        )

    def key(self, name, *, back=False):
        """Press a key, with Shift where `back` is set, as a keyboard does."""
        code, text = KEYS[name]
        given = {"key": name, "windowsVirtualKeyCode": code, "modifiers": 8 if back else 0}
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self.call("Input.dispatchKeyEvent", **down, **given)
        self.call("Input.dispatchKeyEvent", type="keyUp", **given)

    def tab_to(self, selector, most=80):
        """Press Tab until an element has the focus, which must be seen at each stop."""
        wanted = f"document.activeElement.matches({json.dumps(selector)})"
        for _ in range(most):
            self.key("Tab")
            style = "getComputedStyle(document.activeElement)"
            assert self.run(
                f"document.activeElement === document.body || {style}.outlineStyle !== 'none'"
            )
            if self.run(wanted):
                return
        raise AssertionError(f"no Tab leads to {selector}")

    def choose_files(self, selector, *paths):
        """Choose files in a field for files, as its dialogue does."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(path) for path in paths], nodeId=node)

    def drop_file(self, selector, name, text):
        """Let go of a file above an element."""
        self.run(
            "(() => { const held = new DataTransfer();"
            f"held.items.add(new File([{json.dumps(text)}], {json.dumps(name)}));"
            "for (const kind of ['dragenter', 'dragover', 'drop'])"
            f" document.querySelector({json.dumps(selector)}).dispatchEvent("
            "new DragEvent(kind, { dataTransfer: held, bubbles: true, cancelable: true })); })()"
        )

    def outside(self, origin):
        """Addresses asked that are not the studio's."""
        own = (origin, "data:", "blob:", "about:")
        return [each for each in self.asked if not each.startswith(own)]

    def view(self, width, height=900, *, dark=False):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def shot(self, path, *, whole=True):
        found = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(found["data"]))

    def close(self):
        self.open_things.close()
        self.process.terminate()
        self.process.wait(PATIENCE)


@pytest.fixture(scope="session")
def chromium():
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs chromium")
    return Path(found)


@pytest.fixture
def browser(chromium, tmp_path):
    opened = Browser(chromium, tmp_path / "profile")
    yield opened
    opened.close()


class Served:
    """A `hwbench studio` that runs, and the address it has printed."""

    def __init__(self, runs, *options):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hwbench", "studio", "--port=0", f"--runs={runs}", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.line = self.process.stdout.readline()
        found = re.search(r"http://\S+", self.line)
        assert found, self.process.communicate()
        self.address = found[0]
        self.origin = self.address.partition("/?")[0]

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return (*self.process.communicate(timeout=PATIENCE), self.process.returncode)


@pytest.fixture
def serve():
    started = []

    def start(runs, *options):
        started.append(Served(runs, *options))
        return started[-1]

    yield start
    for each in started:
        each.close()


SMALL = """title = "A small study"

[study]
targets = ["nb201-digits:latency"]
predictors = ["ridge"]
training_sizes = [20, 40]
seeds = [0, 1]
test_size = 50
"""


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """The folder of a study that has ended."""
    from hwbench.runs.run import run_scenario

    place = tmp_path_factory.mktemp("small")
    (place / "small.toml").write_text(SMALL)
    return run_scenario(str(place / "small.toml"), place / "run")


@pytest.fixture
def runs(small_run, tmp_path):
    """A folder of runs, with one study that has ended."""
    folder = tmp_path / "runs"
    shutil.copytree(small_run, folder / "small")
    return folder
