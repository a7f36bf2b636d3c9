"""Derives what a thread waits for from its wait channel (``wchan``), the system's function in which it sleeps.

It is used if the system call tells nothing, because it is hidden, or because the thread is in none.
"""

from __future__ import annotations

from sandbox.model.events import Clause

#: Rules, each with prefixes of function names. The first match counts.
_RULES: dict[str, tuple[str, ...]] = {
    "disk": (
        *("folio_", "io_schedule", "wait_on_page", "wait_on_buffer", "__wait_on_buffer", "bit_wait_io", "filemap_"),
        *("blk_", "blkdev_", "submit_bio", "rq_qos", "balance_dirty", "writeback_", "__sync_dirty", "dio_", "iomap_"),
        *("jbd2", "ext4_", "xfs_", "btrfs_", "f2fs_", "nfs", "rpc_wait", "request_wait_answer", "fuse_", "p9_"),
    ),
    "sleep": ("hrtimer_nanosleep", "do_nanosleep", "common_nsleep"),
    "read pipe": ("pipe_read", "anon_pipe_read", "fifo_pipe_read", "pipe_wait_readable"),
    "write pipe": ("pipe_write", "anon_pipe_write", "fifo_pipe_write", "pipe_wait_writable"),
    "open fifo": ("wait_for_partner", "fifo_open"),
    "accept": ("inet_csk_accept", "inet_csk_wait_for_connect", "inet_accept", "unix_accept"),
    "recv": (
        *("unix_stream_read", "unix_stream_data_wait", "__skb_wait_for_more", "__skb_recv", "sk_wait_data"),
        *("tcp_recvmsg", "udp_recvmsg"),
    ),
    "send": ("sk_stream_wait_memory", "sock_alloc_send", "sock_wait_for_wmem", "unix_wait_for_peer", "tcp_sendmsg"),
    "connect": ("inet_wait_for_connect", "__inet_stream_connect", "inet_stream_connect"),
    "read console": ("n_tty_read",),
    "write console": ("n_tty_write", "tty_wait_until_sent"),
    "wait for child": ("do_wait", "kernel_wait", "__do_wait"),
    "poll": ("do_epoll_wait", "ep_poll", "poll_schedule_timeout", "do_sys_poll", "do_poll", "do_select", "core_sys"),
    "futex": ("futex_",),
    "signal": ("sigsuspend", "do_sigtimedwait", "__do_sys_pause", "sys_pause", "signalfd_"),
    "semaphore": ("do_semtimedop", "__do_semtimedop"),
    "receive message": ("do_msgrcv",),
    "send message": ("do_msgsnd",),
    "lock": ("locks_lock_inode_wait", "flock_lock", "fcntl_setlk", "posix_lock"),
    "start": ("kernel_clone", "wait_for_vfork_done"),
    "io": ("io_cqring_wait", "read_events", "aio_read_events"),
    "eventfd": ("eventfd_",),
    "timer": ("timerfd_",),
    "file change": ("inotify_", "fanotify_"),
    "traced": ("ptrace_stop",),
}


def by_channel(channel: str) -> Clause:
    """Return what a thread waits for by its wait channel ("": it has none); ``waiting`` if that is unknown."""
    return Clause(next((rule for rule, beginnings in _RULES.items() if channel.startswith(beginnings)), "waiting"))
