package say

import (
	"errors"
	"fmt"

	"kagiban/vault"
	"kagiban/vault/safefile"
)

func vaultSamples() []sample {
	named := func(err error) error { return fmt.Errorf("key %q: %w", "laptop", err) }
	return []sample{
		{Fail(SocketsKeepName, nil, "sockets", "box, ci", "old", "laptop", "key", "main", "error", "the disk is full", "fix", "kagiban agent socket remove box && kagiban agent socket add box --keys main"), SocketsKeepName},
		{named(vault.ErrNoKey), NoKey},
		{named(vault.ErrKeyExists), KeyExists},
		{named(vault.ErrBadName), BadKeyName},
		{named(vault.ErrWrongPassphrase), WrongPassphrase},
		{named(vault.ErrNeedPassphrase), NeedPassphrase},
		{named(vault.ErrEmptyPassphrase), EmptySecret},
		{named(vault.ErrBrokenKey), BrokenKey},
		{named(vault.ErrDamaged), DamagedKey},
		{named(vault.ErrWeakKey), WeakKey},
		{named(vault.ErrBadSpec), BadKeySpec},
		{named(vault.ErrChanged), KeyChanged},
		{&vault.FormatError{Looks: "a PuTTY private key", Advice: "puttygen FILE -O private-openssh-new -o OUT"}, NotAKeyFile},
		{&vault.CipherError{Cipher: "rot13-cbc", Advice: "ssh-keygen -p -Z aes256-ctr -f FILE"}, CipherUnread},
		{&vault.CostError{Asks: "5000 rounds of bcrypt", Max: "1000", Advice: "ssh-keygen -p -a 16 -f FILE"}, KeyFileCost},
		{&vault.KnownError{Key: "laptop"}, KeyKnown},
		{fmt.Errorf("%w %q", vault.ErrBadFormat, "der"), BadExportFormat},
		{&vault.PuTTYError{What: "key derivation Argon2d", Advice: "puttygen FILE --reencrypt -o NEWFILE"}, PuTTYUnread},
		{&vault.TypeError{Type: "ssh-dss", Advice: "make another key"}, KeyTypeUnkept},
		{&vault.WorkFactorError{Name: "laptop", Factor: 19, Max: 18}, WorkFactorHigh},
		{&safefile.DirError{Path: "/k", Reason: "it is a link", Fix: "chmod 700 /k"}, FolderUnfit},
		{&safefile.LockedError{Path: "/k/lock", PID: 1}, VaultBusy},
		{&safefile.BusyError{Path: `C:\k\laptop.age`, Err: errors.New("access denied")}, FileInUse},
	}
}
