# Logs in as the account that it is given, with libssh (the library itself) and what the agent holds, and prints who it is there.
import ctypes
import sys

OPTIONS_HOST, OPTIONS_USER = 0, 4
KNOWN, SUCCESS, ERROR = 1, 0, -1

lib = ctypes.CDLL("libssh.so.4")
lib.ssh_new.restype = lib.ssh_channel_new.restype = ctypes.c_void_p
lib.ssh_get_error.restype = ctypes.c_char_p
session = ctypes.c_void_p(lib.ssh_new())


def must(what, got, want):
    if got != want:
        sys.exit(f"{what}: {got}: {lib.ssh_get_error(session).decode()}")


must("host", lib.ssh_options_set(session, OPTIONS_HOST, b"localhost"), 0)
must("user", lib.ssh_options_set(session, OPTIONS_USER, sys.argv[1].encode()), 0)
must("connect", lib.ssh_connect(session), 0)
must("known_hosts", lib.ssh_session_is_known_server(session), KNOWN)
must("the agent", lib.ssh_userauth_agent(session, None), SUCCESS)
channel = ctypes.c_void_p(lib.ssh_channel_new(session))
must("channel", lib.ssh_channel_open_session(channel), 0)
must("command", lib.ssh_channel_request_exec(channel, b"id -un"), 0)
buffer = ctypes.create_string_buffer(256)
size = lib.ssh_channel_read(channel, buffer, ctypes.c_uint32(len(buffer)), 0)
print(buffer.raw[: max(size, 0)].decode(), end="")
lib.ssh_disconnect(session)
