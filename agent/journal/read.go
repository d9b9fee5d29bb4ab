package journal

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"kagiban/vault/safefile"
)

// maxLine is longer than any line that Record writes, in bytes.
const maxLine = 32 << 10

// Reader reads a log, from its beginning and then on as it grows. The zero value with
// Dir set is ready. It holds nothing open between two calls.
type Reader struct {
	Dir string
	// Unread is why the first file that the last Next counted as bad cannot be read; nil: it counted none.
	Unread error

	read map[int]place
}

// place is how far a file was read.
type place struct {
	info   fs.FileInfo
	offset int64
	bad    bool // it cannot be read, and that was said
}

// Next returns the lines that have come since the last call, the oldest first, and how
// many lines were not understood; a file that cannot be read is one. Of a line that is not
// whole yet nothing is returned until it is. No folder is an empty log.
func (r *Reader) Next() (lines []Line, bad int, err error) {
	all, err := numbers(r.Dir)
	if err != nil {
		return nil, 0, err
	}
	r.Unread = nil
	read := map[int]place{}
	for _, number := range all {
		p, more, wrong, err := r.read[number].more(filepath.Join(r.Dir, fileName(number)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was the oldest
		}
		if err != nil && !p.bad {
			p.bad, wrong = true, 1
			r.Unread = cmp.Or(r.Unread, err)
		}
		read[number] = p
		lines, bad = merge(lines, more), bad+wrong
	}
	r.read = read
	return lines, bad, nil
}

// merge puts the lines of the next file behind the others. Those of one file stay as they were
// written: the clock may have been wrong. Where files overlap in time, two agents ran at a
// time, with a file each, and it decides.
func merge(all, next []Line) []Line {
	if len(all) == 0 || len(next) == 0 || !next[0].at().Before(all[len(all)-1].at()) {
		return append(all, next...)
	}
	merged := make([]Line, 0, len(all)+len(next))
	for len(all) > 0 && len(next) > 0 {
		first := &all
		if next[0].at().Before(all[0].at()) {
			first = &next
		}
		merged, *first = append(merged, (*first)[0]), (*first)[1:]
	}
	return append(append(merged, all...), next...)
}

// more reads on in a file. One that is another than before, or shorter, is read anew.
func (p place) more(path string) (now place, lines []Line, bad int, err error) {
	file, err := safefile.Open(path)
	if err != nil {
		return p, nil, 0, err
	}
	defer file.Close()
	if now.info, err = file.Stat(); err != nil {
		return p, nil, 0, err
	}
	if p.info != nil && os.SameFile(p.info, now.info) && p.offset <= now.info.Size() {
		now.offset = p.offset
	}
	in := bufio.NewReaderSize(io.NewSectionReader(file, now.offset, now.info.Size()-now.offset), maxLine)
	long := false
	for {
		raw, err := in.ReadSlice('\n')
		now.offset += int64(len(raw))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			long = true
			continue
		case errors.Is(err, io.EOF):
			now.offset -= int64(len(raw))
			return now, lines, bad, nil
		case err != nil:
			return p, nil, 0, err
		}
		line, err := parse(slices.Clone(raw[:len(raw)-1]))
		if long || err != nil {
			bad++
		} else {
			lines = append(lines, line)
		}
		long = false
	}
}
