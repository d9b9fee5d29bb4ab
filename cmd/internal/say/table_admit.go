package say

// Messages of keys that are let in besides this client's own: another client's, and one to keep elsewhere.
const (
	PublicIsPrivate   ID = "public-is-private"
	PublicSeveral     ID = "public-several"
	PublicOptions     ID = "public-options"
	PublicCertificate ID = "public-certificate"
	PublicPEM         ID = "public-pem"
	PublicWeak        ID = "public-weak"
	PublicUnknown     ID = "public-unknown"
	OwnKeyRefused     ID = "own-key-refused"
	OwnKeyShut        ID = "own-key-shut"
	ServerBlind       ID = "server-blind"

	AdmitKey       ID = "admit-key"
	AskAdmit       ID = "ask-admit"
	Admitted       ID = "admitted"
	AdmittedBlind  ID = "admitted-blind"
	AdmittedBefore ID = "admitted-before"
	ProveThere     ID = "prove-there"

	NotRecovery      ID = "not-recovery"
	RecoveryUnread   ID = "recovery-unread"
	RecoveryMade     ID = "recovery-made"
	RecoveryAgain    ID = "recovery-again"
	RecoveryIn       ID = "recovery-in"
	RecoveryInBefore ID = "recovery-in-before"
	RecoveryKeep     ID = "recovery-keep"
	AskRecovery      ID = "ask-recovery"
)

const (
	notAdmitted = "no connection was made"
	publicThere = "kagiban key show NAME --public   (on the other computer: it prints the line to bring)"
)

func admitTable() map[ID]Message {
	return map[ID]Message{
		PublicIsPrivate: {
			What:      "{file} is the private half of a key: it never leaves the computer it was made on",
			StillTrue: "nothing of it was shown or sent, and " + notAdmitted,
			Next:      publicThere + "\nkagiban key new NAME   (there, if this file came here from it: a private key that has travelled is nobody's alone)",
		},
		PublicSeveral:     {What: "{file} holds more than one line, and a public key is one", StillTrue: notAdmitted, Next: "the same again with one key in the file"},
		PublicOptions:     {What: "{file} has something before the key: options, or a host's name", StillTrue: notAdmitted, Next: publicThere},
		PublicCertificate: {What: "{file} is a certificate, which a server takes by its authority and not by a line", StillTrue: notAdmitted, Next: "the same again with the key's own line   (the file without -cert in its name)"},
		PublicPEM:         {What: "{file} is a public key in PEM format, not as servers read it", StillTrue: notAdmitted, Next: "{command} >key.pub, then the same again with key.pub"},
		PublicWeak:        {What: "{file} is a key that is too easily broken ({kind})", StillTrue: notAdmitted, Next: "kagiban key new NAME   (on the other computer), then the same again with its public line"},
		PublicUnknown:     {What: "{file} holds no public key of a kind that is known here", StillTrue: notAdmitted, Next: publicThere},
		ServerBlind: {
			What:      "{host} says yes to every key until it sees a signature (tinyssh does so): it cannot be asked which keys open it",
			StillTrue: "what was shown as done is done, nothing else was begun",
			Next:      "cat ~/.ssh/authorized_keys   (on the server: these open it)",
		},
		OwnKeyRefused: {
			What:      "{account}: the key {key} does not open it; the server takes {methods}",
			StillTrue: untouched,
			Next:      "kagiban host add {host}   (puts it there again, with another key or the password)",
		},
		OwnKeyShut: {
			What:      "{account}: the key {key} does not open it; the server takes {methods} alone",
			StillTrue: untouched,
			Next: "kagiban host admit {host} PUBFILE   (on another computer, whose key opens it; PUBFILE holds what kagiban key show {key} --public prints here)\n" +
				"kagiban host add {host} -i FILE   (FILE: a key that opens it; a recovery key, for one)\n" +
				"nano ~{user}/.ssh/authorized_keys   (on the server, by the provider's console: that line into it)",
		},

		AdmitKey:       {What: "the key to let in: {type} {fingerprint} ({comment})"},
		AskAdmit:       {What: "let {fingerprint} in to {account}? It must be what `kagiban key list` shows on the other computer. (y/N)"},
		Admitted:       {What: "{host} takes {fingerprint} ({comment}) now; nobody has logged in with it yet"},
		AdmittedBlind:  {What: "{host} has the line of {fingerprint} ({comment}); whether it takes the key shows when its owner logs in"},
		AdmittedBefore: {What: "{host} takes {fingerprint} ({comment}) already; nothing was changed"},
		NotRecovery: {
			What:      "{file} is there already, and is no recovery key",
			StillTrue: "it is as it was, and " + notAdmitted,
			Next:      "the same again with another file name",
		},
		RecoveryUnread: {
			What:      "{file} was written, but what is there does not open again: {error}",
			StillTrue: "no server has the key, and " + notAdmitted,
			Next:      "the same again with a file on another disk",
		},
		RecoveryMade:     {What: "made a recovery key in {file} ({fingerprint}), locked under the passphrase that you chose; it is not among this computer's keys"},
		RecoveryAgain:    {What: "{file} is a recovery key already ({fingerprint}): this goes on with it"},
		RecoveryIn:       {What: "{host}: the recovery key is in, and opens it: proved by a login with it alone"},
		RecoveryInBefore: {What: "{host}: the recovery key was in already, and opens it: proved by a login with it alone"},
		RecoveryKeep:     {What: "who has {file} and guesses its passphrase gets in: keep it away from this computer, on a stick or printed, and then remove it here"},
		AskRecovery:      {What: "a passphrase for the recovery key in {file}, not one that you use elsewhere:"},
		ProveThere:       {What: "  next: kagiban host add {server}   (on the other computer: it proves the key)"},
	}
}
