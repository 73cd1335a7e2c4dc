"""A headless Chromium driven over a pipe, by the DevTools protocol: no driver, no socket, no package."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
from contextlib import contextmanager

import pytest

PATIENCE_S = 30.0
FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # what runs as root has none
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--force-color-profile=srgb",
)


def found():
    """The browser's file; the test is skipped, saying what to install, where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium here; on Debian: apt-get install chromium")


class Tab:
    """One page. `spoken`: what it wrote to its console, and what its policy refused."""

    def __init__(self, to, answers):
        self.to, self.answers, self.number, self.rest = to, answers, 0, b""
        self.session, self.spoken = None, []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method, **told):
        """The result of a command of the protocol."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": told}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while (heard := self._heard()).get("id") != self.number:
            self._note(heard)
        assert "error" not in heard, heard
        return heard["result"]

    def _heard(self):
        while b"\0" not in self.rest:
            more = os.read(self.answers, 1 << 16)
            assert more, "the browser has gone"
            self.rest += more
        one, _, self.rest = self.rest.partition(b"\0")
        return json.loads(one)

    def _note(self, heard):
        if heard.get("method") == "Runtime.consoleAPICalled":
            self.spoken.append(str(heard["params"]["args"]))
        elif heard.get("method") == "Runtime.exceptionThrown":
            self.spoken.append(str(heard["params"]["exceptionDetails"]))
        elif heard.get("method") == "Log.entryAdded":
            self.spoken.append(heard["params"]["entry"]["text"])

    def js(self, expression):
        """The value of an expression on the page."""
        said = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    def until(self, expression):
        """Wait for an expression to hold."""
        end = time.monotonic() + PATIENCE_S
        while not self.js(expression):
            assert time.monotonic() < end, f"never true: {expression}; the page said {self.spoken}"
            time.sleep(0.05)

    def go(self, address):
        """Open an address and wait for all of it."""
        self.ask("Page.navigate", url=address)
        self.until(f"location.href === {json.dumps(address)} && document.readyState === 'complete'")

    def resize(self, width, height=900):
        """Make the window so many pixels wide."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )


@contextmanager
def tab(folder):
    """A tab of a browser that keeps its profile in a folder; the browser is gone at the end."""
    command = found()
    ends = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 10) for pair in (os.pipe(), os.pipe()) for one in pair]
    read, to, answers, write = ends  # the browser reads its orders from 3 and answers on 4
    pipes = [(os.POSIX_SPAWN_DUP2, read, 3), (os.POSIX_SPAWN_DUP2, write, 4)]
    quiet = [(os.POSIX_SPAWN_OPEN, one, os.devnull, os.O_RDWR, 0) for one in (0, 1, 2)]
    flags = [*FLAGS, f"--user-data-dir={folder}"]
    process = os.posix_spawn(
        command, [command, *flags], os.environ, file_actions=[*pipes, *quiet], setsid=True
    )
    os.close(read)
    os.close(write)
    try:
        yield Tab(to, answers)
    finally:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(to)
        os.close(answers)
