//go:build unix

package main

import (
	"encoding/base64"
	"log/slog"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/agent"
	"kagiban/agent/wire"
	"kagiban/cmd/internal/prompt"
)

// sshAgentKind is an agent without a vault: it holds what is added, asks through
// SSH_ASKPASS alone, and takes DSA keys, for the old servers that want them.
func (p *program) sshAgentKind(o *sshAgentOptions, log *slog.Logger) agent.Options {
	return agent.Options{
		Ask:             newAsker(prompt.NewAskpass(p.getenv), nil, nil),
		Now:             p.now,
		Log:             log,
		Legacy:          true,
		Life:            o.life,
		Hardware:        newHardware(p.getenv, o.providers, log),
		RemoteProviders: o.remoteProviders,
		Web:             o.web,
		Fingerprint:     o.fingerprint,
		Servers:         newServerNames(p.now, log),
		Origin:          originOf,
	}
}

// web tells whether a FIDO key of this application may sign anything (-O).
func (o *sshAgentOptions) web(application string) bool {
	return o.anyWeb || wire.MatchPatternList(o.webPatterns, application)
}

// fingerprint is that of a key in the hash of -E, as ssh-keygen -l shows it.
func (o *sshAgentOptions) fingerprint(key ssh.PublicKey) string {
	if o.hash == "md5" {
		return "MD5:" + ssh.FingerprintLegacyMD5(key)
	}
	h := fingerprintHashes[o.hash].New()
	h.Write(key.Marshal())
	return strings.ToUpper(o.hash) + ":" + base64.RawStdEncoding.EncodeToString(h.Sum(nil))
}
