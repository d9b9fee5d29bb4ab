//go:build unix

package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"

	"kagiban/agent"
	"kagiban/agent/journal"
	"kagiban/agent/wire"
	"kagiban/hostsetup/book"
)

// BenchmarkSign is a login's signature with an ed25519 key, over connections that are bound to a server, with and without the log of uses.
// cpu-ns/op is of client and agent together.
func BenchmarkSign(b *testing.B) {
	for _, conns := range []int{1, 64} {
		for _, logged := range []bool{false, true} {
			b.Run(fmt.Sprintf("conns=%d/log=%t", conns, logged), func(b *testing.B) {
				dir := filepath.Join(b.TempDir(), "uses")
				names := &serverNames{book: book.Book{Path: filepath.Join(b.TempDir(), "hosts.toml")}, home: b.TempDir(), now: time.Now, log: slog.New(slog.DiscardHandler)}
				o := agent.Options{Servers: names}
				u := uses{journal.New(journal.Options{Dir: dir})}
				defer u.Close()
				if logged {
					o.Journal = u
				}
				done := benchSign(b, agent.New(o), conns)
				if lines, _, err := (&journal.Reader{Dir: dir}).Next(); logged && (err != nil || len(lines) < min(done, 10000)) || u.Missed() != nil {
					b.Errorf("%d lines of %d signatures, missed %v, %v", len(lines), done, u.Missed(), err)
				}
			})
		}
	}
}

// benchSign signs over so many connections, and returns how often.
func benchSign(b *testing.B, a *agent.Agent, conns int) int {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		b.Fatal(err)
	}
	host, err := ssh.NewSignerFromKey(private)
	if err != nil {
		b.Fatal(err)
	}
	session := []byte("session")
	proof, err := host.Sign(rand.Reader, session)
	if err != nil {
		b.Fatal(err)
	}
	bind := &wire.SessionBind{HostKey: key.Marshal(), SessionID: session, Signature: ssh.Marshal(proof)}
	login := &wire.Login{SessionID: session, User: "you", Algorithm: key.Type(), Key: key.Marshal(), HostKey: key.Marshal()}
	request := wire.Encode(&wire.SignRequest{Blob: key.Marshal(), Data: login.Data()})
	l, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
	if err != nil {
		b.Fatal(err)
	}
	go a.Serve(b.Context(), l, func(net.Conn) (agent.Peer, error) { return agent.Peer{PID: 1, Program: "/usr/bin/ssh"}, nil })
	dial := func() net.Conn {
		c, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Close() })
		return c
	}
	if err := sshagent.NewClient(dial()).Add(sshagent.AddedKey{PrivateKey: &private}); err != nil {
		b.Fatal(err)
	}
	ready := make(chan *wire.Reader, conns)
	clients := make(chan net.Conn, conns)
	for range conns {
		c := dial()
		answers := wire.NewReader(c)
		if _, err := c.Write(wire.Encode(&wire.Extension{Name: wire.ExtensionSessionBind, Contents: bind.Contents()})); err != nil {
			b.Fatal(err)
		}
		if frame, err := answers.Next(); err != nil || frame[0] != byte(wire.TypeSuccess) {
			b.Fatal("not bound", err)
		}
		ready <- answers
		clients <- c
	}
	var done atomic.Int64
	before := cpuTime()
	b.ReportAllocs()
	b.SetParallelism((conns + 1) / 2)
	b.ResetTimer()
	sign := func(more func() bool) {
		var c net.Conn
		select {
		case c = <-clients:
		default:
			return
		}
		answers := <-ready
		for more() {
			if _, err := c.Write(request); err != nil {
				b.Error(err)
				return
			}
			if frame, err := answers.Next(); err != nil || frame[0] != byte(wire.TypeSignResponse) {
				b.Error("no signature", err)
				return
			}
			done.Add(1)
		}
	}
	if conns == 1 {
		sign(b.Loop)
	} else {
		b.RunParallel(func(pb *testing.PB) { sign(pb.Next) })
	}
	b.StopTimer()
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
	return int(done.Load())
}

// cpuTime is what this process has used of it.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
