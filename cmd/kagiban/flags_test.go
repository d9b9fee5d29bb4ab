package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"kagiban/cmd/internal/prompt"
	"kagiban/cmd/internal/say"
)

// runSecrets has one command that reads two secrets and writes them to stdout.
func runSecrets(stdin string, args ...string) (stdout string, err error) {
	var out bytes.Buffer
	none := func(string) string { return "" }
	p := &program{stdin: strings.NewReader(stdin), stdout: &out, stderr: new(bytes.Buffer), verbose: new(slog.LevelVar), ask: prompt.New(none)}
	get := &cli.Command{
		Name: "get", Flags: slices.Concat(passphrase.flags(), password.flags()),
		Action: func(c *cli.Context) error {
			from, err := sources(c, passphrase, password)
			if err != nil {
				return err
			}
			for _, s := range []secret{passphrase, password} {
				if !from[s].Given() {
					continue
				}
				answer, err := p.secret(c.Context, from[s], "?")
				if err != nil {
					return err
				}
				out.Write(append(answer, ';'))
			}
			return nil
		},
	}
	err = p.dispatch(context.Background(), newApp(p, []*cli.Command{get}), append([]string{"kagiban", "get"}, args...))
	return out.String(), err
}

func TestSecretSources(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte("from file\r\nmore"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		want string
		id   say.ID
	}{
		{"file", []string{"--passphrase-file", file}, "from file;", ""},
		{"stdin", []string{"--passphrase-file", "-"}, "from stdin;", ""},
		{"both", []string{"--passphrase-file", "-", "--password-file", file}, "from stdin;from file;", ""},
		{"command", []string{"--passphrase-command", "echo from command"}, "from command;", ""},
		{"stdin twice", []string{"--passphrase-file", "-", "--password-file", "-"}, "", say.StdinTwice},
		{"two places", []string{"--passphrase-file", file, "--passphrase-command", "echo x"}, "", say.TwoSources},
		{"no command for passwords", []string{"--password-command", "echo x"}, "", say.UnknownFlag},
		{"no such file", []string{"--passphrase-file", file + "x"}, "", say.SecretUnread},
	}
	for _, tt := range tests {
		out, err := runSecrets("from stdin\nrest", tt.args...)
		var id say.ID
		if err != nil {
			id, _ = say.Of(err)
		}
		if out != tt.want || id != tt.id {
			t.Errorf("%s: %q, %v (%s); want %q, %s", tt.name, out, err, id, tt.want, tt.id)
		}
	}
}
