"""Settings files of a site and of a user, read with nothing else of the machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from icat_tui.domain.errors import UsageError
from icat_tui.settings.beacon import BeaconFailure, IcatServers
from icat_tui.settings.load import BeaconReader, load
from icat_tui.settings.schema import Settings

KEY = "b9d6f1ee-0001-secret"


def no_beacon(host: str, port: int, timeout: float) -> IcatServers | BeaconFailure:
    pytest.fail(f"Beacon {host}:{port} is asked")


@dataclass
class SettingsFiles:
    """Two config files in a directory of the test, and `load` with nothing else of the machine."""

    site: Path
    user: Path

    def load(
        self,
        arguments: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        beacon: BeaconReader = no_beacon,
        beacon_default: str | None = None,
    ) -> Settings:
        return load(
            arguments or {},
            environ or {},
            site=[self.site],
            user=self.user,
            beacon=beacon,
            beacon_default=beacon_default,
        )

    def refusal(self, arguments: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> str:
        with pytest.raises(UsageError) as raised:
            self.load(arguments, environ)
        text = str(raised.value)
        assert text.isprintable(), "one line that any terminal can show"
        return text


def key_file(path: Path, content: str = KEY, mode: int = 0o600) -> Path:
    path.write_text(content)
    path.chmod(mode)
    return path
