// Package control is the second socket of the agent, both ends of it. The first
// one speaks the agent protocol and may be forwarded to servers; this one opens
// and closes keys by name and ends the agent, and is never forwarded. Who may
// connect is decided by the listener that Serve is given: it must let in nobody
// but the user (package agent/door does).
//
// # The protocol
//
// Client and agent take turns, one JSON object per line, the client first; a
// connection may carry many requests. Version is 1 and stands in every line as
// "v". An end that reads another number says so and carries out nothing, so that
// an old program and a new agent give a clear answer instead of a strange one.
//
//	{"v":1,"op":"status"}
//	{"v":1,"op":"unlock","key":"NAME","passphrase":"BASE64","life_ms":28800000}
//	{"v":1,"op":"lock","keys":["NAME"]}                 no keys: all of them
//	{"v":1,"op":"shutdown"}
//
// life_ms is how long the key stays open, in milliseconds; 0 or absent means
// until it is locked. The answer to each is one line:
//
//	{"v":1,"status":{"pid":4711,"keys":[...],"can_ask":true,...}}   to status
//	{"v":1}                                                     done
//	{"v":1,"error":{"code":"wrong-passphrase","text":"..."}}    not done
//
// with the codes "wrong-passphrase", "no-key", "version", "bad-request" and
// "failed". A request may be 64 KiB long, an answer 4 MiB. After a line that is
// longer, or no JSON object, or has a field that is not known, the agent answers
// once and closes the connection.
//
// Wrong passphrases are answered at once, but tried at most twice a second over
// all connections together; the agent sees to that.
package control
