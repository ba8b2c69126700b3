package slacksim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Control serves the workspace to another process, to be mounted under /sim/:
//
//	POST /sim/command     {user, channel, text}  or  {…, command, text}
//	POST /sim/say         {user, channel, text, thread_ts?}
//	POST /sim/click       {user, channel, ts, action_id, value?}  value: a forged one
//	POST /sim/clickview   {user, view_id, action_id, value?}
//	POST /sim/fillin      {user, view_id, values: {block_id: {action_id: string or list}}}
//	POST /sim/submit      the same, and submits it
//	POST /sim/closeview   {user, view_id}               the close button
//	POST /sim/closemodal  {user}                        the X: all views
//	POST /sim/suggest     {user, view_id, block_id, action_id, text}
//	POST /sim/shortcut    {user, callback_id}
//	POST /sim/step        {user, callback_id, inputs: {name: value}}  a workflow
//	POST /sim/home        {user}                        opens the Home tab
//	POST /sim/redeliver   {other?}                      the last envelope once more
//	POST /sim/users       a User, /sim/groups a Group, /sim/channels a Channel
//	POST /sim/members     {channel, join: [], leave: []}
//	POST /sim/changegroup {group, users: []}            notifies the app, unlike /sim/groups
//	POST /sim/faults      {method, times, kind, after?, code?, error?, done?}
//	POST /sim/disconnect  {reason?, cut?, connections?}
//	POST /sim/down        {down}
//	POST /sim/newerblocks {refuse}                      the blocks of 2026
//	GET  /sim/messages?channel=   /sim/thread?channel=&ts=   /sim/private?user=
//	GET  /sim/view?user=  /sim/home?user=  /sim/files  /sim/calls?method=  /sim/executions
//	GET  /sim/users  /sim/channels  /sim/connections
//
// What a person does answers with an Answer, a refusal with 400 and {"error"}.
func (w *Workspace) Control() http.Handler {
	mux := http.NewServeMux()
	w.actRoutes(mux)
	w.worldRoutes(mux)
	w.lookRoutes(mux)
	return mux
}

// order is what a control request may hold.
type order struct {
	User        string                    `json:"user"`
	Channel     string                    `json:"channel"`
	Command     string                    `json:"command"`
	Text        string                    `json:"text"`
	TS          string                    `json:"ts"`
	ThreadTS    string                    `json:"thread_ts"`
	ViewID      string                    `json:"view_id"`
	BlockID     string                    `json:"block_id"`
	ActionID    string                    `json:"action_id"`
	CallbackID  string                    `json:"callback_id"`
	Value       *string                   `json:"value"`
	Values      map[string]map[string]any `json:"values"`
	Inputs      map[string]any            `json:"inputs"`
	Other       bool                      `json:"other"`
	Join        []string                  `json:"join"`
	Leave       []string                  `json:"leave"`
	Group       string                    `json:"group"`
	Users       []string                  `json:"users"`
	Method      string                    `json:"method"`
	Times       int                       `json:"times"`
	Kind        string                    `json:"kind"`
	After       string                    `json:"after"` // a duration such as 1.5s
	Code        int                       `json:"code"`
	Error       string                    `json:"error"`
	Done        bool                      `json:"done"`
	Reason      string                    `json:"reason"`
	Cut         bool                      `json:"cut"`
	Connections []int                     `json:"connections"`
	Down        bool                      `json:"down"`
	Refuse      bool                      `json:"refuse"`
}

// post registers a control request whose body is a T.
func post[T any](mux *http.ServeMux, path string, do func(*http.Request, T) (any, error)) {
	mux.HandleFunc("POST /sim/"+path, func(rw http.ResponseWriter, r *http.Request) {
		var in T
		body := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 1<<20))
		body.DisallowUnknownFields()
		if err := body.Decode(&in); err != nil {
			reply(rw, nil, fmt.Errorf("slacksim: request: %w", err))
			return
		}
		out, err := do(r, in)
		reply(rw, out, err)
	})
}

func reply(rw http.ResponseWriter, out any, err error) {
	status := http.StatusOK
	if err != nil {
		status, out = http.StatusBadRequest, object{"error": err.Error()}
	}
	if out == nil {
		out = object{}
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(status)
	json.NewEncoder(rw).Encode(out)
}

// actRoutes are what people do.
func (w *Workspace) actRoutes(mux *http.ServeMux) {
	post(mux, "command", func(r *http.Request, o order) (any, error) {
		if o.Command == "" {
			o.Command, o.Text, _ = strings.Cut(o.Text, " ")
		}
		return w.Command(r.Context(), o.User, o.Channel, o.Command, o.Text)
	})
	post(mux, "say", func(r *http.Request, o order) (any, error) {
		return object{"ts": w.Say(o.User, o.Channel, o.Text, o.ThreadTS)}, nil
	})
	post(mux, "click", func(r *http.Request, o order) (any, error) {
		if o.Value != nil {
			return w.ClickForged(r.Context(), o.User, o.Channel, o.TS, o.ActionID, *o.Value)
		}
		return w.Click(r.Context(), o.User, o.Channel, o.TS, o.ActionID)
	})
	post(mux, "clickview", func(r *http.Request, o order) (any, error) {
		value := ""
		if o.Value != nil {
			value = *o.Value
		}
		return w.ClickInView(r.Context(), o.User, o.ViewID, o.ActionID, value)
	})
	post(mux, "fillin", func(_ *http.Request, o order) (any, error) {
		return nil, w.FillIn(o.User, o.ViewID, o.Values)
	})
	post(mux, "submit", func(r *http.Request, o order) (any, error) {
		return w.Submit(r.Context(), o.User, o.ViewID, o.Values)
	})
	post(mux, "closeview", func(r *http.Request, o order) (any, error) {
		return w.CloseView(r.Context(), o.User, o.ViewID)
	})
	post(mux, "closemodal", func(r *http.Request, o order) (any, error) {
		return w.CloseModal(r.Context(), o.User)
	})
	post(mux, "suggest", func(r *http.Request, o order) (any, error) {
		return w.Suggest(r.Context(), o.User, o.ViewID, o.BlockID, o.ActionID, o.Text)
	})
	post(mux, "shortcut", func(r *http.Request, o order) (any, error) {
		return w.Shortcut(r.Context(), o.User, o.CallbackID)
	})
	post(mux, "step", func(r *http.Request, o order) (any, error) {
		id, answer, err := w.RunStep(r.Context(), o.User, o.CallbackID, o.Inputs)
		return object{"id": id, "answer": answer}, err
	})
	post(mux, "home", func(r *http.Request, o order) (any, error) {
		return w.OpenHome(r.Context(), o.User)
	})
	post(mux, "redeliver", func(r *http.Request, o order) (any, error) {
		return w.again(r.Context(), o.Other)
	})
}

// worldRoutes change the workspace itself.
func (w *Workspace) worldRoutes(mux *http.ServeMux) {
	post(mux, "users", func(_ *http.Request, u User) (any, error) { w.AddUser(u); return nil, nil })
	post(mux, "groups", func(_ *http.Request, g Group) (any, error) { w.AddGroup(g); return nil, nil })
	post(mux, "channels", func(_ *http.Request, c Channel) (any, error) { w.AddChannel(c); return nil, nil })
	post(mux, "members", func(_ *http.Request, o order) (any, error) {
		w.Join(o.Channel, o.Join...)
		w.Leave(o.Channel, o.Leave...)
		return w.Members(o.Channel), nil
	})
	post(mux, "changegroup", func(r *http.Request, o order) (any, error) {
		return w.ChangeGroup(r.Context(), o.Group, o.Users...)
	})
	post(mux, "faults", func(_ *http.Request, o order) (any, error) {
		f, err := o.fault()
		if err != nil {
			return nil, err
		}
		w.FailNext(o.Method, max(o.Times, 1), f)
		return nil, nil
	})
	post(mux, "disconnect", func(_ *http.Request, o order) (any, error) {
		if o.Cut {
			w.CutSockets(o.Connections...)
			return nil, nil
		}
		if o.Reason == "" {
			o.Reason = "refresh_requested"
		}
		w.Disconnect(o.Reason, o.Connections...)
		return nil, nil
	})
	post(mux, "newerblocks", func(_ *http.Request, o order) (any, error) { w.RefuseNewerBlocks(o.Refuse); return nil, nil })
	post(mux, "down", func(_ *http.Request, o order) (any, error) { w.Down(o.Down); return nil, nil })
}

// fault makes a Fault of its name.
func (o order) fault() (Fault, error) {
	var after time.Duration
	if o.After != "" {
		var err error
		if after, err = time.ParseDuration(o.After); err != nil {
			return Fault{}, fmt.Errorf("slacksim: after: %w", err)
		}
	}
	switch o.Kind {
	case "rate_limited":
		return RateLimited(after), nil
	case "status", "status_after":
		if o.Code < 100 || o.Code > 599 {
			return Fault{}, fmt.Errorf("slacksim: code %d is no HTTP status", o.Code)
		}
		if o.Kind == "status_after" {
			return StatusAfter(o.Code), nil
		}
		return Status(o.Code), nil
	case "reset_before":
		return ResetBefore, nil
	case "reset_after":
		return ResetAfter, nil
	case "delay":
		return Delay(after), nil
	case "hang":
		return Hang, nil
	case "hang_after":
		return HangAfter, nil
	case "error":
		return ErrorCode(o.Error, o.Done), nil
	}
	return Fault{}, fmt.Errorf("slacksim: no kind of fault %q", o.Kind)
}

// lookRoutes show the workspace.
func (w *Workspace) lookRoutes(mux *http.ServeMux) {
	get := func(path string, show func(q func(string) string) any) {
		mux.HandleFunc("GET /sim/"+path, func(rw http.ResponseWriter, r *http.Request) {
			reply(rw, show(r.URL.Query().Get), nil)
		})
	}
	get("messages", func(q func(string) string) any { return listed(w.Messages(q("channel"))) })
	get("thread", func(q func(string) string) any { return listed(w.Thread(q("channel"), q("ts"))) })
	get("private", func(q func(string) string) any { return listed(w.Private(q("user"))) })
	get("files", func(func(string) string) any { return listed(w.Files()) })
	get("calls", func(q func(string) string) any { return listed(w.Calls(q("method"))) })
	get("executions", func(func(string) string) any { return listed(w.Executions()) })
	get("users", func(func(string) string) any { return listed(w.Users()) })
	get("channels", func(func(string) string) any { return listed(w.Channels()) })
	get("connections", func(func(string) string) any { return listed(w.OpenConnections()) })
	get("view", func(q func(string) string) any {
		if v, ok := w.View(q("user")); ok {
			return v
		}
		return object{}
	})
	get("home", func(q func(string) string) any {
		if raw, ok := w.Home(q("user")); ok {
			return raw
		}
		return object{}
	})
}

// listed makes JSON's [] of a nil list.
func listed[T any](list []T) []T { return append([]T{}, list...) }
