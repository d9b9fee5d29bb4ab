package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"kagiban/agent"
	"kagiban/agent/control"
	"kagiban/cmd/internal/say"
)

func agentSocketCommand(p *program) *cli.Command {
	return group("socket", "narrower sockets, for programs that are trusted less",
		agentSocketAddCommand(p), agentSocketListCommand(p), agentSocketRemoveCommand(p))
}

// socketRow is a narrower socket as scripts read it.
type socketRow struct {
	Name     string   `json:"name"`
	Path     string   `json:"path"`
	Keys     []string `json:"keys"`     // none: all keys
	Purposes []string `json:"purposes"` // none: all
	Hosts    []string `json:"hosts"`    // where logins may go; none: anywhere
	Confirm  bool     `json:"confirm"`
	Open     bool     `json:"open"`
	Error    *string  `json:"error"`
}

func rowOfSocket(s control.Socket) socketRow {
	return socketRow{s.Name, s.Path, s.Keys, s.Purposes, hostTexts(s.Hosts), s.Confirm, s.Error == "", some(s.Error)}
}

// socketState is a narrower socket in a few words.
func socketState(s control.Socket) string {
	if s.Error != "" {
		return say.Text(say.StateNarrowShut, say.Fields{"what": scopeText(s.Scope), "error": s.Error})
	}
	return say.Text(say.StateNarrow, say.Fields{"what": scopeText(s.Scope), "path": s.Path})
}

// scopeText is what a narrower socket is for.
func scopeText(s agent.Scope) string {
	f := say.Fields{"keys": strings.Join(s.Keys, ", ")}
	parts := []string{say.Text(say.ScopeAllKeys, nil)}
	if len(s.Keys) > 0 {
		parts[0] = say.Text(say.ScopeKeys, f)
	}
	purposes := s.Purposes
	if len(s.Hosts) > 0 && len(purposes) == 0 {
		purposes = []string{agent.UseLogin}
	}
	if len(purposes) > 0 {
		parts = append(parts, say.Text(say.ScopePurposes, say.Fields{"purposes": strings.Join(purposes, ", ")}))
	}
	if len(s.Hosts) > 0 {
		parts = append(parts, say.Text(say.ScopeHosts, say.Fields{"hosts": strings.Join(hostTexts(s.Hosts), ", ")}))
	}
	if s.Confirm {
		parts = append(parts, say.Text(say.ScopeConfirm, nil))
	}
	return strings.Join(parts, "; ")
}

// hostTexts are hosts as they were said.
func hostTexts(hosts []agent.ScopeHost) (all []string) {
	for _, h := range hosts {
		if h.User != "" {
			h.Name = h.User + "@" + h.Name
		}
		all = append(all, h.Name)
	}
	return all
}
