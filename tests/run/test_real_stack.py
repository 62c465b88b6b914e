"""The product itself under the supervisor: it answers, and neither a stop nor a kill leaves a worker behind."""

import json
import signal
import urllib.request
from pathlib import Path

from tests.run.stand_ins import ROOT, Launched, nothing_left_of


def ask(url: str, query: str) -> dict[str, object]:
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        answer: dict[str, object] = json.load(response)
    return answer


def test_the_product_answers_stops_and_leaves_nothing_even_when_killed(data: Path) -> None:
    asked = ("--port", "0", "--workers", "2", "--data", data)
    with Launched(ROOT, *asked, mark=data) as launched:
        told = launched.ready()
        for endpoint in (f"{told['gateway']}/graphql", told["console"]):
            assert ask(endpoint, "{ __typename }") == {"data": {"__typename": "Query"}}
        assert launched.end(signal.SIGTERM) == (0, "", "")
    assert nothing_left_of(data, seconds=0)
    with Launched(ROOT, *asked, mark=data) as launched:
        again = launched.ready()
        launched.end(signal.SIGKILL)
    assert nothing_left_of(data, seconds=15)
    assert {**told, "gateway": "", "console": ""} == {**again, "gateway": "", "console": ""}
