"""The system's error messages, listed so that they can be translated when they are the ``reason`` of a clause, and the
translation of errors that do not become a clause."""

from __future__ import annotations

from sandbox.i18n import Messages, _

#: The texts of ``strerror`` that are translated; others are left in English.
ERRORS: Messages = {
    "ENOENT": "No such file or directory",
    "EACCES": "Permission denied",
    "EPERM": "Operation not permitted",
    "EISDIR": "Is a directory",
    "ENOTDIR": "Not a directory",
    "EEXIST": "File exists",
    "ENOSPC": "No space left on device",
    "EROFS": "Read-only file system",
    "ENAMETOOLONG": "File name too long",
    "ELOOP": "Too many levels of symbolic links",
    "EIO": "Input/output error",
    "ENOMEM": "Cannot allocate memory",
    "EAGAIN": "Resource temporarily unavailable",
    "EMFILE": "Too many open files",
    "EINVAL": "Invalid argument",
    "EPIPE": "Broken pipe",
    "EADDRINUSE": "Address already in use",
    "EADDRNOTAVAIL": "Cannot assign requested address",
    "ECONNREFUSED": "Connection refused",
    "ECONNRESET": "Connection reset by peer",
    "ETIMEDOUT": "Connection timed out",
    "EHOSTUNREACH": "No route to host",
    "ENETUNREACH": "Network is unreachable",
    "ENOEXEC": "Exec format error",
    "ESRCH": "No such process",
    "EDQUOT": "Disk quota exceeded",
    "EBUSY": "Device or resource busy",
    "ENXIO": "No such device or address",
}


def system_error(error: OSError) -> str:
    """Return the translated message of an error of the system."""
    return _(error.strerror) if error.strerror else str(error)
