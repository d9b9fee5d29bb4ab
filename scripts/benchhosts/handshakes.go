//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// handshakes makes, 16 servers at once, the connections that one run of host add has with each, in the same order and by the same library: in by
// the password, in by the key three times (the proof, the rehearsal, the proof after the change), and two that only ask (for root, and the
// server's own question to itself). On each login one command is run.
func handshakes(folder string, addrs []string) error {
	text, err := os.ReadFile(filepath.Join(folder, "id"))
	if err != nil {
		return err
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return err
	}
	errs := make([]error, len(addrs))
	places := make(chan struct{}, 16)
	var all sync.WaitGroup
	for i, addr := range addrs {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			for _, by := range []ssh.AuthMethod{ssh.Password(password), ssh.PublicKeys(key), ssh.PublicKeys(key), ssh.PublicKeys(key)} {
				errs[i] = errors.Join(errs[i], login(addr, by))
			}
			for range 2 {
				if offered(addr) == nil {
					errs[i] = errors.Join(errs[i], fmt.Errorf("%s does not answer", addr))
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func login(addr string, by ssh.AuthMethod) error {
	c, err := ssh.Dial("tcp", net.JoinHostPort(addr, "22"), &ssh.ClientConfig{User: "owner", Timeout: 30 * time.Second, Auth: []ssh.AuthMethod{by},
		HostKeyCallback: ssh.InsecureIgnoreHostKey()}) // a throwaway server
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := c.NewSession()
	if err != nil {
		return err
	}
	return s.Run("true")
}
