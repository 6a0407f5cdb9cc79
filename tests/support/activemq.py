"""A real ActiveMQ with its store in a directory, and what it has stored."""

import importlib
import os
import queue
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from icat_tui.domain.broker_address import BrokerAddress
from icat_tui.ingest.send_events import MessageAccepted
from icat_tui.ingest.sender import send
from icat_tui.journal.writer import Journal
from tests.support.journal_entries import message, own_journal
from tests.support.ports import wait_for_port
from tests.support.scripted_broker import broker_at


class ActiveMQ:
    """A real broker with its store in a directory."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.address = BrokerAddress("127.0.0.1", port)

    def script(self, action: str) -> None:
        subprocess.run(
            [ACTIVEMQ_SCRIPT, action, self.directory, str(self.address.port)], check=True, timeout=90,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    @contextmanager
    def running_with(self, plugins: str) -> Iterator[None]:
        """Run it with plugins in its configuration, otherwise as the script does."""
        self.script("start")
        self.script("stop")
        configuration = self.directory / "conf" / "broker.xml"
        text = configuration.read_text().replace(
            "<persistenceAdapter>", f"<plugins>{plugins}</plugins><persistenceAdapter>"
        )
        configuration.write_text(text)
        command = ["java", "-Xmx256m", "-Dactivemq.home=/usr/share/activemq", f"-Dactivemq.base={self.directory}",
                   f"-Dactivemq.conf={configuration.parent}", f"-Dactivemq.data={self.directory}/data", "-jar",
                   str(JAR), "start", f"xbean:file:{configuration}"]  # fmt: skip
        with (self.directory / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            wait_for_port(self.address.port)
            yield
        finally:
            process.terminate()
            process.wait(20)

    def kill(self) -> None:
        process = int((self.directory / "pid").read_text())
        os.kill(process, 9)
        while Path(f"/proc/{process}").exists() and "Z" not in Path(f"/proc/{process}/stat").read_text().split()[2]:
            pass
        (self.directory / "pid").unlink()


JAR = Path("/usr/share/activemq/bin/activemq.jar")


ACTIVEMQ_SCRIPT = Path(__file__).parents[1] / "fieldkit" / "activemq.sh"


class _Inbox:
    def __init__(self) -> None:
        self.frames: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def on_message(self, frame: Any) -> None:
        self.frames.put(frame)

    def on_send(self, frame: Any) -> None:
        pass


@contextmanager
def consumer(broker: ActiveMQ, destination: str) -> Iterator[_Inbox]:
    stomp = importlib.import_module("stomp")
    inbox = _Inbox()
    connection = stomp.StompConnection11([("127.0.0.1", broker.address.port)])
    connection.set_listener("", inbox)
    connection.connect(wait=True)
    connection.subscribe(f"/queue/{destination}", id="1")
    try:
        yield inbox
    finally:
        connection.disconnect()


def stored(broker: ActiveMQ, destination: str) -> list[Any]:
    """Everything in a queue, in its order: a last message marks the end."""
    end = message(0, id="end", body=uuid4().hex.encode(), destination=destination)
    events = list(send([end], broker_at(broker.address), Journal(own_journal(broker.directory / "end"))))
    assert MessageAccepted(end) in events
    frames = []
    with consumer(broker, destination) as inbox:
        while (frame := inbox.frames.get(timeout=20)).body != end.body.decode():
            frames.append(frame)
    return frames
