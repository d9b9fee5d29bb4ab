// Package helper has keys that live in a device sign, by way of the programs that
// OpenSSH has for it: ssh-sk-helper(8) for FIDO, ssh-pkcs11-helper(8) for PKCS#11.
//
// What talks to a device is a library of its maker, the provider. It is loaded into
// those programs and never here: what breaks or betrays there reaches neither our
// memory nor our keys. It promises that
//
//   - a provider is used only if its real path is on the list of those allowed, as
//     in ssh-agent(1), -P;
//   - a PIN goes through a pipe alone, and the copies of it here are wiped;
//   - no answer makes it panic, or take more memory than 256 KiB and a little;
//   - a call ends when its context does, when the program dies, or when Patience
//     is over, whichever is first, and no lock is held meanwhile;
//   - a key of a token is offered only after a signature of it was found valid, and
//     no signature leaves that is not, and none is made with SHA-1.
//
// The helpers from OpenSSH 8.4 to 10.6 are known. All of them speak version 5 of
// the FIDO protocol. Those for PKCS#11 signed digests until 10.0 and sign the data
// themselves since 10.1; which one it is shows in the first signature.
package helper
