"""What the system says of why something cannot be done. Where such words are a clause's ``reason`` they are translated
like all others; here is what there is to translate, and the same for errors that become no clause."""

from __future__ import annotations

from sandbox.i18n import Messages, _

#: The system's own words, as ``strerror`` has them. Others are left as they are.
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
    """Why the system refused."""
    return _(error.strerror) if error.strerror else str(error)
