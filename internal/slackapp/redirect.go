package slackapp

import "net/http"

// sameHost lets a call follow redirects within one host only, and never from
// https to http: a redirected call carries the token in its form. Another
// redirect is handed out as the answer that it is.
func sameHost(next *http.Request, before []*http.Request) error {
	from := before[0].URL
	if len(before) > 5 || next.URL.Host != from.Host || next.URL.Scheme != from.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}
