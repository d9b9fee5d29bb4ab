package hostsetup

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"

	"kagiban/hostsetup/remote"
	"kagiban/hostsetup/sshd"
)

// facts are what one look at a server tells.
type facts struct {
	user, home string
	uid, gid   int
	group      string
	alone      bool   // the user's group has no other member
	debian     bool   // sshd's banner says Debian or Ubuntu
	client     string // our address as the server sees it
	server     string // the address and port that we reached there
	port       string
	ways       map[string]string // sudo, doas, su: where they are
	keys       string            // authorized_keys, relative to home unless it is a link that leads out
	text       string            // its bytes
	partial    bool              // one credential was not enough to log in
	there      bool
	paths      []mode
	opens      bool      // the new key opened this server already
	standing   bool      // our drop-in or block stands, as the user sees it
	stuck      []Problem // why authorized_keys could not be written
	privileged bool      // what follows is known
	files      []sshd.File
	elsewhere  []sshd.File               // keys of the user that do not stand in ~/.ssh/authorized_keys
	effective  map[string]sshd.Effective // "" is the global one
	manner     string
	dropIn     string    // what stands of ours: the drop-in's text, or the block's
	block      bool      // it is, or will be, a block in sshd_config
	unread     bool      // the drop-in stands, and no Include reads it for everybody
	opened     []string  // fingerprints of the keys that logged the user in lately, as the server's log tells
	filesystem string    // the kind that the home folder is on, as mount(8) names it
	problems   []Problem // what root's look found in the way
	lost       []Other   // whom the drop-in would shut out
	unseen     string    // which of their logins could not be looked for
}

// mode is one line of ls -ldn.
type mode struct {
	path     string
	bits     int // permission bits
	uid, gid int
}

// look reads what the login user can see. Errors: *[ForcedError], *[BlockedError].
func look(ctx context.Context, c *conn, account string) (*facts, error) {
	a, err := c.do(ctx, remote.Look)
	return looked(c, account, a, err)
}

// looked reads the answer of a look.
func looked(c *conn, account string, a *remote.Answer, err error) (*facts, error) {
	var failure *remote.Failure
	var cut *cutOff
	switch {
	case errors.As(err, &failure):
		return nil, &BlockedError{[]Problem{unfit(failure, a)}}
	case errors.As(err, &cut) && cut.status >= 0:
		return nil, forced(c.dialer.target, cut)
	case err != nil:
		return nil, err
	}
	f := &facts{user: a.Get("user"), home: a.Get("home"), group: a.Get("group"), keys: a.Get("keys"), partial: c.partial, ways: map[string]string{}}
	f.uid, _ = strconv.Atoi(a.Get("uid"))
	f.gid, _ = strconv.Atoi(a.Get("gid"))
	f.alone = a.Get("members") == "" || a.Get("members") == f.user
	version := string(c.ServerVersion())
	f.debian = strings.Contains(version, "Debian") || strings.Contains(version, "Ubuntu")
	if parts := strings.Fields(a.Get("connection")); len(parts) == 4 {
		f.client, f.server, f.port = parts[0], parts[2], parts[3]
	}
	for _, line := range a.All("way") {
		name, path, _ := strings.Cut(line, " ")
		f.ways[name] = path
	}
	f.text, f.there = a.Text("keys")
	f.stuck = stuck(f.user, a.All("obstacle"))
	f.standing = a.Has("standing")
	f.filesystem = a.Get("filesystem")
	for _, line := range a.All("mode") {
		if m, ok := parseMode(line); ok {
			f.paths = append(f.paths, m)
		}
	}
	return f, nil
}

// who has a command of ours run, and returns whom the login comes to. Errors: *[ForcedError].
func who(ctx context.Context, c *conn) (user string, err error) {
	a, err := c.do(ctx, remote.Who)
	var cut *cutOff
	switch {
	case errors.As(err, &cut) && cut.status >= 0:
		return "", forced(c.dialer.target, cut)
	case err != nil:
		return "", err
	}
	return a.Get("user"), nil
}

// parseMode reads "drwxr-xr-x 2 1000 1000 4096 ... PATH". The path may hold blanks; a date has three fields, as POSIX has it.
func parseMode(line string) (mode, bool) {
	fields := strings.Fields(line)
	if len(fields) < 9 || len(fields[0]) < 10 {
		return mode{}, false
	}
	m := mode{}
	for i, r := range fields[0][1:10] {
		if r != '-' && r != 'S' && r != 'T' {
			m.bits |= 1 << (8 - i)
		}
	}
	var err error
	if m.uid, err = strconv.Atoi(fields[2]); err != nil {
		return mode{}, false
	}
	if m.gid, err = strconv.Atoi(fields[3]); err != nil {
		return mode{}, false
	}
	at := 0
	for range 8 {
		at += strings.IndexFunc(line[at:], func(r rune) bool { return r == ' ' })
		at += strings.IndexFunc(line[at:], func(r rune) bool { return r != ' ' })
	}
	m.path = line[at:]
	return m, true
}

// inspect adds what only root can see. Errors: *[RootError], *[remote.Failure].
func (f *facts) inspect(ctx context.Context, r *root, c *conn) error {
	a, err := r.do(ctx, c, remote.Inspect, f.user, f.client, f.server, f.port)
	if err != nil {
		return err
	}
	f.privileged = true
	f.manner = a.Get("manner")
	f.dropIn, _ = a.Text("dropin")
	f.effective = effectives(a)
	for _, name := range a.All("text") {
		if path, ok := strings.CutPrefix(name, "config "); ok {
			text, _ := a.Text(name)
			f.files = append(f.files, sshd.File{Path: path, Text: text})
		}
		if path, ok := strings.CutPrefix(name, "keys "); ok {
			text, _ := a.Text(name)
			f.elsewhere = append(f.elsewhere, sshd.File{Path: path, Text: text})
		}
	}
	if len(f.files) == 0 {
		return &remote.Failure{Verb: remote.Inspect.String(), What: "noconfig", Detail: sshd.Config}
	}
	if _, f.block = sshd.Blocked(f.files); f.block {
		f.unread = f.dropIn != ""
		f.dropIn, _ = a.Text("block")
	}
	f.problems = f.obstacles(a)
	f.lost, f.unseen, f.opened = f.others(a), unseen(a), a.All("opened")
	return nil
}

// effectives are what sshd makes of its configuration: under "" for everybody, and by name for each account with a shell.
func effectives(a *remote.Answer) map[string]sshd.Effective {
	all := map[string]sshd.Effective{}
	for _, name := range a.All("text") {
		if kind, who, _ := strings.Cut(name, " "); kind == "effective" {
			text, _ := a.Text(name)
			all[who] = sshd.ParseEffective(text)
		}
	}
	return all
}

// obstacles are what makes a change unsafe before it has begun.
func (f *facts) obstacles(a *remote.Answer) []Problem {
	var found []Problem
	if a.Get("sound") != "0" {
		tested, _ := a.Text("tested")
		found = append(found, problem("sshd-broken", "tested", firstLine(tested)))
	}
	switch state, why, waits := strings.Cut(a.Get("pending"), ": "); {
	case waits:
		found = append(found, problem("undo-waiting", "why", why))
	case state != "":
		found = append(found, problem("change-pending", "state", state))
	}
	if listener := a.Get("listener"); strings.Contains(listener, " -f ") || strings.Contains(listener, " -o") {
		found = append(found, problem("sshd-options", "listener", listener))
	}
	if configured := f.effective[f.user]["listenaddress"]; f.moves(configured, a.Get("listener")) {
		found = append(found, problem("sshd-moves", "here", net.JoinHostPort(f.server, f.port), "there", strings.Join(configured, ", ")))
	}
	if f.foreign() {
		found = append(found, problem("drop-in-foreign", "path", sshd.DropInPath))
	}
	if servers := secondServers(a.All("listens"), f.server, f.port); len(servers) > 0 {
		found = append(found, problem("second-server", "servers", strings.Join(servers, "; ")))
	}
	if _, whole := sshd.Unblocked(f.files[0].Text); !whole {
		found = append(found, problem("block-edited", "path", sshd.Config))
	}
	if f.block {
		found = append(found, stuck("root", a.All("block-obstacle"))...)
	} else if a.Has("nofolder") {
		found = append(found, problem("no-drop-in-folder", "path", a.Get("nofolder")))
	} else {
		found = append(found, stuck("root", a.All("dropin-obstacle"))...)
	}
	found = append(found, stuck("root", a.All("obstacle"))...)
	if a.Has("lasting") {
		found = append(found, problem("run-lasting"))
	}
	return found
}

// foreign: somebody else's file has our drop-in's name.
func (f *facts) foreign() bool {
	return f.dropIn != "" && !f.block && !strings.HasPrefix(f.dropIn, "# Written by kagiban") && !f.unconfirmed()
}

// unconfirmed: the drop-in is that of a change that waits for its confirmation, or waited for it when the server was rebooted.
func (f *facts) unconfirmed() bool {
	return strings.Contains("\n"+f.dropIn, "\n# kagiban: not confirmed yet")
}

// secondServers are the listening SSH servers, as ss(8) shows them (0.0.0.0:22 users:(("sshd",pid=92,fd=3))), of all processes but
// the one that we reached at server and port: on one port there may be an sshd for each address.
func secondServers(listens []string, server, port string) []string {
	process := func(line string) string {
		_, id, _ := strings.Cut(line, "pid=")
		id, _, _ = strings.Cut(id, ",")
		return id
	}
	var ours, others []string
	for _, near := range []func(at string) bool{
		func(at string) bool { return reaches(at, server, port) && !wild(at) },
		func(at string) bool { return reaches(at, server, port) },
		func(at string) bool { return strings.HasSuffix(at, ":"+port) },
	} {
		for _, line := range listens {
			if at, _, _ := strings.Cut(line, " "); len(ours) == 0 && near(at) {
				ours = append(ours, process(line))
			}
		}
	}
	for _, line := range listens {
		if !slices.Contains(ours, process(line)) {
			others = append(others, line)
		}
	}
	return others
}

// reaches tells whether who listens at "0.0.0.0:22", "[::]:22", "*:22" or "192.0.2.1:22" is reached by way of server and port.
func reaches(at, server, port string) bool {
	host, ok := strings.CutSuffix(at, ":"+port)
	host, _, _ = strings.Cut(strings.Trim(host, "[]"), "%")
	server, _, _ = strings.Cut(server, "%")
	return ok && (host == server || host == "*" || host == "::" && strings.Contains(server, ":") || host == "0.0.0.0" && !strings.Contains(server, ":"))
}

func wild(at string) bool {
	return strings.HasPrefix(at, "*:") || strings.HasPrefix(at, "[::]:") || strings.HasPrefix(at, "0.0.0.0:")
}

// moves tells whether sshd, which reads its files again when it is told to, would not listen any more where we reached it: then they have been
// changed since it read them last. Options of its start may say otherwise.
func (f *facts) moves(configured []string, listener string) bool {
	listens := strings.HasPrefix(f.manner, "reload") || strings.HasPrefix(f.manner, "hup")
	return listens && f.server != "" && len(configured) > 0 && !strings.Contains(listener, " -p") &&
		!slices.ContainsFunc(configured, func(at string) bool { return reaches(at, f.server, f.port) })
}

// keyOnly tells whether sshd itself says that nothing typed lets anybody in who has a shell, no file says otherwise for some
// logins, and this is not only so until an unconfirmed change is undone.
func (f *facts) keyOnly() bool {
	if !f.privileged || f.unconfirmed() || len(sshd.Doors(f.files)) > 0 {
		return false
	}
	for _, who := range []string{"", f.user, "root"} {
		if len(f.effective[who]) == 0 {
			return false
		}
	}
	loose := sshd.Loosened(f.files)
	for _, effective := range f.effective {
		if len(effective.Typed()) > 0 || loose && len(effective.On()) > 0 {
			return false
		}
	}
	return true
}
