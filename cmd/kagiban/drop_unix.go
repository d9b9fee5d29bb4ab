//go:build unix

package main

import (
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"kagiban/agent"
)

// drops is what a SIGUSR1 does: it drops all keys, as with ssh-agent(1). Without it the
// signal would end the process.
//
// Who sends it and connects after that finds no key. ssh-agent has one thread, and looks for
// the signal before it accepts; here another goroutine hears of it. So each connection
// sends this process a signal that does nothing, and waits until that has come the same way:
// of two signals that wait the kernel (Linux) and os/signal give out the lower number first, and
// SIGCONT's is higher. (Elsewhere it is lower, and this only likely.)
type drops struct {
	signals chan os.Signal
	echo    chan struct{}
	echoing sync.Mutex // held by the connection that waits for its echo
}

// onDrop drops all keys of a at each SIGUSR1.
func onDrop(a *agent.Agent) *drops {
	d := &drops{signals: make(chan os.Signal, 8), echo: make(chan struct{}, 1)}
	signal.Notify(d.signals, syscall.SIGUSR1, syscall.SIGCONT)
	go func() {
		for s := range d.signals {
			if s == syscall.SIGUSR1 {
				dropAll(a)
				continue
			}
			select {
			case d.echo <- struct{}{}:
			default: // somebody else's
			}
		}
	}()
	return d
}

func dropAll(a *agent.Agent) {
	defer a.Survive("dropping all keys")
	a.RemoveAll()
}

func (d *drops) stop() {
	signal.Stop(d.signals)
	close(d.signals)
}

// peer is who is there, once all that came before the connection is done. It costs each
// connection a signal: it is for the drop-in, whose callers expect it.
func (d *drops) peer(c net.Conn) (agent.Peer, error) {
	d.echoing.Lock()
	defer d.echoing.Unlock()
	select {
	case <-d.echo: // an old one
	default:
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGCONT); err == nil {
		select {
		case <-d.echo:
		case <-time.After(time.Second): // one may be lost where many come at once, or at the end
		}
	}
	return peer(c)
}
