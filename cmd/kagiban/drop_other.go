//go:build !unix

package main

import (
	"net"

	"kagiban/agent"
)

// drops has nothing to wait for: there is no such signal.
type drops struct{}

func onDrop(func()) drops { return drops{} }

func (drops) stop() {}

func (drops) peer(c net.Conn) (agent.Peer, error) { return peer(c) }
