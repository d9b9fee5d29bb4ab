package say

import "kagiban/hostsetup"

func admitSamples() []sample {
	return []sample{
		{&hostsetup.PublicKeyError{Why: hostsetup.PublicPrivate}, PublicIsPrivate},
		{&hostsetup.PublicKeyError{Why: hostsetup.PublicSeveral}, PublicSeveral},
		{&hostsetup.PublicKeyError{Why: hostsetup.PublicOptions}, PublicOptions},
		{&hostsetup.PublicKeyError{Why: hostsetup.PublicCertificate}, PublicCertificate},
		{&hostsetup.PublicKeyError{Why: hostsetup.PublicPEM, Kind: "PKCS8"}, PublicPEM},
		{&hostsetup.PublicKeyError{Why: hostsetup.PublicWeak, Kind: "ssh-rsa of 1024 bits"}, PublicWeak},
		{&hostsetup.PublicKeyError{}, PublicUnknown},
		{hostsetup.ErrBlind, ServerBlind},
	}
}
