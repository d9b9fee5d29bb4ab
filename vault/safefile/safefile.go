// Package safefile replaces one file whole or not at all, keeps writers apart with a lock file, and makes folders that only
// their owner can read.
//
// It promises: whoever reads a path sees the old bytes or the new bytes, never a mixture, whatever dies in between; when a
// write returned nil the bytes were flushed to the disk, and so was the folder that names them; a symbolic link (a dotfile kept
// elsewhere) stays a link and the file it points to is replaced.
//
// It never removes or truncates a file that it did not make, never follows a link out of [PrivateDir], and never prints.
//
// On Windows no mode is pretended: a folder made here has an access list for its user alone, and what is made in it takes that over. A
// file that somebody has open cannot be replaced there; that is tried again for two seconds, and then a [*BusyError]. And who
// opens a file while it is replaced can be refused: [Open] and [ReadFile] try that again, too.
package safefile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// WriteFile puts data at path with the mode perm: into a temporary file in the same folder, flushed, then renamed over path,
// then the folder is flushed. If path is a symbolic link, the file that it leads to is the one replaced, in its own folder.
// The owner and group of a file that is replaced are kept where the system allows it.
//
// After an error path holds what it held before, but for one case: the last step, flushing the folder, failed. Then the new
// file is in its place, and the error says so.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	s, err := Stage(path, data, perm)
	if err != nil {
		return err
	}
	defer s.Discard()
	return s.Replace()
}

// WriteNew is [WriteFile] for a path that must not exist yet, as a file, a folder or a link: then the error wraps
// [fs.ErrExist], and of several writers at once exactly one succeeds. On a file system without hard links, who dies at the wrong
// moment leaves an empty file at path.
func WriteNew(path string, data []byte, perm fs.FileMode) error {
	s, err := stage(path, data, perm)
	if err != nil {
		return err
	}
	defer s.Discard()
	return s.Place()
}

// Open opens a file to read it. Where os.Open fails in the moment of a replacement (Windows) it tries again.
func Open(path string) (*os.File, error) { return open(path) }

// ReadFile reads a file whole, by [Open].
func ReadFile(path string) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// ReadDir lists a folder, as os.ReadDir does; one that is not there is empty. Something else in its place is an error: Windows calls that,
// too, a path that it does not find.
func ReadDir(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if info, gone := os.Lstat(dir); gone != nil || info.IsDir() { // made just now
			return nil, nil
		}
	}
	return entries, err
}

// BusyError says that a file could not be replaced because another program has it open. What it held before it still holds. Only Windows
// has that.
type BusyError struct {
	Path string
	Err  error // what the system said
}

func (e *BusyError) Error() string { return fmt.Sprintf(`"%s" is open in another program`, e.Path) }

// Unwrap gives what the system said.
func (e *BusyError) Unwrap() error { return e.Err }

// Staged is a file that is written and flushed beside its place, and not in its place yet. It lets a caller re-open what was
// written, and take its time over that, before [Staged.Replace] or [Staged.Place] makes it count.
type Staged struct {
	temp, path string // temp is "" once the file is in its place or gone
}

// Stage writes data beside path (beside the file that it leads to, if path is a symbolic link) under a temporary name.
// The caller must end with Replace or Place, and with Discard in every case. What a crash leaves is removed by [CleanTemp].
func Stage(path string, data []byte, perm fs.FileMode) (*Staged, error) {
	target, err := resolve(path)
	if err != nil {
		return nil, err
	}
	return stage(target, data, perm)
}

// Temp is the temporary path of the staged file, "" when it has been placed or discarded.
func (s *Staged) Temp() string { return s.temp }

// Replace puts the staged file in its place, over what was there.
func (s *Staged) Replace() error {
	keepOwner(s.path, s.temp)
	if err := rename(s.temp, s.path); err != nil {
		return err
	}
	s.temp = ""
	return flushed(s.path)
}

// Place puts the staged file in its place if nothing is there; otherwise the error wraps [fs.ErrExist].
func (s *Staged) Place() error {
	err := os.Link(s.temp, s.path)
	switch {
	case err == nil:
		s.Discard()
	case errors.Is(err, fs.ErrExist):
		return &fs.PathError{Op: "create", Path: s.path, Err: fs.ErrExist}
	default:
		// A file system without hard links (FAT, some network folders): claim the name, then move the file over the claim.
		claim, err := os.OpenFile(s.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		claim.Close()
		if err := rename(s.temp, s.path); err != nil {
			os.Remove(s.path)
			return err
		}
		s.temp = ""
	}
	return flushed(s.path)
}

// Discard removes the staged file if it is not in its place. It is safe to call at any time, more than once.
func (s *Staged) Discard() {
	if s.temp != "" {
		os.Remove(s.temp)
		s.temp = ""
	}
}

// tempName is what our temporary files are called: nothing else is ever cleaned.
var tempName = regexp.MustCompile(`^\.kagiban-tmp-[0-9a-f]{16}$`)

// tempAge is how old a temporary file must be before CleanTemp takes it for left behind.
const tempAge = time.Hour

// CleanTemp removes from dir the temporary files of this package that are more than one hour older than now: what a crash left
// behind. Every other name is left alone, and so is anything that is not a plain file. A dir that does not exist is clean.
func CleanTemp(dir string, now time.Time) error {
	entries, err := ReadDir(dir)
	if err != nil {
		return err
	}
	var failed []error
	for _, e := range entries {
		if !tempName.MatchString(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil || now.Sub(info.ModTime()) <= tempAge {
			continue // gone meanwhile, or still somebody's work
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// stage is Stage for a path whose last part is taken as it is.
func stage(path string, data []byte, perm fs.FileMode) (*Staged, error) {
	random := make([]byte, 8)
	rand.Read(random) // never fails, crypto/rand
	temp := filepath.Join(filepath.Dir(path), ".kagiban-tmp-"+hex.EncodeToString(random))
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	s := &Staged{temp: temp, path: path}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(perm) // the umask has no say: perm is what was asked for
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		s.Discard()
		return nil, err
	}
	return s, nil
}

// resolve follows the symbolic links at path to the file that they lead to, which need not exist.
func resolve(path string) (string, error) {
	const most = 40 // as Linux, path_resolution(7)
	for range most {
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil // not a link, or not there: opening it says what is wrong
		}
		if !filepath.IsAbs(target) {
			// The link is relative to the folder it truly lies in, and ".." in it must not be taken away by text alone.
			dir, err := filepath.EvalSymlinks(filepath.Dir(path))
			if err != nil {
				return "", err
			}
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return "", &fs.PathError{Op: "resolve", Path: path, Err: errors.New("too many symbolic links")}
}

// flushed makes the names in path's folder last.
func flushed(path string) error {
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf(`"%s" is written, but its folder could not be flushed to the disk: %w`, path, err)
	}
	return nil
}

// SyncDir flushes the names in dir to the disk: after a removal, so that what was removed stays removed. Where the system has no
// such call (Windows) it does nothing.
func SyncDir(dir string) error { return syncDir(dir) }
