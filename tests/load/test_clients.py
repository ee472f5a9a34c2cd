"""Sixteen clients at once ask for everything that there is: each gets the right answer."""

from __future__ import annotations

from pathlib import Path

from tests.compare import assert_same
from tests.load.clients import crowd
from tests.load.mixed import N_CLUSTERS, alone, clean, right_answers
from tests.load.process import serving

SECONDS = 5


def test_sixteen_clients_are_told_nothing_wrong(folder: Path, tmp_path: Path) -> None:
    models = ["demo", str(folder)]
    undisturbed = alone(models, tmp_path / "cache")
    asks = right_answers(undisturbed, n=200)
    kinds = {ask.kind for ask in asks}
    assert {"trace", "edit", "generate", "search", "grid", "stream, cut off"} < kinds
    assert {ask.status for ask in asks} == {200, 404, 422}
    with serving(tmp_path, models, "--n-clusters", str(N_CLUSTERS)) as served:
        served.wait_for_indexes()
        told = crowd(served.url, asks, n_clients=16, seconds=SECONDS)
        assert told.wrong == []
        assert told.unexpected == []
        assert set(told.seconds) == kinds
        for model in models:
            assert_same(clean(served, model), clean(undisturbed, model))
        assert served.end() == 0
        assert "Traceback" not in served.log
        assert "ERROR" not in served.log
