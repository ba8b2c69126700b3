package ecsclient

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"ecsbot/internal/secret"
)

// keyDir is a directory with key files, and a source that reads them. Times are those of
// a synctest bubble, in which files get the bubble's time.
type keyDir struct {
	t      *testing.T
	dir    string
	source Source
	log    bytes.Buffer
}

func newKeyDir(t *testing.T, keys ...string) *keyDir {
	t.Helper()
	d := &keyDir{t: t, dir: t.TempDir()}
	cfg := KeyFiles{Log: slog.New(slog.NewTextHandler(&d.log, nil))}
	for i, part := range []*Key{&cfg.AccessKey, &cfg.SecretKey, &cfg.SecurityToken} {
		if i < len(keys) {
			name := []string{"ak", "sk", "token"}[i]
			d.write(name, keys[i])
			*part = Key{Value: secret.New(keys[i]), Path: filepath.Join(d.dir, name), Name: strings.ToUpper(name) + "_FILE"}
		}
	}
	d.source = Files(cfg)
	return d
}

// write replaces the content of a file in place, as an editor does.
func (d *keyDir) write(name, text string) {
	d.t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		d.t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Time{}, time.Now()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *keyDir) signs() string {
	d.t.Helper()
	keys, err := d.source.current(d.t.Context())
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(fmt.Sprint(keys.AccessKey, " ", keys.SecretKey.Reveal(), " ", keys.SecurityToken.Reveal()))
}

func (d *keyDir) want(keys string) {
	d.t.Helper()
	if got := d.signs(); got != keys {
		d.t.Errorf("signs with %q, want %q", got, keys)
	}
}

// accepted makes the cloud accept the keys in use.
func (d *keyDir) accepted() {
	d.t.Helper()
	keys, err := d.source.current(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	d.source.accepted(keys)
}

func (d *keyDir) logged(n int, words string) {
	d.t.Helper()
	if got := strings.Count(d.log.String(), words); got != n {
		d.t.Errorf("%q is logged %d times, want %d:\n%s", words, got, n, d.log.String())
	}
}

// Parts change one after the other, with requests between: the old set signs until
// every part of the new one is there.
func TestKeysOfTwoRotationsNeverSign(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before []string
		writes [][2]string
		missed string // what the log names while only the first write is done
	}{
		{"access key first", []string{"AK1", "SK1"}, [][2]string{{"ak", "AK2"}, {"sk", "SK2"}}, "SK_FILE"},
		{"secret key first", []string{"AK1", "SK1"}, [][2]string{{"sk", "SK2"}, {"ak", "AK2"}}, "AK_FILE"},
		{"token last", []string{"AK1", "SK1", "T1"}, [][2]string{{"ak", "AK2"}, {"sk", "SK2"}, {"token", "T2"}}, "SK_FILE"},
		{"token first", []string{"AK1", "SK1", "T1"}, [][2]string{{"token", "T2"}, {"sk", "SK2"}, {"ak", "AK2"}}, "AK_FILE"},
	} {
		for _, gap := range []time.Duration{0, 300 * time.Millisecond, 10 * time.Second, 2 * time.Hour} {
			t.Run(fmt.Sprint(tt.name, " ", gap), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newKeyDir(t, tt.before...)
					old := strings.Join(tt.before, " ")
					d.accepted()
					time.Sleep(time.Hour)
					d.want(old)
					for i, w := range tt.writes {
						d.write(w[0], w[1])
						d.want(old)
						if i == len(tt.writes)-1 {
							break
						}
						for range 5 {
							time.Sleep(gap / 5)
							d.want(old)
						}
						if i == 0 && gap > 2*time.Second {
							d.logged(1, tt.missed)
						}
					}
					time.Sleep(time.Second)
					d.want(strings.NewReplacer("1", "2").Replace(old))
					d.logged(1, "new keys")
				})
			})
		}
	}
}

// Nothing was asked for while the keys were replaced: the first request uses the new
// ones, since nobody has written the files for a while.
func TestKeysThatWereReplacedLongAgoSignAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newKeyDir(t, "AK1", "SK1")
		d.accepted()
		time.Sleep(time.Hour)
		d.write("ak", "AK2")
		d.write("sk", "SK2")
		time.Sleep(time.Hour)
		d.want("AK2 SK2")
	})
}

// A file has a time in the future, as that of another machine's clock: it is enough
// that its content stays.
func TestAFileFromTheFutureIsReadToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newKeyDir(t, "AK1", "SK1")
		d.accepted()
		time.Sleep(2 * time.Second)
		d.write("ak", "AK2")
		d.write("sk", "SK2")
		for _, name := range []string{"ak", "sk"} {
			if err := os.Chtimes(filepath.Join(d.dir, name), time.Time{}, time.Now().Add(24*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		d.want("AK1 SK1")
		time.Sleep(time.Second)
		d.want("AK2 SK2")
	})
}

// Both files are written in steps, and a request comes after each.
func TestAHalfWrittenKeyNeverSigns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newKeyDir(t, "AK1", "SK1")
		d.accepted()
		for i := range len("SECRETTWO") + 1 {
			time.Sleep(700 * time.Millisecond)
			d.write("ak", "ACCESSTWO"[:i])
			d.write("sk", "SECRETTWO"[:i])
			d.want("AK1 SK1")
		}
		time.Sleep(time.Second)
		d.want("ACCESSTWO SECRETTWO")
	})
}

func TestOldKeysAreKeptWhileAFileCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		name   string
		damage func(t *testing.T, path string)
		words  string
	}{
		{"missing", func(t *testing.T, path string) { os.Remove(path) }, "no such file"},
		{"empty", func(t *testing.T, path string) { os.WriteFile(path, nil, 0o600) }, "is empty"},
		{"blank", func(t *testing.T, path string) { os.WriteFile(path, []byte(" \n\t\n"), 0o600) }, "is empty"},
		{"huge", func(t *testing.T, path string) { os.WriteFile(path, make([]byte, maxKeyFile+1), 0o600) }, "cannot be a key"},
		{"circle", func(t *testing.T, path string) { os.Remove(path); os.Symlink(path, path) }, "too many levels"},
	} {
		for _, part := range []string{"ak", "sk", "token"} {
			t.Run(tt.name+" "+part, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newKeyDir(t, "AK1", "SK1", "T1")
					d.accepted()
					time.Sleep(2 * time.Second)
					tt.damage(t, filepath.Join(d.dir, part))
					for range 5 {
						d.want("AK1 SK1 T1")
						time.Sleep(2 * time.Second)
					}
					d.logged(1, tt.words)
					d.logged(1, strings.ToUpper(part)+"_FILE")
					d.logged(0, d.dir)
					os.Remove(filepath.Join(d.dir, part))
					d.write("ak", "AK2")
					d.write("sk", "SK2")
					d.write("token", "T2")
					time.Sleep(2 * time.Second)
					d.want("AK2 SK2 T2")
				})
			})
		}
	}
}

// The error of a source that never had keys names the setting and not the path, which
// may be a key that was set by mistake.
func TestWithoutKeysTheErrorNamesTheSetting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newKeyDir(t, "AK1", "SK1")
		os.Remove(filepath.Join(d.dir, "sk"))
		d.source = Files(KeyFiles{
			AccessKey: Key{Path: filepath.Join(d.dir, "ak"), Name: "AK_FILE"},
			SecretKey: Key{Path: filepath.Join(d.dir, "sk"), Name: "SK_FILE"},
			Log:       slog.New(slog.NewTextHandler(&d.log, nil)),
		})
		if got := d.signs(); !strings.Contains(got, "SK_FILE names a file that cannot be read") || strings.Contains(got, d.dir) {
			t.Error(got)
		}
		time.Sleep(time.Second)
		d.signs()
		d.logged(1, "level=ERROR")
		d.write("sk", "SK1")
		time.Sleep(time.Second)
		d.want("AK1 SK1")
	})
}

// A pair that the cloud has refused and never accepted may be corrected in one part.
func TestAWrongKeyIsCorrectedAlone(t *testing.T) {
	for name, right := range map[string]string{"ak": "AKX SK1", "sk": "AK1 SKX"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newKeyDir(t, "AK1", "SK1")
				keys, _ := d.source.current(t.Context())
				if d.source.refused(keys) {
					t.Error("the same keys are said to be worth another try")
				}
				d.write(name, strings.ToUpper(name)+"X")
				if !d.source.refused(keys) {
					t.Error("a refusal while the file changes is said to be final")
				}
				time.Sleep(2 * time.Second)
				d.want(right)
				// Once these are accepted, a part alone is not replaced, whatever is refused.
				d.accepted()
				keys, _ = d.source.current(t.Context())
				d.source.refused(keys)
				d.write("ak", "AK3")
				time.Sleep(time.Hour)
				d.want(right)
			})
		})
	}
}

// The word of the cloud about keys that were replaced meanwhile says nothing of the
// new ones.
func TestALateAnswerIsAboutTheOldKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newKeyDir(t, "AK1", "SK1")
		d.accepted()
		old, _ := d.source.current(t.Context())
		d.write("ak", "AK2")
		d.write("sk", "SK2")
		time.Sleep(time.Hour)
		d.want("AK2 SK2")
		if !d.source.refused(old) {
			t.Error("a refusal of the old keys is said to be final")
		}
		d.source.accepted(old)
		d.write("sk", "SK3") // corrects the new pair only if it was refused, and it was not
		time.Sleep(time.Hour)
		d.want("AK2 SK2")
		now, _ := d.source.current(t.Context())
		d.source.refused(now)
		d.source.accepted(old)
		time.Sleep(time.Hour)
		d.want("AK2 SK3")
	})
}

// However many requests there are, the files are read once a second.
func TestFilesAreReadOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newKeyDir(t, "AK1", "SK1")
		d.accepted()
		d.write("ak", "AK2")
		d.write("sk", "SK2")
		for _, name := range []string{"ak", "sk"} { // so that there is nothing to wait for
			if err := os.Chtimes(filepath.Join(d.dir, name), time.Time{}, time.Now().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		for range 9 {
			time.Sleep(time.Second / 10)
			d.want("AK1 SK1")
		}
		time.Sleep(time.Second / 10)
		d.want("AK2 SK2")
	})
}

// A pipe gives its key once. It is not opened again, which would block.
func TestAPipeKeepsItsValue(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sk")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	source := Files(KeyFiles{AccessKey: Key{Value: secret.New("AK1")}, SecretKey: Key{Value: secret.New("SK1"), Path: path, Name: "SK_FILE"}})
	if keys, err := source.current(t.Context()); err != nil || keys.SecretKey.Reveal() != "SK1" {
		t.Error(err)
	}
	source = Files(KeyFiles{AccessKey: Key{Value: secret.New("AK1")}, SecretKey: Key{Path: path, Name: "SK_FILE"}, Log: slog.New(slog.DiscardHandler)})
	if _, err := source.current(t.Context()); err == nil || !strings.Contains(err.Error(), "SK_FILE names something that is not a regular file") {
		t.Error(err)
	}
}

// A Kubernetes volume replaces its files all at once, by a symbolic link to a
// directory: what is read belongs together however often that happens.
func TestFilesOfAVolumeAreReadTogether(t *testing.T) {
	dir := t.TempDir()
	must := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	swap := func(n int) {
		version := filepath.Join(dir, fmt.Sprint("..v", n%2))
		must(os.MkdirAll(version, 0o700))
		for _, name := range []string{"ak", "sk", "token"} {
			path := filepath.Join(version, name)
			must(os.WriteFile(path+".new", fmt.Appendf(nil, "%s%d", name, n), 0o600))
			must(os.Rename(path+".new", path)) // nobody reads this directory now
		}
		must(os.Symlink(filepath.Base(version), filepath.Join(dir, "..new")))
		must(os.Rename(filepath.Join(dir, "..new"), filepath.Join(dir, "..data")))
	}
	swap(0)
	var parts [3]Key
	for i, name := range []string{"ak", "sk", "token"} {
		must(os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)))
		parts[i] = Key{Path: filepath.Join(dir, name), Name: name}
	}
	f := Files(KeyFiles{AccessKey: parts[0], SecretKey: parts[1], SecurityToken: parts[2]}).(*files)
	done := make(chan struct{})
	var swaps sync.WaitGroup
	swaps.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-done:
				return
			default:
				swap(n)
			}
		}
	})
	reads := 0
	for range 3000 {
		got, _, err := f.readStable()
		if err != nil {
			continue // it changes too fast, which is said
		}
		reads++
		version := strings.TrimPrefix(got[0].Reveal(), "ak")
		if got[1].Reveal() != "sk"+version || got[2].Reveal() != "token"+version {
			t.Errorf("read together: %s, %s, %s", got[0].Reveal(), got[1].Reveal(), got[2].Reveal())
			break
		}
	}
	close(done)
	swaps.Wait()
	if reads == 0 {
		t.Error("nothing was ever read")
	}
}

// The keys were replaced while the settings were read, so that these hold halves of two
// rotations: the files are read as a whole before the first request.
func TestTheFirstRequestReadsTheFilesAsAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newKeyDir(t, "AK1", "SK2")
		d.write("ak", "AK2")
		d.want("AK2 SK2")
	})
}

// The files were away at first, and what the settings had read worked.
func TestKeysOfTheSettingsAreNotMixedWithThoseOfFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newKeyDir(t, "AK1", "SK1")
		os.Remove(filepath.Join(d.dir, "ak"))
		d.want("AK1 SK1")
		d.accepted()
		d.write("ak", "AK2")
		time.Sleep(time.Hour)
		d.want("AK1 SK1")
		d.write("sk", "SK2")
		time.Sleep(time.Hour)
		d.want("AK2 SK2")
	})
}
