// Command client logs in to this computer's SSH server as the account that it is given, with what the agent at
// SSH_AUTH_SOCK holds and golang.org/x/crypto/ssh as the client, and prints who it is there: scripts/clients runs it.
package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"
)

func main() {
	out, err := login(os.Args[1])
	fmt.Print(out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

// login returns what `id -un` prints there.
func login(user string) (string, error) {
	conn, err := net.Dial("unix", os.Getenv("SSH_AUTH_SOCK"))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	known, err := knownhosts.New(filepath.Join(os.Getenv("HOME"), ".ssh", "known_hosts"))
	if err != nil {
		return "", err
	}
	client, err := ssh.Dial("tcp", "localhost:22", &ssh.ClientConfig{
		User: user, HostKeyCallback: known, HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
		Auth: []ssh.AuthMethod{ssh.PublicKeysCallback(agent.NewClient(conn).Signers)},
	})
	if err != nil {
		return "", err
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	out, err := session.Output("id -un")
	return string(out), err
}
