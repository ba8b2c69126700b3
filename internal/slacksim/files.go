package slacksim

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// File is an uploaded file. It is shared once its upload was completed.
type File struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Title     string `json:"title"`
	Length    int    `json:"length"` // as announced
	Content   []byte `json:"-"`
	Channel   string `json:"channel,omitempty"`
	ThreadTS  string `json:"thread_ts,omitempty"`
	MessageTS string `json:"message_ts,omitempty"`
	Uploaded  bool   `json:"uploaded"` // the bytes are there
	Complete  bool   `json:"complete"`
}

func (w *Workspace) getUploadURL(a args) (object, error) {
	length, err := a.number("length", 0)
	if err != nil || length <= 0 || a["filename"] == "" {
		return nil, &detailedError{"invalid_arguments", []string{"[ERROR] filename and length are required"}}
	}
	f := &File{ID: w.nextID("F"), Name: a["filename"], Title: a["filename"], Length: length}
	w.uploads[f.ID] = f
	w.files = append(w.files, f)
	return object{"upload_url": w.base + "/upload/" + f.ID, "file_id": f.ID}, nil
}

// serveUpload takes a file's bytes, as the body or as a form's file.
func (w *Workspace) serveUpload(rw http.ResponseWriter, r *http.Request) {
	call := w.begin(r, "upload", args{"file_id": r.PathValue("id")})
	var body []byte
	var err error
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "multipart/form-data" {
		body, err = firstFile(r)
	} else {
		body, err = io.ReadAll(r.Body)
	}
	fault := w.takeFault("upload")
	if w.faultBefore(rw, r, call, fault) {
		return
	}
	w.mu.Lock()
	f := w.uploads[r.PathValue("id")]
	ok := err == nil && f != nil && len(body) == f.Length && !f.Complete
	if ok {
		f.Content, f.Uploaded = body, true
	}
	w.mu.Unlock()
	if fault.done {
		w.strike(rw, r, call, fault)
		return
	}
	if !ok {
		w.record(call, http.StatusBadRequest, nil, "")
		http.Error(rw, "Bad Request", http.StatusBadRequest)
		return
	}
	w.record(call, http.StatusOK, nil, "")
	io.WriteString(rw, "OK - "+strconv.Itoa(len(body)))
}

func firstFile(r *http.Request) ([]byte, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	for {
		part, err := parts.NextPart()
		if err != nil {
			return nil, err
		}
		if part.FileName() != "" {
			return io.ReadAll(part)
		}
	}
}

// conversationID is what channel_id must look like: no name, and no user as in
// chat.postMessage.
var conversationID = regexp.MustCompile(`^[CGDZ][A-Z0-9]+$`)

func (w *Workspace) completeUpload(a args) (object, error) {
	var wanted []struct{ ID, Title string }
	if json.Unmarshal([]byte(a["files"]), &wanted) != nil || len(wanted) == 0 {
		return nil, &detailedError{"invalid_arguments", []string{"[ERROR] missing required field: files"}}
	}
	for _, x := range wanted {
		if f := w.uploads[x.ID]; f == nil || !f.Uploaded || f.Complete {
			return nil, apiError("file_not_found")
		}
	}
	var places []*channel
	refs := strings.Split(a["channels"], ",")
	if id := a["channel_id"]; id != "" {
		if !conversationID.MatchString(id) {
			return nil, &detailedError{"invalid_arguments", []string{"[ERROR] input must match regex pattern: " + conversationID.String() + " [json-pointer:/channel_id]"}}
		}
		refs = []string{id}
	}
	for _, ref := range refs {
		if ref == "" {
			continue
		}
		c, err := w.find(ref)
		if err == nil && !c.has(BotUserID) {
			err = apiError("not_in_channel")
		}
		if err == nil && c.Archived {
			err = apiError("is_archived")
		}
		if err != nil {
			return nil, err
		}
		places = append(places, c)
	}
	in, err := readContent(args{"text": a["initial_comment"], "blocks": a["blocks"]}, true)
	if err != nil {
		return nil, err
	}
	answer, ids := []object{}, []string{}
	for _, x := range wanted {
		f := w.uploads[x.ID]
		f.Complete = true
		if x.Title != "" {
			f.Title = x.Title
		}
		ids = append(ids, f.ID)
		answer = append(answer, object{"id": f.ID, "title": f.Title})
	}
	for _, c := range places {
		m := &Message{User: BotUserID, BotID: BotID, ThreadTS: a["thread_ts"], Files: ids}
		in.put(m)
		w.add(c, m, time.Now())
		for _, id := range ids {
			f := w.uploads[id]
			f.Channel, f.ThreadTS, f.MessageTS = c.ID, m.ThreadTS, m.TS
			w.happened(Event{Kind: FileShared, Channel: c.ID, TS: m.TS, Detail: id})
		}
	}
	return object{"files": answer}, nil
}

func (w *Workspace) fileObject(f *File) object {
	return object{"id": f.ID, "name": f.Name, "title": f.Title, "size": f.Length, "user": BotUserID, "mode": "hosted"}
}

// Files returns the files whose upload was started, in order.
func (w *Workspace) Files() []File {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []File
	for _, f := range w.files {
		c := *f
		c.Content = slices.Clone(f.Content)
		list = append(list, c)
	}
	return list
}
