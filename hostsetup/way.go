package hostsetup

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

// A Way is the program that leads to a server that is not dialled: ssh(1)'s ProxyJump or ProxyCommand (ssh_config(5)).
type Way struct {
	// Words are the program and its arguments. The connection is its stdin and stdout.
	Words []string
	Jump  string // as -J takes it, "" for a ProxyCommand
	Asked string // what ssh was asked for, to ask it again
}

// String names the way for people. The text of a ProxyCommand is not told: it may hold somebody's secret.
func (w *Way) String() string {
	if w.Jump == "" {
		return "its ProxyCommand"
	}
	return w.Jump
}

// Is tells whether both lead to one place; nil leads nowhere else.
func (w *Way) Is(x *Way) bool {
	return w == x || w != nil && x != nil && slices.Equal(w.Words, x.Words)
}

// Direct is the jump that stands for none: the server is dialled, whatever ssh's configuration says.
const Direct = "none"

// CheckJump refuses what -J could not mean: [USER@]HOST[:PORT], more of these after commas, or [Direct]. Errors: *[NameError].
func CheckJump(jump string) error {
	_, err := hops(jump)
	return err
}

// A hop is one host on the way.
type hop struct {
	user, host string
	port       int // 0: left to ssh's configuration
}

func hops(jump string) ([]hop, error) {
	var all []hop
	for one := range strings.SplitSeq(jump, ",") {
		user, host, port, err := split(strings.TrimPrefix(one, "ssh://"))
		if err != nil {
			return nil, &NameError{"jump host", one}
		}
		all = append(all, hop{user, host, port})
	}
	return all, nil
}

func (h hop) String() string {
	text := h.host
	if strings.Contains(text, ":") {
		text = "[" + text + "]"
	}
	if h.port != 0 {
		text += ":" + strconv.Itoa(h.port)
	}
	if h.user != "" {
		text = h.user + "@" + text
	}
	return text
}

// byJump is the way that OpenSSH makes of a ProxyJump: the last hop is logged in to, and asked to connect to the server (ssh(1), -W).
// The hops before it are its own way.
func (r Resolver) byJump(t Target, names map[byte]string, jump string) (*Way, error) {
	jump, err := expandTokens("ProxyJump", jump, names)
	if err != nil {
		return nil, err
	}
	all, err := hops(jump)
	if err != nil {
		return nil, err
	}
	last := all[len(all)-1]
	var shown []string
	for _, h := range all {
		shown = append(shown, h.String())
	}
	words := []string{r.Program}
	if r.Config != "" {
		words = append(words, "-F", r.Config)
	}
	if last.user != "" {
		words = append(words, "-l", last.user)
	}
	if last.port != 0 {
		words = append(words, "-p", strconv.Itoa(last.port))
	}
	if len(all) > 1 {
		words = append(words, "-J", strings.Join(shown[:len(all)-1], ","))
	}
	words = append(words, "-W", "["+t.Address+"]:"+strconv.Itoa(t.Port), "--", last.host)
	return &Way{Words: words, Jump: strings.Join(shown, ","), Asked: t.Name}, nil
}

// byCommand is the way that a ProxyCommand is. What stands in its tokens must mean nothing to the shell.
func (r Resolver) byCommand(t Target, names map[byte]string, command string) (*Way, error) {
	command, err := expandTokens("ProxyCommand", command, names)
	if err != nil {
		return nil, err
	}
	return &Way{Words: shellWords(r.Shell, command), Asked: t.Name}, nil
}

// tokens are what ssh(1) puts into a ProxyJump and a ProxyCommand; `ssh -G` prints both as they were written (ssh_config(5), TOKENS).
func tokens(t Target, alias string) map[byte]string {
	if alias == "" {
		alias = t.Name
	}
	return map[byte]string{'%': "%", 'h': t.Address, 'k': alias, 'n': t.Name, 'p': strconv.Itoa(t.Port), 'r': t.User}
}

func expandTokens(keyword, text string, names map[byte]string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			out.WriteByte(text[i])
			continue
		}
		if i++; i == len(text) {
			return "", &ConfigError{keyword + " ends with a single %"}
		}
		value, known := names[text[i]]
		switch {
		case !known:
			return "", &ConfigError{fmt.Sprintf("%s has %%%c, which stands for nothing there", keyword, text[i])}
		case text[i] != '%' && !allowed(value):
			return "", &NameError{"host", value}
		}
		out.WriteString(value)
	}
	return out.String(), nil
}

// endpoint is what is dialled, or what the way leads to.
func (t Target) endpoint() string { return net.JoinHostPort(t.Address, strconv.Itoa(t.Port)) }
