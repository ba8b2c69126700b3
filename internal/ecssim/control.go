package ecssim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Control serves the cloud's strings to pull, for when it runs as a process of
// its own. Everything is below /sim/ and in JSON; nothing is authenticated, so
// it belongs on the loopback interface only.
//
//	GET  /sim/servers                 all servers as they are now
//	POST /sim/servers                 [{"id":…,"name":…}, …] adds servers
//	POST /sim/servers/{id}/{what}     start, stop, lock, unlock, delete, stick,
//	                                  fail ({"code":…,"reason":…}), rename
//	                                  ({"name":…}), tags ({"tags":[…]})
//	POST /sim/faults                  {"op":"stop","times":1,"kind":"throttle","seconds":7}
//	                                  kinds as in the constants, and html_502,
//	                                  fail_job (code, reason), stick_jobs (times)
//	DELETE /sim/faults                takes back what has not struck yet
//	GET  /sim/calls                   all requests so far
//	GET  /sim/window?seconds=60       {"max":N}: most stops accepted in such a window
//	POST /sim/jobs/vanish             {"id":…} or nothing for all
func (c *Cloud) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sim/servers", func(w http.ResponseWriter, _ *http.Request) { reply(w, c.Servers()) })
	mux.HandleFunc("GET /sim/calls", func(w http.ResponseWriter, _ *http.Request) { reply(w, c.Calls()) })
	mux.HandleFunc("GET /sim/window", c.controlWindow)
	mux.HandleFunc("POST /sim/servers", c.controlAdd)
	mux.HandleFunc("POST /sim/servers/{id}/{what}", c.controlServer)
	mux.HandleFunc("POST /sim/faults", c.controlFault)
	mux.HandleFunc("DELETE /sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		c.ClearFaults()
		reply(w, struct{}{})
	})
	mux.HandleFunc("POST /sim/jobs/vanish", c.controlVanish)
	return mux
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a caller who left is no concern
}

// read decodes a body that may be absent, and answers 400 if it is broken.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if r.ContentLength == 0 {
		return true
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 12<<20))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func (c *Cloud) controlWindow(w http.ResponseWriter, r *http.Request) {
	window := c.opts.Window
	if s := r.URL.Query().Get("seconds"); s != "" {
		seconds, err := strconv.ParseFloat(s, 64)
		if err != nil || !(seconds > 0 && seconds < 1e6) {
			http.Error(w, "seconds: want a positive number", http.StatusBadRequest)
			return
		}
		window = time.Duration(seconds * float64(time.Second))
	}
	reply(w, map[string]any{"seconds": window.Seconds(), "max": c.MaxInWindow(window)})
}

func (c *Cloud) controlAdd(w http.ResponseWriter, r *http.Request) {
	var servers []Server
	if !read(w, r, &servers) {
		return
	}
	for _, s := range servers {
		if s.ID == "" {
			http.Error(w, "a server has no id", http.StatusBadRequest)
			return
		}
	}
	c.Add(servers...)
	reply(w, map[string]int{"added": len(servers)})
}

func (c *Cloud) controlServer(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Code, Reason, Name string
		Tags               []string
	}
	if !read(w, r, &given) {
		return
	}
	id := r.PathValue("id")
	var err error
	switch r.PathValue("what") {
	case "start":
		err = c.StartByHand(id)
	case "stop":
		err = c.StopByHand(id)
	case "lock":
		err = c.Lock(id, true)
	case "unlock":
		err = c.Lock(id, false)
	case "delete":
		err = c.Delete(id)
	case "stick":
		err = c.StickServer(id)
	case "fail":
		err = c.FailServer(id, given.Code, given.Reason)
	case "rename":
		err = c.Rename(id, given.Name)
	case "tags":
		err = c.SetTags(id, given.Tags...)
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	s, _ := c.Server(id)
	reply(w, s)
}

func (c *Cloud) controlFault(w http.ResponseWriter, r *http.Request) {
	given := struct {
		Op, Kind     string
		Times        int
		Seconds      float64
		Status       int
		Body         string
		Header       map[string]string
		Acts         bool
		Code, Reason string
	}{Op: "*", Times: 1}
	if !read(w, r, &given) {
		return
	}
	wait := time.Duration(given.Seconds * float64(time.Second))
	switch kind := Kind(given.Kind); kind {
	case "fail_job":
		c.FailJob(given.Code, given.Reason)
	case "stick_jobs":
		c.StickJobs(given.Times)
	case "html_502":
		fault := HTML502
		fault.Acts = given.Acts
		c.FailNext(given.Op, given.Times, fault)
	case KindStatus:
		if given.Status < 200 || given.Status > 599 {
			http.Error(w, "status: want 200 to 599", http.StatusBadRequest)
			return
		}
		fault := Status(given.Status, given.Body, given.Header)
		if given.Code != "" {
			fault = Refuse(given.Status, given.Code, given.Reason)
		}
		fault.Acts = given.Acts
		c.FailNext(given.Op, given.Times, fault)
	case KindThrottle, KindNoJobID, KindBrokenJSON, KindUnreachable, KindResetBefore,
		KindResetAfter, KindAcceptLate, KindDelay, KindHang:
		c.FailNext(given.Op, given.Times, Fault{Kind: kind, Wait: wait})
	default:
		http.Error(w, "kind: unknown", http.StatusBadRequest)
		return
	}
	reply(w, struct{}{})
}

func (c *Cloud) controlVanish(w http.ResponseWriter, r *http.Request) {
	var given struct{ ID string }
	if !read(w, r, &given) {
		return
	}
	if given.ID == "" {
		c.VanishJobs()
	} else {
		c.VanishJob(given.ID)
	}
	reply(w, struct{}{})
}
