// Package agent is an SSH agent (RFC 9987, and PROTOCOL.agent of OpenSSH): keys in
// memory, and the decision which of them may sign what for whom. It speaks the
// protocol on connections that others accept, and reaches everything else through
// small interfaces that its caller supplies: keys at rest (Source), a person
// (Asker), keys in devices (Hardware), the log of uses (Journal), two clocks, a log.
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
//     wrong answers end it. A question that a person took away is not put again
//     to the same program for 30 seconds. Where nobody can be asked the answer is
//     a failure at once, and Status and the log say so.
//   - A key is kept only if it is sound: the public half is derived from the
//     private half and compared, and one signature is made and verified. The key
//     of a certificate is that of the certificate.
//   - Nothing is accepted that is not enforced. A constraint that is not
//     understood gets the key refused. A key that is to be confirmed is used after
//     a person's yes alone; a yes that holds for longer than once holds for what they
//     could not tell from it, in memory, until the key is locked or the computer
//     sleeps. A key that is limited to destinations is used for logins there alone:
//     over connections that are bound to servers whose host keys have signed for it;
//     and, where the caller has it so (Options.LimitedFiles), to sign files of some
//     namespaces for programs of this computer. A lifetime ends by a timer, by the wall's clock and by the one
//     that counts sleep, so that neither sleep nor a clock set back stretches it.
//   - What comes from another computer, over a connection that is bound as
//     forwarding, may list, sign, query and bind, and nothing else; it does not
//     open a locked key that does not say that it may. A bind that was refused
//     counts as one: who is there is not known. (OpenSSH's agent takes keys from
//     there and gives them up.)
//   - Every request for a signature is recorded (Journal), allowed or not, before its
//     answer is written; of many that were refused alike within a minute the first few, and
//     the others as one when it is over. Where it cannot be recorded it is answered all the same.
//   - A narrower socket (Scope) lists, signs, binds and queries, with its keys, for its
//     purposes and to its hosts alone; to a host only over a connection that is bound to
//     it. Nothing forwarded is served there, and nobody there brings up a question for a
//     passphrase or a PIN, nor one for a yes soon after one that got none.
//   - A PuTTY key file that a client hands over locked stays so until its first use:
//     its passphrase is asked for as that of any key, and it can be closed again. What
//     it says of itself without a passphrase is shown, and believed of nothing.
//   - A lock waits for nobody: keys are dropped before the Source is asked anything, and
//     what was begun before has no effect after. A key that was being added or unlocked is
//     not there, a yes is none. What was dropped is overwritten within seconds (Wiping).
//   - An agent that a client has locked holds no private half but encrypted, uses
//     none, and takes two wrong guesses a second, over any number of connections.
//     It goes on hearing session binds.
//   - RSA keys sign with SHA-256 or SHA-512 as asked, and never with SHA-1: a
//     request that asks for neither gets SHA-512. (Options.Legacy is otherwise.)
//   - Bad input gets a failure or a closed connection, never more. At most 4096
//     connections are served at a time, and 256 at each narrower socket; half a message
//     may take 30 seconds to become a whole one, an answer 10 seconds to be read; an idle
//     connection may stay.
//
// What it never does: write a file, print, ask by itself, load code, open a
// socket, give a private key away.
package agent
