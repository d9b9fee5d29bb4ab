package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Constraints are the limits under which a key is to be kept (section 5.2.7, and
// PROTOCOL.agent of OpenSSH for those with a name). One that is not known here is
// an error of Decode: whoever does not know it must refuse the key.
type Constraints struct {
	Lifetime     *uint32 // seconds; nil when there is none
	Confirm      bool
	Destinations []Destination      // restrict-destination-v00@openssh.com; nil when there is none
	Provider     string             // sk-provider@openssh.com: what reaches a FIDO device
	Certificates *TokenCertificates // associated-certs-v00@openssh.com
}

// Destination allows a key to be used on the way from one host to another. It
// outlives the message: nothing in it is a part of the frame.
type Destination struct{ From, To Hop }

// Hop is an end of a Destination. As From it may be empty, which means the
// computer that the agent runs on; as To it never is.
type Hop struct {
	User, Host string // User is a pattern (ssh_config(5), PATTERNS), "" any
	Keys       []HopKey
}

// HopKey is a host key of a Hop, or that of an authority for host keys.
type HopKey struct {
	Blob []byte
	CA   bool
}

// TokenCertificates are certificates for keys of a token; Only says that the
// keys without one are not wanted.
type TokenCertificates struct {
	Only  bool
	Blobs [][]byte
}

const (
	constrainLifetime  = 1
	constrainConfirm   = 2
	constrainExtension = 255

	nameDestination  = "restrict-destination-v00@openssh.com"
	nameProvider     = "sk-provider@openssh.com"
	nameCertificates = "associated-certs-v00@openssh.com"

	// as in OpenSSH (ssh-agent.c)
	maxDestinations = 1024
	maxCertificates = 1024
	maxUser         = 256 // bytes: a pattern is matched again and again
)

// decodeConstraints reads to the end of the message. One that stands there
// twice is refused as OpenSSH refuses it: which of the two was meant?
func decodeConstraints(c *cursor) (*Constraints, error) {
	limits := &Constraints{}
	for !c.bad && len(c.rest) > 0 {
		kind := c.byte()
		twice := false
		switch kind {
		case constrainLifetime:
			seconds := c.uint32()
			twice = limits.Lifetime != nil
			limits.Lifetime = &seconds
		case constrainConfirm:
			twice = limits.Confirm
			limits.Confirm = true
		case constrainExtension:
			if err := limits.decodeNamed(c); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("constraint %d: %w", kind, ErrUnknown)
		}
		if twice {
			return nil, fmt.Errorf("constraint %d given twice: %w", kind, ErrMalformed)
		}
	}
	return limits, nil
}

func (l *Constraints) decodeNamed(c *cursor) error {
	name := c.string()
	twice := false
	switch name {
	case nameDestination:
		twice = l.Destinations != nil
		l.Destinations = decodeDestinations(c)
	case nameProvider:
		twice = l.Provider != ""
		l.Provider = c.string()
		c.bad = c.bad || l.Provider == ""
	case nameCertificates:
		twice = l.Certificates != nil
		l.Certificates = decodeCertificates(c)
	default:
		if c.bad {
			return fmt.Errorf("constraint: %w", ErrMalformed)
		}
		return fmt.Errorf("constraint %q: %w", name, ErrUnknown)
	}
	if c.bad || twice {
		return fmt.Errorf("constraint %q: %w", name, ErrMalformed)
	}
	return nil
}

// within reads a string that holds more; what reads it must read all of it.
func (c *cursor) within(read func(*cursor)) {
	inner := &cursor{rest: c.bytes(), bad: c.bad}
	read(inner)
	c.bad = c.bad || inner.bad || len(inner.rest) > 0
}

// decodeDestinations refuses an empty list: it would look like a limit, and be none.
func decodeDestinations(c *cursor) (all []Destination) {
	c.within(func(c *cursor) {
		for !c.bad && len(c.rest) > 0 && len(all) < maxDestinations {
			var d Destination
			c.within(func(c *cursor) {
				c.within(d.From.decode)
				c.within(d.To.decode)
				c.bad = c.bad || len(c.bytes()) > 0 // reserved
			})
			c.bad = c.bad || d.From.User != "" || (d.From.Host == "") != (len(d.From.Keys) == 0)
			c.bad = c.bad || d.To.Host == "" || len(d.To.Keys) == 0
			all = append(all, d)
		}
	})
	c.bad = c.bad || len(all) == 0
	return all
}

func (h *Hop) decode(c *cursor) {
	h.User, h.Host = c.string(), c.string()
	c.bad = c.bad || len(h.User) > maxUser || len(c.bytes()) > 0 // reserved
	for !c.bad && len(c.rest) > 0 {
		h.Keys = append(h.Keys, HopKey{Blob: bytes.Clone(c.bytes()), CA: c.byte() != 0})
	}
}

func decodeCertificates(c *cursor) *TokenCertificates {
	t := &TokenCertificates{Only: c.byte() != 0}
	c.within(func(c *cursor) {
		for !c.bad && len(c.rest) > 0 && len(t.Blobs) < maxCertificates {
			t.Blobs = append(t.Blobs, c.bytes())
		}
	})
	return t
}

func (l *Constraints) append(dst []byte) []byte {
	if l == nil {
		return dst
	}
	if l.Lifetime != nil {
		dst = binary.BigEndian.AppendUint32(append(dst, constrainLifetime), *l.Lifetime)
	}
	if l.Confirm {
		dst = append(dst, constrainConfirm)
	}
	if l.Destinations != nil {
		var all []byte
		for _, d := range l.Destinations {
			hops := appendBytes(appendBytes(nil, d.From.append(nil)), d.To.append(nil))
			all = appendBytes(all, appendBytes(hops, ""))
		}
		dst = appendBytes(appendBytes(append(dst, constrainExtension), nameDestination), all)
	}
	if l.Provider != "" {
		dst = appendBytes(appendBytes(append(dst, constrainExtension), nameProvider), l.Provider)
	}
	if l.Certificates != nil {
		var all []byte
		for _, blob := range l.Certificates.Blobs {
			all = appendBytes(all, blob)
		}
		dst = appendBytes(append(dst, constrainExtension), nameCertificates)
		dst = appendBytes(append(dst, truth(l.Certificates.Only)), all)
	}
	return dst
}

func (h *Hop) append(dst []byte) []byte {
	dst = appendBytes(appendBytes(appendBytes(dst, h.User), h.Host), "")
	for _, key := range h.Keys {
		dst = append(appendBytes(dst, key.Blob), truth(key.CA))
	}
	return dst
}

func truth(b bool) byte {
	if b {
		return 1
	}
	return 0
}
