"""A page in a real browser asks the front envoy from another origin: JSON, and gRPC-Web."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import threading
from contextlib import contextmanager

import pytest
from fronts import fronting
from servers import free_port

from vitrina.server.calls import NAME
from vitrina.v1 import recommendation_service_pb2 as v1

PAGE = """<!doctype html><meta charset="utf-8"><pre id="said">nothing yet</pre><script>
const method = "ADDRESS/METHOD", framed = new Uint8Array([0, 0, 0, 0, ASKED.length, ...ASKED]);
const post = (type, body) => fetch(method, {method: "POST", headers: {"content-type": type, "x-grpc-web": "1"}, body});
(async () => {
  const said = {};
  try {
    said.json = await (await post("application/json", JSON.stringify({blocks: [{placement: "home", limit: 2}]}))).json();
    said.lost = await (await post("application/json", JSON.stringify({userId: "lost", blocks: [{placement: "x"}]}))).json();
    said.web = [...new Uint8Array(await (await post("application/grpc-web+proto", framed)).arrayBuffer())];
  } catch (error) { said.error = String(error); }
  document.getElementById("said").textContent = "SAID" + JSON.stringify(said) + "END";
})();
</script>"""


@contextmanager
def page(address):
    """A page of an origin of its own that asks an address: where it is."""
    asked = list(v1.RecommendRequest(blocks=[{"placement": "home", "limit": 2}]).SerializeToString())
    text = PAGE.replace("ADDRESS", f"http://{address}").replace("METHOD", f"{NAME}/Recommend")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(text.replace("ASKED", json.dumps(asked)).encode())

        def log_message(self, *told):
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def seen(origin, profile):
    """What the page says once it has asked."""
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("chromium is not installed: apt-get install chromium")
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        f"--user-data-dir={profile}", "--virtual-time-budget=10000", "--dump-dom", origin,
    ]  # fmt: skip
    told = subprocess.run(command, capture_output=True, text=True, timeout=90)
    found = re.search(r">SAID(.*)END</pre>", told.stdout, re.DOTALL)
    assert found, told.stdout + told.stderr[-2000:]
    return json.loads(found[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))


@pytest.mark.parametrize("named", [True, False])
def test_only_pages_of_named_origins_are_answered(tmp_path, named):
    """JSON in and out, a refusal with its reason, and gRPC-Web whose bytes end in the status; strangers get none."""
    pytest.importorskip("pyvoy", reason="the front envoy is an extra")
    port = free_port()
    with page(f"127.0.0.1:{port}") as origin:
        origins = (origin,) if named else ("https://other.example",)
        with fronting("envoy", tmp_path / "run", port=port, web_origins=origins):
            said = seen(origin, tmp_path / "profile")
    if not named:
        assert list(said) == ["error"]
        return
    assert [one["itemId"] for one in said["json"]["blocks"][0]["items"]] == ["i0", "i1"]
    assert said["lost"]["details"][0]["reason"] == "UNKNOWN_PLACEMENT"
    web = bytes(said["web"])
    size = int.from_bytes(web[1:5], "big")
    answer = v1.RecommendResponse.FromString(web[5 : 5 + size])
    assert [one.item_id for one in answer.blocks[0].items] == ["i0", "i1"]
    assert web[5 + size] == 0x80
    assert b"grpc-status:0" in web[5 + size :].replace(b" ", b"")
