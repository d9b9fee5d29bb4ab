package agent

import "golang.org/x/crypto/ssh"

// Servers knows servers by their host keys.
type Servers interface {
	// Name is what people call the server that holds this host key or certificate, ""
	// where that is not known. It is called outside every lock, from any goroutine, and
	// may read files; it is to be quick where they have not changed.
	Name(hostKey ssh.PublicKey) string
}

func (a *Agent) serverName(hostKey ssh.PublicKey) string {
	if a.servers == nil {
		return ""
	}
	return a.servers.Name(hostKey)
}
