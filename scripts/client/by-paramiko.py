# Logs in as the account that it is given, with paramiko and what the agent holds, and prints who it is there.
import sys

import paramiko

client = paramiko.SSHClient()
client.load_system_host_keys()
client.connect("localhost", username=sys.argv[1], look_for_keys=False)
print(client.exec_command("id -un")[1].read().decode(), end="")
client.close()
