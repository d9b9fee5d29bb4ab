// Package wire turns the bytes of the SSH agent protocol (RFC 9987) into Go
// values and back.
//
// It keeps no state, opens nothing, logs nothing and decides nothing: what may
// be done with a message is the agent's business. It promises that
//
//   - no input makes it panic, and no input makes it allocate more than a small
//     multiple of the bytes that really arrived: a header that announces
//     256 KiB costs nothing until they come;
//   - a message is understood wholly or refused: bytes left over, a string that
//     ends too early, a negative number, a constraint that is unknown or stands
//     there twice are all errors;
//   - Decode(Encode(m)) gives m again for each message that Decode accepts.
//
// Byte slices in a decoded message point into the frame; copy what must outlive it.
package wire
