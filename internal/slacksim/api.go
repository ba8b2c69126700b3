package slacksim

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// method is one Web API method. Its do runs under the workspace's lock and
// returns the answer without "ok".
type method struct {
	do     func(*Workspace, args) (object, error)
	scope  string // with * in place of the kind of conversation, if it goes by that
	perMin int    // documented requests a minute; 0: a special limit
}

// Requests a minute of Slack's tiers.
const (
	tier2 = 20
	tier3 = 50
	tier4 = 100
)

var methods = map[string]method{
	"auth.test":                    {(*Workspace).authTest, "", 0},
	"apps.connections.open":        {(*Workspace).connectionsOpen, "", tier3},
	"chat.postMessage":             {(*Workspace).postMessage, "chat:write", 0},
	"chat.postEphemeral":           {(*Workspace).postEphemeral, "chat:write", tier4},
	"chat.update":                  {(*Workspace).updateMessage, "chat:write", tier3},
	"chat.delete":                  {(*Workspace).deleteMessage, "chat:write", tier3},
	"chat.getPermalink":            {(*Workspace).getPermalink, "", 0},
	"reactions.add":                {(*Workspace).addReaction, "reactions:write", tier3},
	"views.open":                   {(*Workspace).viewsOpen, "", tier4},
	"views.push":                   {(*Workspace).viewsPush, "", tier4},
	"views.update":                 {(*Workspace).viewsUpdate, "", tier4},
	"views.publish":                {(*Workspace).viewsPublish, "", tier4},
	"team.info":                    {(*Workspace).teamInfo, "team:read", tier3},
	"bots.info":                    {(*Workspace).botsInfo, "users:read", tier3},
	"conversations.info":           {(*Workspace).conversationsInfo, "*:read", tier3},
	"conversations.list":           {(*Workspace).conversationsList, "*:read", tier2},
	"conversations.members":        {(*Workspace).conversationsMembers, "*:read", tier4},
	"conversations.history":        {(*Workspace).conversationsHistory, "*:history", tier3},
	"conversations.replies":        {(*Workspace).conversationsReplies, "*:history", tier3},
	"conversations.open":           {(*Workspace).conversationsOpen, "im:write", tier3},
	"users.info":                   {(*Workspace).usersInfo, "users:read", tier4},
	"users.list":                   {(*Workspace).usersList, "users:read", tier2},
	"usergroups.list":              {(*Workspace).usergroupsList, "usergroups:read", tier2},
	"usergroups.users.list":        {(*Workspace).usergroupsUsersList, "usergroups:read", tier2},
	"functions.completeSuccess":    {(*Workspace).completeSuccess, "", tier3},
	"functions.completeError":      {(*Workspace).completeError, "", tier3},
	"files.getUploadURLExternal":   {(*Workspace).getUploadURL, "files:write", tier4},
	"files.completeUploadExternal": {(*Workspace).completeUpload, "files:write", tier4},
}

// defaultScopes is every scope that a method here asks for, and commands.
func defaultScopes() []string {
	scopes := map[string]bool{"commands": true}
	for _, m := range methods {
		for _, s := range m.scopes() {
			scopes[s] = true
		}
	}
	return slices.Sorted(maps.Keys(scopes))
}

// scopes are those of which a token must have at least one.
func (m method) scopes() []string {
	verb, byKind := strings.CutPrefix(m.scope, "*")
	switch {
	case byKind:
		return []string{"channels" + verb, "groups" + verb, "mpim" + verb, "im" + verb}
	case m.scope == "":
		return nil
	}
	return []string{m.scope}
}

// lacking is the answer that goes with missing_scope.
func (w *Workspace) lacking(scope string) object {
	return object{"needed": scope, "provided": strings.Join(w.opt.Scopes, ",")}
}

// apiError is an error code as Slack answers it.
type apiError string

func (e apiError) Error() string { return string(e) }

// detailedError is an error code with the lines that Slack puts into
// response_metadata.messages.
type detailedError struct {
	code     string
	messages []string
}

func (e *detailedError) Error() string { return e.code + ": " + strings.Join(e.messages, "; ") }

// retryError becomes an HTTP 429.
type retryError struct{ after time.Duration }

func (e *retryError) Error() string { return "ratelimited" }

// args are the arguments of a call. What is not a plain string is JSON text,
// whether it came in a form field or in a JSON body. An absent key was not given.
type args map[string]string

// on reports whether a boolean argument is true.
func (a args) on(name string) bool { return a[name] == "true" || a[name] == "1" }

// number returns an integer argument, or otherwise if it was not given.
func (a args) number(name string, otherwise int) (int, error) {
	if a[name] == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(a[name])
	if err != nil {
		return 0, &detailedError{"invalid_arguments", []string{"[ERROR] must be a number [json-pointer:/" + name + "]"}}
	}
	return n, nil
}

// readArgs takes the arguments from the query, a form or a JSON body.
func readArgs(r *http.Request) (args, error) {
	a := args{}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(body)) > 0 {
			if a, err = jsonArgs(body); err != nil {
				return nil, apiError("invalid_json")
			}
		}
		for k, v := range r.URL.Query() {
			a[k] = v[0]
		}
		return a, nil
	}
	if err := r.ParseMultipartForm(4 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return nil, apiError("invalid_form_data")
	}
	for k, v := range r.Form {
		a[k] = v[0]
	}
	return a, nil
}

// serveAPI answers one Web API call: fault before, token, limits, the method
// itself, fault after, and the record of it all.
func (w *Workspace) serveAPI(rw http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	a, argErr := readArgs(r)
	inBody := a["token"]
	delete(a, "token")
	token, inHeader := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !inHeader && name != "apps.connections.open" {
		token = inBody // sockets are opened by header only
	}

	call := w.begin(r, name, a)
	fault := w.takeFault(name)
	if w.faultBefore(rw, r, call, fault) {
		return
	}

	w.mu.Lock()
	answer, err := w.answer(name, token, a, argErr)
	w.mu.Unlock()

	if fault.done {
		w.strike(rw, r, call, fault)
		return
	}
	if name == "auth.test" {
		rw.Header().Set("X-OAuth-Scopes", strings.Join(w.opt.Scopes, ","))
	}
	if limit, ok := errors.AsType[*retryError](err); ok {
		w.refuseRate(rw, call, limit.after)
		return
	}
	w.finish(rw, call, http.StatusOK, envelopeAnswer(answer, err))
}

// answer checks who calls and does what was asked. The lock is held.
func (w *Workspace) answer(name, token string, a args, argErr error) (object, error) {
	m, known := methods[name]
	want, other := w.opt.BotToken, w.opt.AppToken
	if name == "apps.connections.open" {
		want, other = other, want
	}
	switch {
	case !known:
		return nil, apiError("unknown_method")
	case token == "":
		return nil, apiError("not_authed")
	case token == other && token != want:
		return nil, apiError("not_allowed_token_type")
	case token != want:
		return nil, apiError("invalid_auth")
	case argErr != nil:
		return nil, argErr
	}
	if wanted := m.scopes(); len(wanted) > 0 && !slices.ContainsFunc(wanted, func(s string) bool { return slices.Contains(w.opt.Scopes, s) }) {
		return w.lacking(strings.Join(wanted, ",")), apiError("missing_scope")
	}
	if w.opt.Tiers && m.perMin > 0 {
		now := time.Now()
		recent := slices.DeleteFunc(w.used[name], func(t time.Time) bool { return now.Sub(t) >= w.opt.Minute })
		if len(recent) >= m.perMin {
			w.used[name] = recent
			return nil, &retryError{w.opt.Minute - now.Sub(recent[0])}
		}
		w.used[name] = append(recent, now)
	}
	if err := w.takesBlocks(json.RawMessage(a["blocks"]), "invalid_blocks"); err != nil {
		return nil, err
	}
	if err := w.takesView(json.RawMessage(a["view"])); err != nil {
		return nil, err
	}
	return m.do(w, a)
}

// envelopeAnswer adds "ok" and the error to an answer.
func envelopeAnswer(answer object, err error) json.RawMessage {
	if answer == nil {
		answer = object{}
	}
	answer["ok"] = err == nil
	if err == nil {
		return mustJSON(answer)
	}
	answer["error"] = err.Error()
	if d, ok := errors.AsType[*detailedError](err); ok {
		answer["error"] = d.code
		answer["errors"] = d.messages
		answer["response_metadata"] = object{"messages": d.messages}
	}
	return mustJSON(answer)
}

// Call is one request of the app: a Web API call, or a post to "response_url"
// or "upload".
type Call struct {
	Time   time.Time         `json:"time"`
	Method string            `json:"method"`
	Args   map[string]string `json:"args"`             // without the token
	Status int               `json:"status"`           // HTTP status; 0: none was sent (yet)
	Answer json.RawMessage   `json:"answer,omitempty"` // what the app got
	Fault  string            `json:"fault,omitempty"`  // what FailNext or Down did to it
}

// Error is the error code of the answer, or empty.
func (c Call) Error() string {
	var a struct{ Error string }
	json.Unmarshal(c.Answer, &a)
	return a.Error
}

// Calls returns the calls of one method in order, or all if method is empty.
func (w *Workspace) Calls(method string) []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []Call
	for _, c := range w.calls {
		if method == "" || c.Method == method {
			list = append(list, *c)
		}
	}
	return list
}

// begin records a call that has arrived, and under which address.
func (w *Workspace) begin(r *http.Request, name string, a args) *Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opt.BaseURL == "" {
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		w.base = scheme + "://" + r.Host
	}
	call := &Call{Time: time.Now(), Method: name, Args: maps.Clone(a)}
	w.calls = append(w.calls, call)
	return call
}

// finish sends an answer and records it.
func (w *Workspace) finish(rw http.ResponseWriter, call *Call, status int, answer json.RawMessage) {
	w.record(call, status, answer, "")
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(status)
	rw.Write(answer)
}

func (w *Workspace) record(call *Call, status int, answer json.RawMessage, fault string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	call.Status, call.Answer = status, answer
	if fault != "" {
		call.Fault = fault
	}
	c := *call
	w.happened(Event{Kind: CallAnswered, Call: &c, Detail: call.Method})
}

func (w *Workspace) refuseRate(rw http.ResponseWriter, call *Call, after time.Duration) {
	seconds := max(1, int(math.Ceil(after.Seconds())))
	rw.Header().Set("Retry-After", strconv.Itoa(seconds))
	w.finish(rw, call, http.StatusTooManyRequests, json.RawMessage(`{"ok":false,"error":"ratelimited"}`))
}

func (w *Workspace) authTest(args) (object, error) {
	return object{
		"url": "https://" + w.opt.TeamDomain + ".slack.com/", "team": w.opt.TeamDomain, "team_id": w.opt.TeamID,
		"user": w.opt.BotName, "user_id": BotUserID, "bot_id": BotID, "is_enterprise_install": false,
	}, nil
}

// errLimit is a limit out of range, for methods that have no code of their own.
var errLimit = &detailedError{"invalid_arguments", []string{"[ERROR] must be a valid limit [json-pointer:/limit]"}}

// page cuts the part out of a list that limit and cursor ask for, and returns
// the cursor of the next one. With limit 0 and none asked for it is the whole list.
func page[T any](list []T, a args, limit, most int) ([]T, string, error) {
	limit, err := a.number("limit", limit)
	if err != nil {
		return nil, "", err
	}
	if limit < 0 || limit > most {
		return nil, "", errLimit
	}
	start := 0
	if c := a["cursor"]; c != "" {
		b, err := base64.StdEncoding.DecodeString(c)
		if _, scanErr := fmt.Sscanf(string(b), "next:%d", &start); err != nil || scanErr != nil || start > len(list) {
			return nil, "", apiError("invalid_cursor")
		}
	}
	list = list[start:]
	if limit == 0 || len(list) <= limit {
		return list, "", nil
	}
	return list[:limit], base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "next:%d", start+limit)), nil
}
