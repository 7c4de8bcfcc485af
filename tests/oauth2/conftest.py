"""Servers whose providers are a made-up internet."""

import pytest

from .internet import Internet


@pytest.fixture
def internet(tmp_path):
    with Internet(tmp_path) as internet:
        yield internet


@pytest.fixture
def server(launch, internet):
    return launch(env=internet.environment)


@pytest.fixture
def root(server):
    return server.root()
