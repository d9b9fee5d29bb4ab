// Package agent is an SSH agent (RFC 9987): keys in memory, and the decision
// which of them may sign what for whom. It speaks the protocol on connections
// that others accept, and reaches everything else through small interfaces that
// its caller supplies: keys at rest (Source), a person who knows the passphrase
// (Asker), a clock, a log.
//
// What it promises:
//
//   - Nobody waits for what concerns somebody else. No lock is held while a
//     person is asked, a passphrase is tried, a signature is made or an answer is
//     written. Heavy work (RSA, key derivation) has its own few places, so that
//     a light signature never queues behind it.
//   - Locked keys are listed. To sign with one, its passphrase is asked for:
//     one question per key at a time, whose answer serves all who wait; each
//     question ends after 60 seconds, or as soon as nobody waits any more; three
//     wrong answers end it. Where nobody can be asked the answer is a failure at
//     once, and Status and the log say so.
//   - A key is kept only if it is sound: the public half is derived from the
//     private half and compared, and one signature is made and verified.
//   - Nothing is accepted that is not enforced. A constraint that this package
//     does not implement gets the key refused. A lifetime ends by a timer, and
//     by the wall clock too, so that a computer that slept does not stretch it.
//   - RSA keys sign with SHA-256 or SHA-512 as asked, and never with SHA-1: a
//     request that asks for neither gets SHA-512.
//   - Bad input gets a failure or a closed connection, never more. At most 4096
//     connections are served at a time; half a message may take 30 seconds to
//     become a whole one, an answer 10 seconds to be read; an idle connection
//     may stay.
//
// What it never does: write a file, print, ask by itself, load code, open a
// socket, give a private key away.
package agent
