package main

import (
	"bytes"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"kagiban/agent"
	"kagiban/cmd/internal/home"
	"kagiban/hostsetup/book"
)

// serverNames knows servers by what hosts.toml and ssh's known_hosts say of their host keys. It is an agent.Servers and an agent.Ties.
type serverNames struct {
	book     book.Book
	settings *home.Home // nil: all is as it is without a config.toml
	home     string     // of the user, for ssh's files; "" reads none of the user's own
	now      func() time.Time
	log      *slog.Logger

	mu      sync.Mutex // guards what follows
	known   knownServers
	told    map[string]toldName // by host key: what was said lately
	reading chan struct{}       // closed when who looks at the files is done; nil: nobody does
	hangs   bool                // somebody has waited for that in vain

	// these are for who looks at the files alone
	files []string      // that known was read from, or would have been
	seen  []os.FileInfo // they as they were; nil: it was not there
	asOf  time.Time     // the time before seen was taken; zero: never
}

// newServerNames knows servers by ssh's known_hosts alone.
func newServerNames(now func() time.Time, log *slog.Logger) *serverNames {
	folder, _ := os.UserHomeDir() // else there are none of the user's own
	return &serverNames{home: folder, now: now, log: log}
}

// toldName is a name that Name has said.
type toldName struct {
	name string
	pid  int // who was told
	at   time.Time
}

// tellAgain is how long a name is said again without a look at the files: each signature of a hundred at once has it said, for the log.
const tellAgain = time.Second

// knownServers is what was read.
type knownServers struct {
	aliases, names map[string][]string // by host key
	authorities    []hostAuthority
	revoked        map[string]bool     // host keys and authorities
	lines          map[string][]string // by host key: the names on each line that has it, hidden ones too
	configured     []string            // what ssh's configuration calls servers, and their ports
	pages          []book.Host
	called         map[string]string // by alias: the name in known_hosts
	ties           []book.Tie
	untold         bool // per_server = false
}

// hostAuthority is a line @cert-authority of known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
type hostAuthority struct{ key, patterns string }

// rereadAfter is how long what was read is believed though no file of it has changed: an Include may name files that were not there.
const rereadAfter = time.Minute

// maxNames is how many names of one server are told; who has copied one host key to many servers sees that there are more.
const maxNames = 3

// Name is the alias in hosts.toml, and in brackets the name that known_hosts has; or the one of both that there is. A name that
// known_hosts hides (HashKnownHosts) is told where ssh was told it.
func (s *serverNames) Name(hostKey ssh.PublicKey, asking agent.Peer) string {
	now, key := s.now(), blob(hostKey)
	s.mu.Lock()
	told, ok := s.told[key]
	s.mu.Unlock()
	if ok && now.Sub(told.at).Abs() < tellAgain && (told.name != "" || told.pid == asking.PID) {
		return told.name
	}
	known := s.look()
	name := known.name(hostKey, now)
	if name == "" {
		name = known.hiddenName(hostKey, asking.PID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told == nil || len(s.told) >= 1000 {
		s.told = map[string]toldName{}
	}
	s.told[key] = toldName{name, asking.PID, now}
	return name
}

func (k knownServers) name(hostKey ssh.PublicKey, now time.Time) string {
	aliases, names := k.of(hostKey, now)
	names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(aliases, n) })
	switch first, rest := few(aliases), few(names); {
	case first == "":
		return rest
	case rest == "":
		return first
	default:
		return first + " (" + rest + ")"
	}
}

func few(names []string) string {
	if len(names) > maxNames {
		names = append(slices.Clip(names[:maxNames]), "...")
	}
	return strings.Join(names, ", ")
}

// of are the names of who holds that host key. A certificate counts for the names that its authority may give, and its key as any other.
func (k knownServers) of(hostKey ssh.PublicKey, now time.Time) (aliases, names []string) {
	certificate, ok := hostKey.(*ssh.Certificate)
	if ok {
		hostKey = certificate.Key
		for _, name := range certificate.ValidPrincipals {
			if !strings.ContainsAny(name, "*?") && k.certifies(certificate, name, now) {
				names = append(names, name)
			}
		}
	}
	key := blob(hostKey)
	if k.revoked[key] {
		return nil, nil
	}
	return slices.Clone(k.aliases[key]), unique(append(names, k.names[key]...))
}

func blob(key ssh.PublicKey) string { return string(key.Marshal()) }

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// lookPatience is how long somebody waits for another who looks at the files. A disk may not answer at all (NFS): what was known is said then.
const lookPatience = 2 * time.Second

// look is what the files say. One looks at a time, and only that one waits for a disk that hangs.
func (s *serverNames) look() knownServers {
	for {
		s.mu.Lock()
		known, reading, hangs := s.known, s.reading, s.hangs
		if reading == nil {
			s.reading = make(chan struct{})
		}
		s.mu.Unlock()
		switch {
		case reading == nil:
			return s.reread(known)
		case hangs:
			return known
		}
		late := time.NewTimer(lookPatience)
		select {
		case <-reading: // it may have begun before what is asked about was written
			late.Stop()
		case <-late.C:
			s.mu.Lock()
			s.hangs = s.reading == reading
			s.mu.Unlock()
		}
	}
}

// reread reads the files if one of them has changed, or so lately that a further change might have got the same date.
func (s *serverNames) reread(known knownServers) knownServers {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.reading)
		s.known, s.reading, s.hangs = known, nil, false
	}()
	now := s.now()
	if s.asOf.IsZero() || now.Before(s.asOf) || now.Sub(s.asOf) > rereadAfter || !slices.EqualFunc(states(s.files), s.seen, sameState) || !settled(present(s.seen), s.asOf) {
		own := []string{s.book.Path}
		if s.settings != nil {
			own = append(own, s.settings.Config())
		}
		seen := states(own)
		said := s.readOwn(known)
		config, hosts, names := sshFiles(s.home)
		hosts = unique(append(hosts, said.further()...))
		s.files = slices.Concat(own, config, hosts)
		s.seen, s.asOf = append(seen, states(s.files[len(own):])...), now
		said.read(hosts)
		said.configured = names
		known = said
	}
	return known
}

func newKnownServers() knownServers {
	return knownServers{aliases: map[string][]string{}, names: map[string][]string{}, revoked: map[string]bool{}, lines: map[string][]string{}, called: map[string]string{}}
}

// readOwn reads what kagiban itself says. Of a file that cannot be read what was known before is kept.
func (s *serverNames) readOwn(before knownServers) knownServers {
	k := newKnownServers()
	hosts, err := s.book.Hosts()
	if err == nil {
		k.ties, err = s.book.Ties()
		k.pages = hosts
	}
	if err != nil {
		s.log.Warn("the servers of the book, and ties, are kept as they were before", "error", err)
		k.ties, k.pages = before.ties, before.pages
	}
	k.untold = s.perServerOff()
	for _, h := range k.pages {
		k.called[h.Name] = h.KnownAs
		for _, line := range h.HostKeys {
			if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)); err == nil {
				k.aliases[blob(key)] = append(k.aliases[blob(key)], h.Name)
			}
		}
	}
	return k
}

// read takes in known_hosts files. What cannot be read knows nobody, as for ssh.
func (k *knownServers) read(files []string) {
	for _, file := range files {
		if text, err := readRegular(file); err == nil {
			k.add(text)
		}
	}
}

// add takes in a known_hosts file. Lines that cannot be read are passed over, as ssh does.
func (k *knownServers) add(text []byte) {
	for line := range bytes.Lines(text) {
		marker, hosts, key, _, _, err := ssh.ParseKnownHosts(line)
		if err != nil {
			continue
		}
		switch marker {
		case "revoked":
			k.revoked[blob(key)] = true
		case "cert-authority":
			k.authorities = append(k.authorities, hostAuthority{blob(key), strings.Join(hosts, ",")})
		case "":
			k.lines[blob(key)] = append(k.lines[blob(key)], strings.Join(hosts, ","))
			if name := hosts[0]; !strings.HasPrefix(name, "|") && !strings.HasPrefix(name, "!") { // the others are its addresses
				k.names[blob(key)] = append(k.names[blob(key)], name)
			}
		}
	}
}

// states are files as they are now; nil where there is none.
func states(files []string) []os.FileInfo {
	all := make([]os.FileInfo, len(files))
	for i, file := range files {
		if info, err := os.Stat(file); err == nil {
			all[i] = info
		}
	}
	return all
}

func sameState(a, b os.FileInfo) bool {
	return a == nil && b == nil || a != nil && b != nil && sameFile(a, b)
}

func present(all []os.FileInfo) []os.FileInfo {
	return slices.DeleteFunc(slices.Clone(all), func(f os.FileInfo) bool { return f == nil })
}
