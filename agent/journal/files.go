package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"kagiban/vault/safefile"
)

// files are where the lines go: DIR/000001.jsonl, and so on. The one with the highest
// number is written to, and locked meanwhile. It is used by one goroutine at a time.
type files struct {
	dir          string
	limit, total int64
	lock         func(*os.File) error
	file         *os.File // nil: none is open
	info         fs.FileInfo
	number       int
	size         int64
	looked       time.Time // when it was last seen to be there
}

const suffix = ".jsonl"

func fileName(number int) string { return fmt.Sprintf("%06d", number) + suffix }

func (f *files) path(number int) string { return filepath.Join(f.dir, fileName(number)) }

// numbers lists the files in their order; no folder, no files.
func numbers(dir string) ([]int, error) {
	entries, err := safefile.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []int
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), suffix)
		n, err := strconv.Atoi(digits)
		if ok && err == nil && n > 0 && e.Name() == fileName(n) {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all, nil
}

// write appends whole lines, all or none of them.
func (f *files) write(lines []byte, now time.Time) error {
	if err := f.ready(int64(len(lines)), now); err != nil {
		return err
	}
	n, err := f.file.Write(lines)
	if err == nil {
		f.size += int64(n)
		return nil
	}
	if n > 0 {
		err = errors.Join(err, cut(f.file, f.size)) // if it fails, it is cut when it is opened again
	}
	return errors.Join(err, f.close())
}

// ready sees to it that a file is open that has room for so many bytes more: the last
// one, or where that is full, or another agent's, or cannot be written to, a new one.
func (f *files) ready(room int64, now time.Time) error {
	if f.file != nil && (f.isGone(now) || f.isFull(room)) {
		f.close() // nothing is buffered
	}
	if f.file != nil {
		return nil
	}
	if err := safefile.PrivateDir(f.dir); err != nil {
		return err
	}
	all, err := numbers(f.dir)
	if err != nil {
		return err
	}
	last := f.number
	if len(all) > 0 {
		last = all[len(all)-1]
		if f.open(last, 0) == nil && !f.isFull(room) {
			return nil
		}
		f.close()
	}
	for err = fs.ErrExist; errors.Is(err, fs.ErrExist) || errors.Is(err, errHeld); { // another agent may have begun it just now, or come to ours first
		last++
		err = f.open(last, os.O_CREATE|os.O_EXCL)
	}
	if err == nil {
		f.prune(all)
	}
	return err
}

// errHeld says that another program writes to a file.
var errHeld = errors.New("another program writes to it")

// open opens a file and locks it, and cuts off the part of a line at its end: whoever
// wrote it was killed, and the request it is about never answered.
func (f *files) open(number, flags int) error {
	file, err := os.OpenFile(f.path(number), os.O_RDWR|os.O_APPEND|flags, 0o600)
	if err != nil {
		return err
	}
	f.file, f.number = file, number
	if err = f.lock(file); err == nil {
		err = f.measure()
	}
	if err != nil {
		return errors.Join(err, f.close())
	}
	return nil
}

// measure finds the end of the last whole line, and puts that of the file there.
func (f *files) measure() (err error) {
	if f.info, err = f.file.Stat(); err != nil {
		return err
	}
	buf := make([]byte, 4<<10)
	for f.size = f.info.Size(); f.size > 0; {
		from := max(0, f.size-int64(len(buf)))
		part := buf[:f.size-from]
		if _, err := f.file.ReadAt(part, from); err != nil {
			return err
		}
		end := bytes.LastIndexByte(part, '\n') + 1
		f.size = from + int64(end)
		if end > 0 {
			break
		}
	}
	if f.size < f.info.Size() {
		return cut(f.file, f.size)
	}
	return nil
}

// lookAgain is how long a file is taken to be there without a look. Whoever takes it
// away takes along what is written in that time.
const lookAgain = time.Second

// isGone says whether somebody took the file away.
func (f *files) isGone(now time.Time) bool {
	if now.Sub(f.looked).Abs() < lookAgain {
		return false
	}
	f.looked = now
	info, err := os.Stat(f.file.Name())
	return err != nil || !os.SameFile(f.info, info)
}

func (f *files) isFull(room int64) bool { return f.size > 0 && f.size+room > f.limit }

// prune removes the oldest files, so that the others, and the one that has just been
// begun when it is full, keep within the bound. A file that cannot be removed is tried
// again the next time.
func (f *files) prune(others []int) {
	sum := f.limit
	for _, number := range slices.Backward(others) {
		info, err := os.Stat(f.path(number))
		if err != nil {
			continue
		}
		if sum += info.Size(); sum > f.total {
			os.Remove(f.path(number))
		}
	}
}

func (f *files) close() error {
	if f.file == nil {
		return nil
	}
	file := f.file
	f.file = nil
	return file.Close()
}
