package main

import (
	"crypto"
	_ "crypto/sha1" // for -E
	_ "crypto/sha256"
	_ "crypto/sha512"
	"errors"
	"math"
	"strings"
	"time"
)

// sshAgentOptions is a call of ssh-agent, understood.
type sshAgentOptions struct {
	given   []string // the options as they stood, for the process in the background
	command []string // the program to run, with its arguments
	serving *serving // set in the process in the background

	forCsh, forSh     bool          // -c, -s: who reads the output
	debug, foreground bool          // -d, -D
	kill              bool          // -k
	address           string        // -a
	hasAddress        bool          // -a was given
	shared            bool          // -T: the socket in the shared folder for temporary files
	keepStale         bool          // -U
	clean             int           // -u, -uu
	version           bool          // -V
	life              time.Duration // -t
	hash              string        // -E, in lower case
	providers         string        // -P; "": as ssh-agent has it
	remoteProviders   bool          // -O allow-remote-pkcs11
	anyWeb            bool          // -O no-restrict-websafe
	webPatterns       string        // -O websafe-allow=
}

// parseSSHAgent understands a call, or says in ssh-agent's words why not.
func parseSSHAgent(args []string) (*sshAgentOptions, error) {
	o := &sshAgentOptions{hash: "sha256"}
	o.serving, args = readServing(args)
	rest, err := getopt(args, "cDdksTuUVE:a:O:P:t:", o.option)
	if err != nil || o.version {
		return o, err
	}
	o.given, o.command = args[:len(args)-len(rest)], rest
	forNobody := o.forCsh || o.forSh || o.kill || o.debug || o.foreground || o.clean > 0
	if len(rest) > 0 && forNobody {
		return nil, misused("")
	}
	return o, nil
}

// option takes one option.
func (o *sshAgentOptions) option(letter byte, value string) error {
	wrong := false
	switch letter {
	case 'c':
		o.forCsh, wrong = true, o.forSh
	case 's':
		o.forSh, wrong = true, o.forCsh
	case 'd':
		wrong = o.debug || o.foreground
		o.debug = true
	case 'D':
		wrong = o.debug || o.foreground
		o.foreground = true
	case 'k':
		o.kill = true
	case 'T':
		o.shared = true
	case 'U':
		o.keepStale = true
	case 'u':
		o.clean++
	case 'V':
		o.version = true
		return errStop
	case 'a':
		o.address, o.hasAddress = value, true
	default:
		return o.valued(letter, value)
	}
	if wrong {
		return misused("")
	}
	return nil
}

// valued takes one of the options whose value can be wrong.
func (o *sshAgentOptions) valued(letter byte, value string) error {
	switch letter {
	case 'E':
		o.hash = strings.ToLower(value)
		if o.hash != "md5" && fingerprintHashes[o.hash] == 0 {
			return endSSHAgent(fatal, "Invalid hash algorithm %q", value)
		}
	case 't':
		seconds, ok := sshTime(value)
		if !ok || seconds > math.MaxInt32 {
			return misused("Invalid lifetime")
		}
		o.life = time.Duration(seconds) * time.Second
	case 'P':
		if o.providers != "" {
			return endSSHAgent(fatal, "-P option already specified")
		}
		o.providers = value
	case 'O':
		patterns, web := strings.CutPrefix(value, "websafe-allow=")
		switch {
		case web && o.webPatterns != "":
			return endSSHAgent(fatal, "websafe-allow already set")
		case web:
			o.webPatterns = patterns
		case value == "no-restrict-websafe":
			o.anyWeb = true
		case value == "allow-remote-pkcs11":
			o.remoteProviders = true
		default:
			return endSSHAgent(fatal, "Unknown -O option")
		}
	}
	return nil
}

// errStop, returned by an option, ends the reading of options.
var errStop = errors.New("no more options")

// getopt reads options as getopt(3) does on BSD: letters in one word or in several, a
// value in the same word or in the next one, until the first word that is no
// option, or "--". spec names the letters, those with a value followed by a colon.
// What is left is returned.
func getopt(args []string, spec string, take func(letter byte, value string) error) (rest []string, err error) {
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		word := args[0][1:]
		args = args[1:]
		if word == "-" {
			return args, nil
		}
		for len(word) > 0 {
			letter := word[0]
			word = word[1:]
			at := strings.IndexByte(spec, letter)
			if at < 0 || letter == ':' {
				return nil, misused("unknown option -- " + string(rune(letter)))
			}
			value := ""
			if strings.HasPrefix(spec[at+1:], ":") {
				if value, word = word, ""; value == "" {
					if len(args) == 0 {
						return nil, misused("option requires an argument -- " + string(rune(letter)))
					}
					value, args = args[0], args[1:]
				}
			}
			switch err := take(letter, value); {
			case err == errStop:
				return args, nil
			case err != nil:
				return nil, err
			}
		}
	}
	return args, nil
}

// fingerprintHashes are those of -E that are shown in base64; md5 is shown in hex.
var fingerprintHashes = map[string]crypto.Hash{
	"sha1": crypto.SHA1, "sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512,
}
