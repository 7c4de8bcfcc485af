"""docs/grafana.json and the alerts in docs/operate.md ask for metrics that the server has."""

import json
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from harness.programs import ROOT

pytestmark = pytest.mark.ours

DASHBOARD = json.loads((ROOT / "docs/grafana.json").read_text())
# There only where uploaded files are in a bucket.
SOMETIMES = {"bosbase_files_bucket_owned"}


@pytest.fixture(scope="module")
def metrics(tmp_path_factory):
    from harness.programs import BOSBASE
    from harness.server import Server

    with Server(BOSBASE, tmp_path_factory.mktemp("grafana") / "pb_data") as server:
        root = server.root()
        root.back_up("one.zip")
        root.wait_until_proven("one.zip")
        text = root.send("GET", "/api/metrics").text
    return {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}


def queries():
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def test_the_dashboard_asks_for_metrics_that_there_are(metrics):
    named = {name for _, query in queries() for name in re.findall(r"bosbase_\w+", query)}
    assert named - metrics - SOMETIMES == set()
    assert len(named) > 12


def test_the_alerts_ask_for_metrics_that_there_are(metrics):
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/operate.md").read_text(), re.S)
    named = {name for block in blocks for name in re.findall(r"bosbase_\w+", block)}
    assert named and named - metrics - SOMETIMES == set()


def test_panels_have_titles_places_and_ids_of_their_own():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in DASHBOARD["panels"]:
        assert panel["title"] and panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}"
