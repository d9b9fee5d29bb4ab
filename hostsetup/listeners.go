package hostsetup

import (
	"encoding/hex"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"kagiban/hostsetup/remote"
)

// A listener is one address at which an SSH server listens, as root's list has it.
type listener struct {
	at      netip.AddrPort
	pid     int
	unit    string // of systemd, "" if there is none
	command string // how it was started
	ours    bool   // it belongs to the server that we reached
}

// listeners are all of them, those of the server that we reached marked. At server and port it is what we reached.
func listeners(a *remote.Answer, server, port string) []listener {
	var all []listener
	sockets := startedBySockets(a)
	for _, line := range a.All("listens") {
		p := strings.SplitN(line, " ", 5)
		if len(p) != 5 {
			continue
		}
		at, ok := parseListening(p[0], p[1])
		l := listener{at: at, unit: strings.TrimPrefix(p[3], "-"), command: strings.TrimSpace(p[4])}
		l.pid, _ = strconv.Atoi(p[2])
		if l.pid == 1 {
			if l.unit, l.command, ok = sockets.of(at); !ok {
				continue
			}
		}
		if ok && servesSSH(l.command) && !session(l.command) {
			all = append(all, l)
		}
	}
	// A socket that systemd has handed on has two that hold it: the sshd is the one to speak of.
	all = slices.DeleteFunc(all, func(l listener) bool {
		return l.pid == 1 && slices.ContainsFunc(all, func(x listener) bool { return x.pid != 1 && x.at == l.at })
	})
	mark(all, server, port)
	slices.SortStableFunc(all, func(x, y listener) int { return boolInt(y.ours) - boolInt(x.ours) })
	return all
}

// sockets are systemd's that start an SSH server.
type sockets []struct {
	at            netip.AddrPort
	unit, command string
}

func startedBySockets(a *remote.Answer) (all sockets) {
	for _, line := range a.All("socket") {
		p := strings.SplitN(line, " ", 3)
		if len(p) != 3 {
			continue
		}
		at, err := netip.ParseAddrPort(strings.Replace(p[0], "*:", "[::]:", 1))
		if err == nil {
			all = append(all, struct {
				at            netip.AddrPort
				unit, command string
			}{at, p[1], p[2]})
		}
	}
	return all
}

func (s sockets) of(at netip.AddrPort) (unit, command string, ok bool) {
	for _, x := range s {
		if x.at == at {
			return x.unit, x.command, true
		}
	}
	return "", "", false
}

// servesSSH tells whether the command line is that of an SSH server, or of one who starts it (tcpserver, inetd).
func servesSSH(command string) bool {
	return slices.ContainsFunc(strings.Fields(command), func(word string) bool {
		name := strings.TrimSuffix(path.Base(word), ":")
		return name == "sshd" || name == "dropbear" || strings.HasPrefix(name, "tinysshd")
	})
}

// session: it is not the server but one login there, which listens for a forwarding (ssh -R, X11). "sshd: /usr/sbin/sshd -D [listener]" is the
// server's title, "sshd: ann@pts/0" a login's.
func session(command string) bool {
	title, is := strings.CutPrefix(command, "sshd: ")
	return is && !strings.HasPrefix(title, "/") && !strings.Contains(title, "[listener]")
}

// parseListening reads an address as /proc/net/tcp and tcp6 have it: words of 32 bits in the machine's own order (that of nearly all is little-endian),
// and the port.
func parseListening(table, text string) (netip.AddrPort, bool) {
	address, number, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(address)
	port, portErr := strconv.ParseUint(number, 16, 16)
	if err != nil || portErr != nil || len(raw) != map[string]int{"tcp": 4, "tcp6": 16}[table] {
		return netip.AddrPort{}, false
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	at, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(at.Unmap(), uint16(port)), ok
}

// mark finds the listener that we reached, the most exact first, and all others of the same server: a process, or a unit of systemd's.
func mark(all []listener, server, port string) {
	reached := -1
	for _, near := range []func(at netip.AddrPort) bool{
		func(at netip.AddrPort) bool { return reaches(at.String(), server, port) && !at.Addr().IsUnspecified() },
		func(at netip.AddrPort) bool { return reaches(at.String(), server, port) },
		func(at netip.AddrPort) bool { return strconv.Itoa(int(at.Port())) == port },
	} {
		if reached < 0 {
			reached = slices.IndexFunc(all, func(l listener) bool { return near(l.at) })
		}
	}
	if reached < 0 {
		return
	}
	ours := all[reached]
	for i, l := range all {
		all[i].ours = l.pid == ours.pid && l.unit == ours.unit
	}
}

// ownSettings: it was started with settings of its own, so what sshd's files say need not hold for it.
func (l listener) ownSettings() bool {
	words := strings.Fields(l.command)
	for i, word := range words {
		if strings.HasPrefix(word, "-f") {
			return true
		}
		if option, is := strings.CutPrefix(word, "-o"); is {
			if option == "" && i+1 < len(words) {
				option = words[i+1]
			}
			if !strings.HasPrefix(strings.ToLower(option), "pidfile") {
				return true
			}
		}
	}
	return false
}

// openSSH tells whether it is OpenSSH's sshd.
func (l listener) openSSH() bool {
	return strings.Contains(l.command, "sshd") && !strings.Contains(l.command, "tinysshd")
}

// name is what it is called in a sentence: by its unit, or its process.
func (l listener) name() string {
	if l.unit != "" {
		return l.unit
	}
	return "process " + strconv.Itoa(l.pid)
}

// stop is the command that ends it.
func (l listener) stop() string {
	if l.unit != "" {
		return "sudo systemctl disable --now " + shellWord(l.unit)
	}
	return "sudo kill " + strconv.Itoa(l.pid)
}

// shellWord is text as it is typed: quoted where it has to be.
func shellWord(text string) string {
	if text != "" && allowed(strings.ReplaceAll(text, "/", "_")) {
		return text
	}
	return remote.Quote(text)
}

// addresses are those of the server's own that others may reach, as listen told them.
func addresses(a *remote.Answer) []netip.Addr {
	var all []netip.Addr
	for _, text := range a.All("address") {
		at, err := netip.ParseAddr(text)
		if raw, bad := hex.DecodeString(text); err != nil && bad == nil {
			var ok bool
			if at, ok = netip.AddrFromSlice(raw); !ok {
				continue
			}
		} else if err != nil {
			continue
		}
		all = append(all, at)
	}
	slices.SortStableFunc(all, func(x, y netip.Addr) int { // those that the world knows first
		return boolInt(x.IsPrivate()) - boolInt(y.IsPrivate())
	})
	return all
}
