package main

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kagiban/agent"
	"kagiban/agent/journal"
	"kagiban/cmd/internal/say"
)

// logWriter shows the lines of the log that are wanted.
type logWriter struct {
	*program
	reader journal.Reader
	json   bool
	key    string // "": of all keys
	since  time.Time

	seen, shown int
	named       bool // a line of the log is of that key
}

// show shows the lines that have come since the last time, the last few of them if few is not negative.
func (w *logWriter) show(few int) error {
	lines, damaged, err := w.reader.Next()
	if err != nil {
		return err
	}
	switch count := strconv.Itoa(damaged); {
	case w.reader.Unread != nil:
		w.tell(say.LogUnread, "count", count, "error", w.reader.Unread.Error())
	case damaged > 0:
		w.tell(say.LogDamaged, "count", count)
	}
	w.seen += len(lines) + damaged
	var wanted []journal.Line
	for _, l := range lines {
		if w.wants(l) {
			wanted = append(wanted, l)
		}
	}
	if few >= 0 {
		wanted = lastUses(wanted, few)
	}
	w.shown += len(wanted)
	out := bufio.NewWriter(w.stdout)
	for _, l := range wanted {
		if err := w.line(out, l); err != nil {
			return err
		}
	}
	return out.Flush()
}

// lastUses are the last lines that hold so many uses.
func lastUses(lines []journal.Line, few int) []journal.Line {
	for i, l := range slices.Backward(lines) {
		if l.Entry == nil {
			continue
		}
		if few--; few < 0 {
			return lines[i+1:]
		}
	}
	return lines
}

func (w *logWriter) wants(l journal.Line) bool {
	if l.Gap != nil {
		return !l.Gap.Until.Before(w.since)
	}
	named := w.key == l.Entry.Key || w.key == l.Entry.Fingerprint
	w.named = w.named || named
	return !l.Entry.Time.Before(w.since) && (w.key == "" || named)
}

// line writes a use to out. What is no use is talk.
func (w *logWriter) line(out *bufio.Writer, l journal.Line) (err error) {
	switch {
	case l.Gap != nil:
		err = out.Flush() // it stands between them on a terminal
		w.tell(say.LogGap, "since", logClock(l.Gap.Since), "until", logClock(l.Gap.Until), "count", strconv.Itoa(l.Gap.Count), "reason", piece(l.Gap.Reason))
	case w.json:
		_, err = out.Write(append(escaped(l.Raw), '\n'))
	default:
		_, err = fmt.Fprintln(out, useLine(l.Entry))
	}
	return err
}

// logClock is a time as a person reads it.
func logClock(t time.Time) string { return t.Local().Format(time.DateTime) }

// useLine is a use for a person. Names in it come from outside, and are cleaned one by one.
func useLine(e *journal.Entry) string {
	parts := []string{useWhat(e), say.Text(say.LogProgram, say.Fields{"program": programName(e.Peer.Exe), "pid": pidText(e.Peer.PID)})}
	switch {
	case e.Via != "":
		parts = append(parts, say.Text(say.LogVia, say.Fields{"via": piece(e.Via)}))
	case e.Forwarded:
		parts = append(parts, say.Text(say.LogForwarded, nil))
	}
	if e.Socket != "" {
		parts = append(parts, say.Text(say.LogSocket, say.Fields{"socket": piece(e.Socket)}))
	}
	if e.Reason != "" {
		parts = append(parts, piece(e.Reason))
	}
	if e.Count > 1 {
		parts = append(parts, say.Text(say.LogTimes, say.Fields{"count": strconv.Itoa(e.Count)}))
	}
	key := piece(cmp.Or(e.Key, e.Fingerprint, "-"))
	if e.Key == "" && e.Comment != "" {
		key = `"` + words(e.Comment) + `"`
	}
	return fmt.Sprintf("%s  %-7s  %-12s  %s", logClock(e.Time), piece(e.Decision), key, strings.Join(parts, ", "))
}

// useWhat is what a use was for.
func useWhat(e *journal.Entry) string {
	f := say.Fields{"user": words(e.User), "server": piece(cmp.Or(e.Host, e.HostKey, "?")), "namespace": words(e.Namespace)}
	switch {
	case e.Request == agent.RequestBind:
		return say.Text(say.LogBind, f)
	case e.Request == agent.RequestChange:
		return say.Text(say.LogChange, f)
	case e.Request == agent.RequestExtension:
		return say.Text(say.LogExtension, f)
	case e.Purpose == agent.UseLogin:
		return say.Text(say.LogLogin, f)
	case e.Purpose == agent.UseGit:
		return say.Text(say.LogGit, f)
	case e.Purpose == agent.UseFile:
		return say.Text(say.LogFile, f)
	}
	return say.Text(say.LogOther, f)
}

func pidText(pid int) string {
	if pid == 0 {
		return "?"
	}
	return strconv.Itoa(pid)
}

// parseSince reads a time, in the local zone where it names none, or how long ago; "" is the zero time.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, time.RFC3339} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	if seconds, ok := sshTime(text); ok {
		return now.Add(-time.Duration(seconds) * time.Second), nil
	}
	return time.Time{}, say.Fail(say.BadSince, nil, "value", text)
}
