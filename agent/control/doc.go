// Package control is the second socket of the agent, both ends of it. The first
// one speaks the agent protocol and may be forwarded to servers; this one opens
// and closes keys by name and ends the agent, and is never forwarded. Who may
// connect is decided by the listener that Serve is given: it must let in nobody
// but the user (package agent/door does).
//
// # The protocol
//
// Client and agent take turns, one JSON object per line, the client first; a
// connection may carry many requests. Version is 3 and stands in every line as
// "v". An end that reads another number says so and carries out nothing, so that
// an old program and a new agent give a clear answer instead of a strange one.
//
//	{"v":3,"op":"status"}
//	{"v":3,"op":"unlock","key":"NAME","passphrase":"BASE64","life_ms":28800000,"confirm":true}
//	{"v":3,"op":"lock","keys":["NAME"]}                 no keys: all of them
//	{"v":3,"op":"socket-add","scope":{"name":"box","keys":["work"],"purposes":["git"],"hosts":[],"confirm":false}}
//	{"v":3,"op":"socket-remove","name":"box"}
//	{"v":3,"op":"key-rename","key":"OLD","name":"NEW"}  the narrower sockets know it by another name
//	{"v":3,"op":"shutdown"}
//	{"v":3,"op":"prompt"}                               this terminal is to be asked
//
// life_ms is how long the key stays open, in milliseconds; 0 or absent means
// until it is locked; confirm, that each use of it is asked about. The answer to each is one line:
//
//	{"v":3,"status":{"pid":4711,"keys":[...],"can_ask":true,...}}   to status
//	{"v":3}                                                     done
//	{"v":3,"error":{"code":"wrong-passphrase","text":"..."}}    not done
//
// with the codes "wrong-passphrase", "no-key", "agent-locked", "no-socket",
// "socket-there", "version", "bad-request" and "failed". A request may be 64 KiB long, an answer 4 MiB. After a line that is
// longer, or no JSON object, or has a field that is not known, the agent answers
// once and closes the connection.
//
// After "prompt" was answered, the turns change. The agent asks, and takes back what
// nobody waits for any more; the terminal says at once that it has heard, and then
// answers, or says why not ("cancelled" by the person, or "cannot-ask"). A notice is
// shown and not answered:
//
//	{"v":3,"id":7,"ask":{"kind":"secret","text":"...","wrong":"..."}}   or "confirm", or "notice"
//	{"v":3,"id":7,"heard":true}
//	{"v":3,"id":7,"take_back":true}
//	{"v":3,"id":7,"secret":"BASE64"}
//	{"v":3,"id":8,"yes":true,"for_ms":600000}
//	{"v":3,"id":9,"end":"cancelled"}
//
// A confirm may have "answers", the words that say for how long a yes holds; then "for_ms"
// or "until_locked" may come with a yes, and without them it is for once.
//
// The terminal that came last is asked; where it goes away, cannot ask, or has not heard
// within three seconds (its process is stopped), the one before. That lasts until the
// connection ends. At most 16 are attached at a time.
//
// Wrong passphrases are answered at once, but tried at most twice a second over
// all connections together; the agent sees to that.
package control
