package agent

import "golang.org/x/crypto/ssh"

// Servers knows servers by their host keys.
type Servers interface {
	// Name is what people call the server that holds this host key or certificate, ""
	// where that is not known; asking is who is connected to it, or wants to be. It is
	// called outside every lock, from any goroutine, and may read files; it is to be
	// quick where they have not changed.
	Name(hostKey ssh.PublicKey, asking Peer) string
}

func (s *session) serverName(hostKey ssh.PublicKey) string {
	if s.agent.o.Servers == nil {
		return ""
	}
	return s.agent.o.Servers.Name(hostKey, s.peer)
}
