"""Methods of pyicat-plus that `IcatClient` does not have, and where each of them is.

What must stay true: the table in icat.md, "Python client", has the same names.
"""

from icat_tui.api.errors import NotOfferedError

PYICAT_PLUS = "it stays with pyicat_plus.client.main.IcatClient"
LOGBOOK = f"the e-logbook is no matter of icat-tui: {PYICAT_PLUS}"
ARCHIVE = f"archiving is no matter of icat-tui: {PYICAT_PLUS}"
UNOFFICIAL = "it makes unofficial investigations, which icat-tui never does: ask the user office for a time slot"
LOGIN = f"what takes a log-in is no matter of icat-tui: {PYICAT_PLUS}"
NOT_OFFERED = {
    **dict.fromkeys(("send_message", "send_binary_data", "send_text_file", "send_binary_file"), LOGBOOK),
    "update_archive_restore_status": ARCHIVE,
    "start_investigation": f"{UNOFFICIAL}; else {PYICAT_PLUS}",
    "reschedule_investigation": f"time slots are the user office's: {PYICAT_PLUS}",
    "update_metadata": f"what is registered is not changed by icat-tui: {PYICAT_PLUS}",
    **dict.fromkeys(
        (
            "do_log_in",
            "get_session_information",
            "get_investigations_by",
            "get_datasets_by",
            "get_datafiles_by",
            "get_investigation_types",
            "get_samples_by",
            "get_parcels_by",
            "get_sample_metadata_by",
            "get_sample_files_by",
            "get_sample_files_information_by",
            "get_sample_information_list_by",
            "download_file_by",
            "get_investigation_users",
        ),
        LOGIN,
    ),
}
"""Reasons by method."""


def not_offered(name: str) -> NotOfferedError | None:
    """Return the error for a method of pyicat-plus that is not here; None for any other name."""
    reason = NOT_OFFERED.get(name)
    return NotOfferedError(f"IcatClient of icat-tui has no {name}: {reason}") if reason else None
