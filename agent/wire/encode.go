package wire

import "encoding/binary"

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
	dst = m.appendKey(dst)
	dst = appendBytes(dst, m.Comment)
	return m.Constraints.append(dst)
}

func (m *AddToken) append(dst []byte) []byte {
	kind := TypeAddToken
	if m.Constraints != nil {
		kind = TypeAddTokenLimited
	}
	dst = appendBytes(appendBytes(append(dst, byte(kind)), m.Provider), m.PIN)
	return m.Constraints.append(dst)
}

func (m *RemoveToken) append(dst []byte) []byte {
	return appendBytes(appendBytes(append(dst, byte(TypeRemoveToken)), m.Provider), m.PIN)
}

func (m *ExtensionNames) append(dst []byte) []byte {
	dst = appendBytes(append(dst, byte(TypeExtensionResponse)), ExtensionQuery)
	for _, name := range m.Names {
		dst = appendBytes(dst, name)
	}
	return dst
}
