package slackapp

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
)

// doer carries the calls to Slack. The address of an upload or a response_url
// is itself the right to write there, so no error that it returns names one.
type doer struct{ client *http.Client }

func (d doer) Do(req *http.Request) (*http.Response, error) {
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, clean(err)
	}
	return resp, nil
}

// address is a URL up to its host, and the rest of it.
var address = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^\s/@"]*@)?([^\s/?#"]*)[^\s"]*`)

// cleanError is an error whose text names no address but its host.
type cleanError struct{ err error }

func (e cleanError) Error() string { return address.ReplaceAllString(e.err.Error(), "$1$2/…") }

// Unwrap leads to the cause, past a *url.Error: somebody may print that one.
func (e cleanError) Unwrap() error {
	if u, ok := errors.AsType[*url.Error](e.err); ok {
		return u.Err
	}
	return e.err
}

// clean takes the addresses out of an error, for the log. A nil one stays nil.
func clean(err error) error {
	if err == nil {
		return nil
	}
	return cleanError{err}
}
