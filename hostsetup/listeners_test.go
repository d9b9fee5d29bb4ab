package hostsetup

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"kagiban/hostsetup/remote"
)

// heard is an answer of the server's half that says these lines.
func heard(t *testing.T, lines ...string) *remote.Answer {
	t.Helper()
	a, err := remote.Parse(remote.Listen, "x", []byte("KGx "+strings.Join(append(lines, "done 0"), "\nKGx ")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestListeners: which of the sockets are SSH servers, and which of them belong to the one that we reached.
func TestListeners(t *testing.T) {
	const (
		any4, any6 = "tcp 00000000:0016", "tcp6 00000000000000000000000000000000:0016"
		titled     = " 87 ssh.service sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"
	)
	for _, c := range []struct {
		name, server string
		lines        []string
		want         []string // "ADDRESS NAME", with a star for ours
	}{
		{"one sshd, both families", "192.0.2.1", []string{"listens " + any4 + titled, "listens " + any6 + titled}, []string{"0.0.0.0:22 ssh.service*", "[::]:22 ssh.service*"}},
		{"ssh -R and X11 are no servers", "192.0.2.1", []string{"listens " + any4 + titled, "listens tcp 0100007F:177A 99 - sshd: ann@pts/0", "listens tcp 0100007F:1F90 99 - sshd: ann"},
			[]string{"0.0.0.0:22 ssh.service*"}},
		{"another port of another process", "192.0.2.1", []string{"listens tcp 00000000:08AE 101 - /usr/sbin/sshd -p 2222", "listens " + any4 + titled}, []string{"0.0.0.0:22 ssh.service*", "0.0.0.0:2222 process 101"}},
		{"one for each address, on one port", "192.0.2.1", []string{"listens tcp 010200C0:0016 5 - /usr/sbin/sshd", "listens tcp 0100007F:0016 6 - /usr/sbin/sshd -f /x"}, []string{"192.0.2.1:22 process 5*", "127.0.0.1:22 process 6"}},
		{"ssh.socket", "192.0.2.1", []string{"listens " + any6 + " 1 init.scope /sbin/init", "socket [::]:22 ssh.socket /usr/sbin/sshd -D"}, []string{"[::]:22 ssh.socket*"}},
		{"ssh.socket, sshd started", "192.0.2.1", []string{"listens " + any6 + " 1 - /sbin/init", "listens " + any6 + titled, "socket [::]:22 ssh.socket /usr/sbin/sshd -D"}, []string{"[::]:22 ssh.service*"}},
		{"what else systemd listens for", "192.0.2.1", []string{"listens " + any4 + titled, "listens tcp6 00000000000000000000000000000000:2382 1 - /sbin/init"}, []string{"0.0.0.0:22 ssh.service*"}},
		{"dropbear, tinyssh by tcpserver", "192.0.2.1", []string{"listens " + any4 + titled, "listens tcp6 B80D01200000000000000000010000FF:08B0 7 - dropbear -p 2224", "listens tcp 00000000:08B1 8 - tcpserver 0 2225 tinysshd -l /x"},
			[]string{"0.0.0.0:22 ssh.service*", "[2001:db8::ff00:1]:2224 process 7", "0.0.0.0:2225 process 8"}},
		{"by IPv6", "2001:db8::1", []string{"listens " + any4 + titled, "listens " + any6 + titled}, []string{"0.0.0.0:22 ssh.service*", "[::]:22 ssh.service*"}},
		{"nonsense", "192.0.2.1", []string{"listens", "listens tcp 0:0 1 - sshd", "listens udp 00000000:0016 2 - sshd", "listens tcp 00000000:FFFFFF 2 - sshd"}, nil},
	} {
		var got []string
		for _, l := range listeners(heard(t, c.lines...), c.server, "22") {
			got = append(got, l.at.String()+" "+l.name()+map[bool]string{true: "*"}[l.ours])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%q, want\n%q", c.name, got, c.want)
		}
	}
}

func TestOwnSettings(t *testing.T) {
	for command, want := range map[string]bool{
		"/usr/sbin/sshd -D": false, "/usr/sbin/sshd -p 2222 -o PidFile=none": false, "/usr/sbin/sshd -f /x": true, "/usr/sbin/sshd -f/x": true,
		"/usr/sbin/sshd -o PasswordAuthentication=yes": true, "/usr/sbin/sshd -opidfile=/x -oPort=22": true,
	} {
		if got := (listener{command: command}).ownSettings(); got != want {
			t.Errorf("%s: %v", command, got)
		}
	}
}

// TestDials: nobody else's machine is asked in the server's name, whatever the server says that its own addresses are.
func TestDials(t *testing.T) {
	for _, c := range []struct{ reached, to, port, want string }{
		{"192.0.2.1", "192.0.2.1:2222", "22", "vps.example.com:2222"},
		{"192.0.2.1", "[2001:db8::1]:22", "22", "[2001:db8::1]:22"}, // its name says so, too
		{"192.0.2.1", "[2001:db8::2]:22", "22", ""},
		{"192.0.2.1", "198.51.100.7:22", "22", ""},
		{"10.0.0.7", "10.0.0.1:22", "22", ""}, // somebody's router here, and the server says that it is in that network
		{"192.0.2.1", "100.64.0.1:22", "22", ""},
		{"192.0.2.1", "127.0.0.1:2222", "22", ""},
		{"192.0.2.1", "192.0.2.1:2223", "2222", ""}, // ports are forwarded: another may lead elsewhere
	} {
		e := &exam{setup: &setup{facts: &facts{port: c.port}}, named: []netip.Addr{netip.MustParseAddr("2001:db8::1")}}
		e.Target = Target{Address: "vps.example.com", Port: 22}
		if got := e.dials(netip.MustParseAddrPort(c.to), netip.MustParseAddr(c.reached)); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
