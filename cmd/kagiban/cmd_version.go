package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// version is set by the linker when a release is built (-X main.version=1.2.3).
var version = "0.1.0-dev"

// versionInfo is the result of `kagiban version --json`.
type versionInfo struct {
	Version string  `json:"version"`
	Commit  *string `json:"commit"` // null when it was not built from a checkout
	Go      string  `json:"go"`
	OS      string  `json:"os"`
	Arch    string  `json:"arch"`
}

func versionCommand(p *program) *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "show which kagiban this is",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			info := versionInfo{
				Version: version, Commit: some(commit()), Go: runtime.Version(),
				OS: runtime.GOOS, Arch: runtime.GOARCH,
			}
			if c.Bool("json") {
				return writeJSON(p.stdout, info)
			}
			_, err := fmt.Fprintf(p.stdout, "kagiban %s (%s, %s/%s)\n", info.Version, info.Go, info.OS, info.Arch)
			return err
		},
	}
}

// buildVersion tells one build from another, as far as they know what they were built from.
func buildVersion() string {
	if c := commit(); c != "" {
		return version + "+" + c
	}
	return version
}

// commit is the revision that the Go tool noted in the binary, or "".
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
