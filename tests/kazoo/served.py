"""Runs Kazoo's own tests on the model behind a socket, in place of the cluster that they start.

In a checkout or an unpacked source package of Kazoo, with pytest, pytest-timeout and objgraph installed:

    cargo build --release -p zk-sim --features serve --example serve
    export SERVE=.../target/release/examples/serve ZOOKEEPER_VERSION=3.8.0
    PYTHONPATH=.../tests/kazoo pytest -p served kazoo/tests

The cluster has one server. What it holds is gone when a test stops it.
"""

import os
import subprocess

import pytest
from kazoo.testing import harness


class Served(object):
    """One server, with the face of Kazoo's ManagedZooKeeper."""

    def __init__(self):
        self._process = None
        self._address = "127.0.0.1:0"

    def run(self):
        if self.running:
            return
        words = [os.environ["SERVE"], self._address]
        words += ["--version", os.environ.get("ZOOKEEPER_VERSION", "3.8.0"), "--super", "super:test"]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        said = self._process.stdout.readline()
        self._address = said.replace("serving at", "").strip()

    def stop(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
            self._process = None

    @property
    def running(self):
        return self._process is not None

    @property
    def address(self):
        return self._address

    @property
    def client_port(self):
        return int(self._address.rsplit(":", 1)[1])

    def reset(self):
        self.stop()
        self.run()

    destroy = stop

    def get_logs(self, num_lines=100):
        return []


class Cluster(list):
    """One server in the place of several."""

    def start(self):
        for server in self:
            server.run()

    def stop(self):
        for server in self:
            server.stop()

    terminate = stop

    def reset(self):
        for server in self:
            server.reset()

    def get_logs(self):
        return []


CLUSTER = Cluster([Served()])
harness.get_global_cluster = lambda: CLUSTER


# What the model is not: tests whose names contain this are left out, with the reason.
WITHOUT = {
    "test_request_queuing_session": "a server that is stopped is to keep its data",
    "test_update_host_list": "an ensemble",
    "TestReadOnlyMode": "an ensemble",
    "TestReconfig": "an ensemble",
    "TestSSLClient": "TLS",
    "test_sasl.py": "SASL",
}


def pytest_collection_modifyitems(items):
    for item in items:
        for name, reason in WITHOUT.items():
            if name in item.nodeid:
                item.add_marker(pytest.mark.skip(reason="needs " + reason))


def pytest_unconfigure(config):
    CLUSTER.terminate()
