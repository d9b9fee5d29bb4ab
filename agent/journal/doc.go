// Package journal is the log of uses: what was asked of the keys, and what became of
// it, one JSON object a line, in files that only the user can read.
//
// What it promises:
//
//   - When Record returns, the line is in the file: whatever becomes of the program
//     then, it is there. (Not whatever becomes of the computer: nothing is flushed to
//     the disk, which would take longer than the signature.) All who call Record while
//     a write goes on share the next one.
//   - A line is whole or it is not there. What a kill or a full disk leaves of one is
//     cut off before the next is written, and never read.
//   - Where nothing can be written the caller goes on all the same. Missed says how
//     many lines that were; the log of the program hears of the first and the last,
//     and when lines can be written again a Gap stands before them.
//   - A write that hangs (a disk that does not answer) counts as one that failed, after
//     a few seconds: only the one caller who makes it waits for its end.
//   - Files are only ever appended to, each by one program at a time, and have numbers.
//     When one is long enough the next is begun, and the oldest go, so that all of them
//     together stay within a bound.
//   - Names and words from outside are cut to a bounded length and are valid UTF-8.
//     What they hold of control, format and bidirectional characters is escaped in a
//     line: who shows the words to a person cleans them.
//
// What is in it is no proof: whoever may run programs as the user may change the files.
package journal
