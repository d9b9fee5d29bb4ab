// Logs in as the account that it is given, with JSch and what the agent holds, and prints who it is there.

import com.jcraft.jsch.AgentIdentityRepository;
import com.jcraft.jsch.ChannelExec;
import com.jcraft.jsch.JSch;
import com.jcraft.jsch.SSHAgentConnector;
import com.jcraft.jsch.Session;

public class ByJsch {
    public static void main(String[] args) throws Exception {
        JSch jsch = new JSch();
        jsch.setKnownHosts(System.getProperty("user.home") + "/.ssh/known_hosts");
        jsch.setIdentityRepository(new AgentIdentityRepository(new SSHAgentConnector()));
        Session session = jsch.getSession(args[0], "localhost");
        session.setConfig("PreferredAuthentications", "publickey");
        session.setConfig("server_host_key", "ssh-ed25519");
        session.connect();
        ChannelExec channel = (ChannelExec) session.openChannel("exec");
        channel.setCommand("id -un");
        var out = channel.getInputStream();
        channel.connect();
        out.transferTo(System.out);
        channel.disconnect();
        session.disconnect();
    }
}
