package ecsclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"ecsbot/internal/secret"
)

// Key is one part of the credentials: a value, or a file that contains it.
type Key struct {
	// Value is the key, or what the file contained when the settings were read; then
	// the source works from the start. It may be empty if there is a file.
	Value secret.String
	Path  string // the file; empty if there is none
	Name  string // the setting that gave it, for errors and the log
}

// KeyFiles is what Files needs.
type KeyFiles struct {
	AccessKey, SecretKey Key
	SecurityToken        Key // without a value and a file for permanent keys
	// Log gets a line when keys are replaced, and one for each new problem. Nil means
	// slog.Default().
	Log *slog.Logger
}

// Files is a source that reads its files again, at most once a second and only when a
// request needs credentials. It uses what they contain only as a whole:
//
//   - While a file is missing, empty or being written, the previous credentials stay in
//     use.
//   - An access key has exactly one secret key. So if the cloud accepted the previous
//     pair, new content is used only when every part of it is new: a pair of which one
//     half has changed belongs to two rotations and would be refused.
//   - A pair that the cloud only ever refused may be corrected in one part.
//
// The content is compared instead of times and sizes: keys have the same length, and a
// file system may give two writes the same time. A path that is not a regular file, such
// as a pipe, can be read only once and keeps its value.
func Files(cfg KeyFiles) Source {
	f := &files{log: cfg.Log, parts: [3]Key{cfg.AccessKey, cfg.SecretKey, cfg.SecurityToken}}
	if f.log == nil {
		f.log = slog.Default()
	}
	for i, p := range f.parts {
		f.content[i] = p.Value
	}
	f.keys = f.content.credentials()
	return f
}

const (
	lookEvery = time.Second
	// settleTime is how long new content must stay the same. An editor or a script may
	// write a file in several steps.
	settleTime = time.Second
	// maxKeyFile is the size of the largest file that is read. Security tokens have a
	// few kilobytes.
	maxKeyFile = 64 << 10
)

// content is an access key, a secret key and a security token.
type content [3]secret.String

func (c content) credentials() Credentials {
	return Credentials{AccessKey: c[0].Reveal(), SecretKey: c[1], SecurityToken: c[2]}
}

func (c content) equal(d content) bool { return c.credentials().equal(d.credentials()) }

func (c content) complete() bool { return c[0].Reveal() != "" && c[1].Reveal() != "" }

// files implements Source.
type files struct {
	parts [3]Key
	log   *slog.Logger

	mu      sync.Mutex
	content content     // in use
	keys    Credentials // the same
	yes, no bool        // whether the cloud has accepted, and refused, these keys
	found   bool        // the files were read successfully at least once
	looked  time.Time   // when they were read last
	pending bool        // they contain something else, or could not be read
	other   content     // what else they contain
	otherAt time.Time   // when that was seen first
	problem string      // the last problem that was logged
}

func (f *files) current(context.Context) (Credentials, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look(time.Now())
	if !f.content.complete() {
		return Credentials{}, errors.New("no keys for the cloud: " + f.problem)
	}
	return f.keys, nil
}

func (f *files) accepted(keys Credentials) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keys.equal(keys) {
		f.yes = true
	}
}

func (f *files) refused(keys Credentials) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.keys.equal(keys) {
		return true
	}
	f.no = true
	f.looked = time.Time{} // look at once: the keys may have been replaced and revoked
	f.look(time.Now())
	return f.pending || !f.keys.equal(keys)
}

// look reads the files, if it is time to, and uses what they contain if it is whole.
// f.mu is held.
func (f *files) look(now time.Time) {
	if !f.looked.IsZero() && now.Sub(f.looked) < lookEvery {
		return
	}
	f.looked = now
	got, written, err := f.readStable()
	switch {
	case err != nil:
		f.pending, f.other = true, content{}
		f.report(err.Error())
		return
	case got.equal(f.content):
		f.pending, f.other, f.found = false, content{}, true
		f.report("")
		return
	case !got.equal(f.other):
		f.other, f.otherAt = got, now
	}
	f.pending = true
	if f.found || f.yes { // otherwise nothing that works can be lost
		if now.Sub(written) < settleTime && now.Sub(f.otherAt) < settleTime {
			return
		}
		if name := f.halfNew(got); name != "" {
			f.report(name + " still has the old key, although another part has changed; replace all parts, or restart the bot")
			return
		}
	}
	f.content, f.keys = got, got.credentials()
	f.yes, f.no, f.found, f.pending, f.other = false, false, true, false, content{}
	f.problem = ""
	f.log.Info("new keys for the cloud were read from their files")
}

// halfNew returns the name of a part that is still the old one although it must have
// changed with the others, or "". f.mu is held.
func (f *files) halfNew(got content) string {
	if f.no && !f.yes {
		return "" // the keys in use never worked: one part may be corrected
	}
	for i := range got {
		if value := got[i].Reveal(); value == f.content[i].Reveal() && value != "" {
			return f.parts[i].Name
		}
	}
	return ""
}

// report logs a problem once. f.mu is held.
func (f *files) report(problem string) {
	if problem == f.problem {
		return
	}
	f.problem = problem
	switch {
	case problem == "":
	case f.content.complete():
		f.log.Warn("the keys for the cloud are not replaced; those read before stay in use", "problem", problem)
	default:
		f.log.Error("there are no keys for the cloud", "problem", problem)
	}
}

// readStable reads all files until two rounds give the same: then all of them had
// this content at the same time, between the rounds. A Kubernetes volume replaces its
// files all at once, by one symbolic link.
func (f *files) readStable() (got content, written time.Time, err error) {
	got, _, err = f.readAll()
	for range 5 {
		if err != nil {
			return content{}, time.Time{}, err
		}
		before := got
		if got, written, err = f.readAll(); err == nil && got.equal(before) {
			return got, written, nil
		}
	}
	return content{}, time.Time{}, errors.New("the files change while they are read")
}

// readAll reads each file once. written is the time of the newest one.
func (f *files) readAll() (got content, written time.Time, err error) {
	for i, p := range f.parts {
		got[i] = p.Value
		if p.Path == "" {
			continue
		}
		text, at, err := readKey(p.Path)
		switch {
		case errors.Is(err, errNotRegular) && p.Value.Reveal() != "":
			continue
		case err != nil:
			return content{}, time.Time{}, fmt.Errorf("%s %w", p.Name, err)
		case text == "" && (i < 2 || f.content[i].Reveal() != ""):
			return content{}, time.Time{}, fmt.Errorf("%s names a file that is empty", p.Name)
		}
		got[i] = secret.New(text)
		if at.After(written) {
			written = at
		}
	}
	return got, written, nil
}

var errNotRegular = errors.New("names something that is not a regular file")

// readKey reads a file with one key in it. Its errors do not contain the path, which
// may be a key that was set by mistake.
func readKey(path string) (text string, written time.Time, err error) {
	// To open a pipe that nobody writes to would block.
	if info, err := os.Stat(path); err != nil {
		return "", time.Time{}, unreadable(err)
	} else if !info.Mode().IsRegular() {
		return "", time.Time{}, errNotRegular
	}
	file, err := os.Open(path)
	if err != nil {
		return "", time.Time{}, unreadable(err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return "", time.Time{}, unreadable(err)
	}
	b, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	switch {
	case err != nil:
		return "", time.Time{}, unreadable(err)
	case len(b) > maxKeyFile:
		return "", time.Time{}, fmt.Errorf("names a file of more than %d bytes, which cannot be a key", maxKeyFile)
	}
	return strings.TrimSpace(string(b)), info.ModTime(), nil
}

func unreadable(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err
	}
	return fmt.Errorf("names a file that cannot be read (%w); check its path and its rights", err)
}
