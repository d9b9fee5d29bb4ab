package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"kagiban/cmd/internal/say"
	"kagiban/hostsetup/book"
	"kagiban/vault"
	"kagiban/vault/safefile"
)

// folders are those that are the user's alone, and exist.
func (x *patient) folders() []string {
	h := x.home
	all := []string{filepath.Dir(h.Hosts()), filepath.Dir(h.Config()), filepath.Dir(h.Log()), h.Uses(), h.RunDir(), h.Keys()}
	all = append(all, x.socketFolders()...)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(dir string) bool { _, err := os.Lstat(dir); return err != nil })
}

// ownFile is a file of ours, and what others may not do with it.
type ownFile struct {
	path      string
	info      fs.FileInfo
	forbidden fs.FileMode
	right     fs.FileMode
}

// files are those in folders that nobody else can enter: in another one a name may be somebody's trap.
func (x *patient) files() (all []ownFile) {
	h := x.home
	add := func(path string, forbidden, right fs.FileMode) {
		info, err := os.Lstat(path)
		if err == nil && (info.Mode().IsRegular() || info.Mode().Type() == fs.ModeSocket) && safefile.CheckDir(filepath.Dir(path)) == nil {
			all = append(all, ownFile{path, info, forbidden, right})
		}
	}
	for _, path := range []string{h.Hosts(), h.Config()} {
		add(path, 0o022, 0o600)
	}
	for _, path := range []string{h.Log(), h.Log() + ".1", h.AgentSocket(), h.ControlSocket()} {
		add(path, 0o077, 0o600)
	}
	uses, _ := filepath.Glob(filepath.Join(globQuoted(h.Uses()), "*.jsonl"))
	for _, path := range uses {
		add(path, 0o077, 0o600)
	}
	for _, path := range x.keyFiles() {
		if strings.HasSuffix(path, ".pub") {
			add(path, 0o022, 0o644)
		} else {
			add(path, 0o077, 0o600)
		}
	}
	return all
}

func (x *patient) keyFiles() []string {
	private, _ := filepath.Glob(filepath.Join(globQuoted(x.home.Keys()), "*.age"))
	public, _ := filepath.Glob(filepath.Join(globQuoted(x.home.Keys()), "*.pub"))
	return append(private, public...)
}

// globQuoted is a folder's name for Glob, which has signs of its own.
func globQuoted(dir string) string {
	if os.PathSeparator != '/' {
		return dir
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func othersFiles(x *patient) (found []say.Fields) {
	look := func(path string, info fs.FileInfo) {
		if owner, known := ownerOf(info); known && owner != os.Geteuid() {
			fix := `sudo chown "$(id -un)" ` + say.Quote(path)
			if os.Geteuid() == 0 {
				fix = "run kagiban as its owner (without sudo)" // root's it must not become
			}
			found = append(found, say.Fields{"path": path, "owner": strconv.Itoa(owner), "fix": fix})
		}
	}
	for _, dir := range x.folders() {
		if info, err := os.Lstat(dir); err == nil {
			look(dir, info)
		}
	}
	for _, f := range x.files() {
		look(f.path, f.info)
	}
	return found
}

// unfitFolders leaves those of others to othersFiles.
func unfitFolders(x *patient) (found []say.Fields) {
	for _, dir := range x.folders() {
		unfit := new(safefile.DirError)
		if err := safefile.CheckDir(dir); !errors.As(err, &unfit) || !isMine(dir) {
			continue
		}
		fix := unfit.Fix
		if isPlainFolder(dir) {
			fix = closingCommand(dir, fix)
		}
		found = append(found, say.Fields{"path": dir, "reason": unfit.Reason, "fix": fix})
	}
	return found
}

func isMine(path string) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return false
	}
	owner, known := ownerOf(info)
	return !known || owner == os.Geteuid()
}

// isPlainFolder: its mode is all that can be wrong with it.
func isPlainFolder(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().Type() == fs.ModeDir
}

func closeFolder(f say.Fields) error {
	if !isPlainFolder(f["path"]) {
		return say.Fail(say.FolderUnfit, nil, "path", f["path"], "reason", f["reason"], "fix", f["fix"])
	}
	return closeTo(f["path"], 0o700)
}

func openFiles(x *patient) (found []say.Fields) {
	for _, f := range x.files() {
		fields := othersMay(f)
		if fields == nil {
			continue
		}
		fields["path"], fields["to"] = f.path, strconv.FormatUint(uint64(f.right), 8)
		found = append(found, fields)
	}
	return found
}

func closeFile(f say.Fields) error {
	mode, err := strconv.ParseUint(f["to"], 8, 32)
	if err != nil {
		return err
	}
	return closeTo(f["path"], fs.FileMode(mode))
}

// unreadableKeys tries every file of a key. Those that belong to others are left to othersFiles.
func unreadableKeys(x *patient) (found []say.Fields) {
	for _, path := range x.keyFiles() {
		file, err := os.Open(path)
		if err == nil {
			file.Close()
		}
		if errors.Is(err, fs.ErrPermission) && isMine(path) {
			found = append(found, say.Fields{"path": path, "fix": openingCommand(path), "error": errors.Unwrap(err).Error()})
		}
	}
	return found
}

func makeReadable(f say.Fields) error { return openTo(f["path"]) }

func damagedKeys(x *patient) (found []say.Fields) {
	for _, k := range x.keys {
		if errors.Is(k.Problem, vault.ErrDamaged) {
			path := filepath.Join(x.home.Keys(), k.Name+".age")
			found = append(found, say.Fields{
				"key": k.Name, "error": k.Problem.Error(), "path": path, "rename": say.Renaming(path, path+".damaged"),
			})
		}
	}
	return found
}

func damagedBook(x *patient) []say.Fields {
	path := x.home.Hosts()
	_, err := book.Book{Path: path}.Hosts()
	if damaged := (*book.FormatError)(nil); !errors.As(err, &damaged) {
		return nil
	}
	return []say.Fields{{"error": err.Error(), "rename": say.Renaming(path, path+".damaged")}}
}

// leftBehindAge is more than any write takes: as safefile has it, which alone removes such files.
const leftBehindAge = time.Hour

func leftBehind(x *patient) (found []say.Fields) {
	for _, dir := range x.folders() {
		temps, _ := filepath.Glob(filepath.Join(globQuoted(dir), ".kagiban-tmp-"+strings.Repeat("[0-9a-f]", 16)))
		count := 0
		for _, path := range temps {
			if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && x.p.now().Sub(info.ModTime()) > leftBehindAge {
				count++
			}
		}
		if count > 0 {
			found = append(found, say.Fields{"path": dir, "count": strconv.Itoa(count)})
		}
	}
	return found
}

func cleanUp(f say.Fields) error { return safefile.CleanTemp(f["path"], time.Now()) }
