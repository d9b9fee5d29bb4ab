package helper

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kagiban/agent/wire"
)

// Errors that callers act on.
var (
	// ErrNeedPIN says that a device wants its PIN, or another one than it got.
	ErrNeedPIN = errors.New("the device wants its PIN")
	// ErrNotAllowed says that a provider is not on the list of those allowed.
	ErrNotAllowed = errors.New("this provider of keys is not allowed")
	// ErrNoHelper says that the program is not there that talks to such devices.
	ErrNoHelper = errors.New("OpenSSH's helper for such keys is not installed")
)

// Internal is the provider for FIDO that comes with OpenSSH (ssh-add(1), -S).
const Internal = "internal"

// DefaultAllowed is where providers may lie unless told otherwise (ssh-agent(1), -P).
const DefaultAllowed = "/usr/lib*/*,/usr/local/lib*/*"

// DefaultPatience is longer than any device waits to be touched.
const DefaultPatience = 5 * time.Minute

// Options are the parameters of New. The zero value is of use.
type Options struct {
	Allowed      []string      // lists of patterns as ssh-agent -P takes them; none: DefaultAllowed
	SKHelper     string        // path of ssh-sk-helper; "": where systems have it
	PKCS11Helper string        // path of ssh-pkcs11-helper; "": where systems have it
	Env          []string      // of the helpers; nil: this process's, without what they must not have
	Patience     time.Duration // after it a program that does not answer is ended; 0: DefaultPatience
	Log          *slog.Logger  // nil: nobody hears
}

// Hardware reaches devices. Its methods may be called at the same time.
type Hardware struct {
	allowed    string
	sk, pkcs11 string
	env        []string
	patience   time.Duration
	log        *slog.Logger
}

// New returns a Hardware. It starts nothing, and looks for the helpers when they
// are needed.
func New(o Options) *Hardware {
	h := &Hardware{
		allowed: strings.Join(o.Allowed, ","), sk: o.SKHelper, pkcs11: o.PKCS11Helper,
		env: o.Env, patience: o.Patience, log: o.Log,
	}
	if h.allowed == "" {
		h.allowed = DefaultAllowed
	}
	if h.env == nil {
		h.env = cleanEnv(os.Environ())
	}
	if h.patience == 0 {
		h.patience = DefaultPatience
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	return h
}

// CheckProvider returns the path of a provider with all links resolved, or Internal
// for that one, in whatever case. An error wraps ErrNotAllowed.
func (h *Hardware) CheckProvider(provider string) (path string, err error) {
	if strings.EqualFold(provider, Internal) {
		return Internal, nil
	}
	return h.checkPath(provider)
}

func (h *Hardware) checkPath(provider string) (string, error) {
	if !filepath.IsAbs(provider) {
		return "", fmt.Errorf("%w: %q is not a whole path", ErrNotAllowed, provider)
	}
	path, err := filepath.EvalSymlinks(provider)
	if err != nil {
		return "", fmt.Errorf("%w: %q: %w", ErrNotAllowed, provider, err)
	}
	if !wire.MatchPatternList(h.allowed, path) {
		return "", fmt.Errorf("%w: %q matches none of %q; ssh-agent -P takes other patterns", ErrNotAllowed, path, h.allowed)
	}
	return path, nil
}

// folders are where systems keep programs that are not for people: Debian, Fedora,
// the BSDs and macOS, Arch and Alpine, SUSE, and what was built by hand.
var folders = []string{
	"/usr/lib/openssh", "/usr/libexec/openssh", "/usr/libexec", "/usr/lib/ssh", "/usr/lib64/ssh",
	"/usr/local/libexec", "/opt/homebrew/libexec", "/usr/local/lib/openssh",
}

// find returns the path of a helper: the one that was named, or the first that is there.
func find(named, name string) (string, error) {
	if named != "" {
		if _, err := os.Stat(named); err != nil {
			return "", fmt.Errorf("%w: %w", ErrNoHelper, err)
		}
		return named, nil
	}
	for _, folder := range folders {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: no %s in %s", ErrNoHelper, name, strings.Join(folders, ", "))
}

// cleanEnv leaves out what a helper has no use for and a provider might misuse: the
// way to agents, the program that asks for passphrases, what is our own, and names
// that tell of a secret. All else stays, for providers find their settings there.
func cleanEnv(env []string) []string {
	clean := []string{}
	for _, entry := range env {
		name, _, _ := strings.Cut(strings.ToUpper(entry), "=")
		if strings.HasPrefix(name, "KAGIBAN_") || strings.HasPrefix(name, "SSH_A") {
			continue
		}
		secret := false
		for _, word := range []string{"PASS", "SECRET", "TOKEN", "CREDENTIAL", "API_KEY", "APIKEY"} {
			secret = secret || strings.Contains(name, word)
		}
		if !secret {
			clean = append(clean, entry)
		}
	}
	return clean
}
