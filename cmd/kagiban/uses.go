package main

import (
	"log/slog"

	"kagiban/agent"
	"kagiban/agent/journal"
	"kagiban/cmd/internal/home"
)

// uses is the log of uses. It is an agent.Journal.
type uses struct{ *journal.Journal }

// newUses is the log of a home, which is not opened yet. Whether journald gets it, too, the config says when the agent begins.
func newUses(h home.Home, log *slog.Logger) uses {
	o := journal.Options{Dir: h.Uses(), Log: log}
	config, err := h.LoadConfig()
	if err != nil {
		log.Warn("the configuration cannot be read, so uses of keys do not go to journald", "error", err)
	}
	if config.LogToJournald {
		o.Journald = journal.JournaldSocket
	}
	return uses{journal.New(o)}
}

// Record writes a record as scripts read it.
func (u uses) Record(r agent.Record) {
	e := journal.Entry{
		Time: r.Time, Count: r.Count, Request: r.Request, Decision: r.Decision, Reason: r.Reason, Socket: r.Socket,
		Key: r.Key, Fingerprint: r.Fingerprint, Comment: r.Comment,
		Purpose: r.Use.Purpose, Namespace: r.Use.Namespace, User: r.Use.User, Host: r.Use.Server, HostKey: r.Use.HostKey,
		Forwarded: r.Use.Forwarded, Via: r.Use.Via, Peer: journal.Peer{PID: r.Peer.PID, Exe: r.Peer.Program},
	}
	if e.Purpose == agent.UseFile && e.Namespace == agent.UseGit { // PROTOCOL.sshsig; gpg.format in git-config(1)
		e.Purpose = agent.UseGit
	}
	u.Journal.Record(e)
}

// Missed says it as the agent's status does.
func (u uses) Missed() (all []agent.Missed) {
	for _, m := range u.Journal.Missed() {
		all = append(all, agent.Missed(m))
	}
	return all
}
