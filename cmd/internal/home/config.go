package home

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"kagiban/vault/safefile"
)

// Config is what config.toml holds.
type Config struct {
	// Client is the name of this computer, which its key and its lines on servers carry.
	Client string `toml:"client,omitempty"`
	// Pinentry is the program that asks where there is neither a terminal nor an
	// askpass, a path or a name on PATH; "" is "pinentry".
	Pinentry string `toml:"pinentry,omitempty"`
	// ForwardedUnlock are the keys whose passphrase may be asked for because a
	// program on another computer, behind ssh -A, wants to use them.
	ForwardedUnlock []string `toml:"forwarded_unlock,omitempty"`
	// LogToJournald has the log of uses go to the system's journal as well.
	LogToJournald bool `toml:"log_to_journald,omitempty"`
	// PerServer false has every server offered every key, in the same order; nil is true.
	PerServer *bool `toml:"per_server,omitempty"`
	// Approve is how long a yes to the use of a key holds, where the person cannot say
	// that with the yes: with askpass and with a pinentry.
	Approve Approval `toml:"approve,omitempty"`
	// LimitedNamespaces are what keys that are limited to destinations sign for all the
	// same (PROTOCOL.sshsig), on this computer; nil is ["git"].
	LimitedNamespaces *[]string `toml:"limited_namespaces,omitempty"`
	// LockAfterIdle is how long nobody may use a key until all are locked.
	LockAfterIdle Idle `toml:"lock_after_idle,omitempty"`
	// LockOn are the events at which all keys are locked; nil is ["suspend"].
	LockOn *[]string `toml:"lock_on,omitempty"`
}

// ConfigError says what is wrong with config.toml, or another file of settings, and where.
type ConfigError struct {
	Path string
	Line int // from 1; 0 when the line is not known
	Err  error
}

func (e *ConfigError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf(`"%s": %v`, e.Path, e.Err)
	}
	return fmt.Sprintf(`"%s", line %d: %v`, e.Path, e.Line, e.Err)
}

// Unwrap gives the cause.
func (e *ConfigError) Unwrap() error { return e.Err }

// LoadConfig reads config.toml. A missing file is an empty Config. A field that
// kagiban does not know is an error, a *ConfigError that names the line: a
// setting with a spelling mistake must not be a setting that is silently not in force.
func (h Home) LoadConfig() (Config, error) {
	var c Config
	if err := ReadTOML(h.Config(), &c); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Wrong is the *ConfigError of a setting of config.toml that was understood and is of no use.
func (h Home) Wrong(setting, problem string) error {
	text, _ := safefile.ReadFile(h.Config()) // without it there is no line
	return configError(h.Config(), text, &ValueError{setting, problem})
}

// ReadTOML reads a file of settings into what is pointed to, which stays as it is where there is no file. The error is a
// *ConfigError, for a field that is not known there, too.
func ReadTOML(path string, into any) error {
	text, err := safefile.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &ConfigError{Path: path, Err: err}
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(into); err != nil {
		return configError(path, text, err)
	}
	if c, ok := into.(*Config); ok {
		if err := c.checkLocksOn(); err != nil {
			return configError(path, text, err)
		}
	}
	return nil
}

// SaveConfig replaces config.toml whole or not at all. The folder must exist; see Make.
func (h Home) SaveConfig(c Config) error {
	text, err := toml.Marshal(c)
	if err != nil {
		return err
	}
	return safefile.WriteFile(h.Config(), text, 0o600)
}

// inWords says what is wrong with a line without the library's types: of a setting of config.toml, what it takes.
func inWords(bad *toml.DecodeError, line string) error {
	why := strings.TrimPrefix(bad.Error(), "toml: ")
	why, _, mismatch := strings.Cut(why, " into struct field ")
	name, value, _ := strings.Cut(line, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch what := takes(name); {
	case what == "", strings.HasPrefix(why, name+": "), strings.HasSuffix(why, "is already defined"): // the second is a ValueError
	case mismatch, strings.TrimLeft(value, `"'[`) == value: // else the fault lies within the quotes: an escape, say
		return fmt.Errorf("%s takes %s", name, what)
	}
	return errors.New(why)
}

// takes is what the value of a setting must be; "" where there is none of that name.
func takes(setting string) string {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		name, _, _ := strings.Cut(f.Tag.Get("toml"), ",")
		if name != setting {
			continue
		}
		kind := f.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		switch kind.Kind() {
		case reflect.Bool:
			return "true or false"
		case reflect.Slice:
			return `a list, such as ["one", "two"]`
		case reflect.Struct: // Approval and Idle
			return `a time in quotes, such as "10m"`
		}
		return "a text in quotes"
	}
	return ""
}

func nthLine(text []byte, n int) string {
	lines := bytes.Split(text, []byte("\n"))
	if n < 1 || n > len(lines) {
		return ""
	}
	return string(lines[n-1])
}

// configError finds the line in what the TOML library says, or else in the text.
func configError(path string, text []byte, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		first := unknown.Errors[0]
		line, _ := first.Position()
		return &ConfigError{Path: path, Line: line, Err: fmt.Errorf("no setting is named %q", strings.Join(first.Key(), "."))}
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		line, _ := bad.Position()
		return &ConfigError{Path: path, Line: line, Err: inWords(bad, nthLine(text, line))}
	}
	var value *ValueError
	if errors.As(err, &value) {
		fault := &ConfigError{Path: path, Err: err}
		if at := regexp.MustCompile(`(?m)^[ \t]*["']?` + regexp.QuoteMeta(value.Setting) + `["']?[ \t]*=`).FindIndex(text); at != nil {
			fault.Line = 1 + bytes.Count(text[:at[0]], []byte("\n"))
		}
		return fault
	}
	return &ConfigError{Path: path, Err: err}
}
