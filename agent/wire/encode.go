package wire

import (
	"encoding/binary"
	"fmt"
)

// Encode gives the bytes of a message as a whole frame, its length first, ready
// to be written (RFC 9987 section 5).
func Encode(m Message) []byte { return AppendFrame(nil, m) }

// AppendFrame appends what Encode returns to dst.
func AppendFrame(dst []byte, m Message) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = m.append(dst)
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}

func (*Failure) append(dst []byte) []byte           { return append(dst, byte(TypeFailure)) }
func (*Success) append(dst []byte) []byte           { return append(dst, byte(TypeSuccess)) }
func (*ExtensionFailure) append(dst []byte) []byte  { return append(dst, byte(TypeExtensionFailure)) }
func (*RequestIdentities) append(dst []byte) []byte { return append(dst, byte(TypeRequestIdentities)) }
func (*RemoveAll) append(dst []byte) []byte         { return append(dst, byte(TypeRemoveAll)) }

func (m *IdentitiesAnswer) append(dst []byte) []byte {
	dst = append(dst, byte(TypeIdentitiesAnswer))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(m.Identities)))
	for _, row := range m.Identities {
		dst = appendBytes(dst, row.Blob)
		dst = appendBytes(dst, row.Comment)
	}
	return dst
}

func (m *SignRequest) append(dst []byte) []byte {
	dst = append(dst, byte(TypeSignRequest))
	dst = appendBytes(dst, m.Blob)
	dst = appendBytes(dst, m.Data)
	return binary.BigEndian.AppendUint32(dst, m.Flags)
}

func (m *SignResponse) append(dst []byte) []byte {
	return appendBytes(append(dst, byte(TypeSignResponse)), m.Signature)
}

func (m *RemoveIdentity) append(dst []byte) []byte {
	return appendBytes(append(dst, byte(TypeRemoveIdentity)), m.Blob)
}

func (m *Lock) append(dst []byte) []byte {
	return appendBytes(append(dst, byte(TypeLock)), m.Passphrase)
}

func (m *Unlock) append(dst []byte) []byte {
	return appendBytes(append(dst, byte(TypeUnlock)), m.Passphrase)
}

func (m *Extension) append(dst []byte) []byte {
	dst = appendBytes(append(dst, byte(TypeExtension)), m.Name)
	return append(dst, m.Contents...)
}

func (m *AddIdentity) append(dst []byte) []byte {
	kind := TypeAddIdentity
	if m.Constraints != nil {
		kind = TypeAddIDConstrained
	}
	dst = append(dst, byte(kind))
	switch key := m.Key.(type) {
	case *Ed25519Key:
		dst = appendBytes(dst, "ssh-ed25519")
		dst = appendBytes(dst, key.Public)
		dst = appendBytes(dst, key.Private)
	case *ECDSAKey:
		dst = appendBytes(dst, "ecdsa-sha2-"+key.Curve)
		dst = appendBytes(dst, key.Curve)
		dst = appendBytes(dst, key.Point)
		dst = appendNumber(dst, key.D)
	case *RSAKey:
		dst = appendBytes(dst, "ssh-rsa")
		dst = appendNumber(dst, key.N)
		dst = appendNumber(dst, key.E)
		dst = appendNumber(dst, key.D)
		dst = appendNumber(dst, key.IQMP)
		dst = appendNumber(dst, key.P)
		dst = appendNumber(dst, key.Q)
	default: // a mistake of the programmer, not of the other side
		panic(fmt.Sprintf("agent/wire: no encoding for a key of type %T", m.Key))
	}
	dst = appendBytes(dst, m.Comment)
	return m.Constraints.append(dst)
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
	if l.Extension != nil { // last: only its inventor knows where it ends
		dst = appendBytes(append(dst, constrainExtension), l.Extension.Name)
		dst = append(dst, l.Extension.Details...)
	}
	return dst
}
