package hostsetup

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"

	"kagiban/hostsetup/authkeys"
)

// A PublicKeyError is a file from which no public key is taken. It never says what stands in the file.
type PublicKeyError struct {
	Why  PublicKeyFault
	Kind string // of a weak key: "ssh-dss", "ssh-rsa of 1024 bits"; of a PEM format, as ssh-keygen -m names it
}

// PublicKeyFault is what is the matter with it.
type PublicKeyFault int

// The kinds of [PublicKeyFault].
const (
	PublicUnknown     PublicKeyFault = iota // no public key that is known
	PublicPrivate                           // a private key
	PublicSeveral                           // more than one line
	PublicOptions                           // options before the key, or something else
	PublicCertificate                       // a certificate
	PublicPEM                               // a public key as OpenSSL writes it
	PublicWeak                              // a key that is too easily broken
)

func (e *PublicKeyError) Error() string {
	return [...]string{"no public key", "a private key", "several lines", "a line with options", "a certificate", "a public key in PEM format", "a weak key: " + e.Kind}[e.Why]
}

// private are the marks of private keys, also of those whose first line is lost: PEM, PKCS#8, OpenSSH and ssh.com; OpenSSH's body; PuTTY; age.
var private = regexp.MustCompile(`BEGIN [A-Z0-9 ]*PRIVATE KEY|b3BlbnNzaC1rZXktdj|PuTTY-User-Key-File-|AGE-SECRET-KEY-|age-encryption\.org/|BEGIN AGE ENCRYPTED FILE`)

// maxComment is the longest comment that is taken in, in bytes; OpenSSH allows 1024, a line of a table does not.
const maxComment = 256

// ReadPublicKey takes one public key out of the text of a file: a line as ssh-keygen writes it (sshd(8), AUTHORIZED_KEYS FILE FORMAT) without
// options, or a block as PuTTYgen and ssh.com save it (RFC 4716). The comment is one line of printable text. It takes weak keys, too.
//
// Errors: *[PublicKeyError].
func ReadPublicKey(text []byte) (key ssh.PublicKey, comment string, err error) {
	text = bytes.ReplaceAll(text, []byte{0}, nil) // UTF-16, as far as it is ASCII
	if private.Match(text) {
		return nil, "", &PublicKeyError{Why: PublicPrivate}
	}
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} { // Windows' editors and shells begin their files so
		text = bytes.TrimPrefix(text, []byte(mark))
	}
	line := strings.TrimSpace(string(text))
	if block, ok := strings.CutPrefix(line, "---- BEGIN SSH2 PUBLIC KEY ----"); ok {
		if line, err = unfold(block); err != nil {
			return nil, "", err
		}
	}
	switch {
	case strings.Contains(line, "-----BEGIN RSA PUBLIC KEY-----"):
		return nil, "", &PublicKeyError{PublicPEM, "PEM"}
	case strings.Contains(line, "-----BEGIN PUBLIC KEY-----"):
		return nil, "", &PublicKeyError{PublicPEM, "PKCS8"}
	case strings.ContainsAny(line, "\r\n"):
		return nil, "", &PublicKeyError{Why: PublicSeveral}
	}
	key, comment, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return nil, "", &PublicKeyError{Why: PublicUnknown}
	}
	_, certificate := key.(*ssh.Certificate)
	switch {
	case len(options) > 0:
		return nil, "", &PublicKeyError{Why: PublicOptions}
	case certificate:
		return nil, "", &PublicKeyError{Why: PublicCertificate}
	}
	return key, authkeys.Comment(comment[:min(len(comment), maxComment)]), nil
}

// unfold makes an OpenSSH line of what stands between the marks of RFC 4716: headers, of which one is the comment, and base64.
func unfold(block string) (string, error) {
	body, after, whole := strings.Cut(block, "---- END SSH2 PUBLIC KEY ----")
	if after != "" {
		return "", &PublicKeyError{Why: PublicSeveral}
	}
	comment, encoded := "", ""
	for line := range strings.Lines(strings.NewReplacer("\r\n", "\n", "\\\r\n", "", "\\\n", "").Replace(body)) { // a header that ends in \ goes on
		if name, value, header := strings.Cut(line, ":"); !header {
			encoded += strings.TrimSpace(line)
		} else if strings.EqualFold(name, "Comment") {
			comment = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	blob, err := base64.StdEncoding.DecodeString(encoded)
	kind, _, ok := cutString(blob)
	if !whole || err != nil || !ok {
		return "", &PublicKeyError{Why: PublicUnknown}
	}
	return string(kind) + " " + encoded + " " + comment, nil
}

// Strong refuses a key that is too easily broken: DSA, which OpenSSH gave up in version 10, and RSA of fewer than 2048 bits (NIST SP 800-131A).
//
// Errors: *[PublicKeyError].
func Strong(key ssh.PublicKey) error {
	weak := &PublicKeyError{PublicWeak, key.Type()}
	if key.Type() == "ssh-dss" {
		return weak
	}
	if c, ok := key.(ssh.CryptoPublicKey); ok {
		if public, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok && public.N.BitLen() < 2048 {
			weak.Kind += fmt.Sprintf(" of %d bits", public.N.BitLen())
			return weak
		}
	}
	return nil
}
