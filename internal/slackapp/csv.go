package slackapp

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ecsbot/internal/approvals"

	"github.com/slack-go/slack"
)

// filePatience is how long a file that cannot be uploaded is tried again. What
// else is said in the thread does not wait for it.
const filePatience = 10 * time.Minute

// postFile shares a file in the request's thread. Only the last of its three
// calls shows anything; what came of that one is looked up by the file's title
// ([App.FindPost]).
func (po *poster) postFile(ctx context.Context, m approvals.Message) approvals.Delivery {
	shown, err := po.shareFile(ctx, m)
	if err == nil {
		return approvals.Delivery{Status: approvals.Posted}
	}
	d := fateOf(err)
	d.WholeMethod, d.UnknownCode = false, false // these calls have a pace and a patience of their own
	if d.Status == approvals.MaybePosted && !shown {
		d.Status = approvals.NotPosted
	}
	if d.Status == approvals.MaybePosted {
		return d // it may be shared: it is looked for
	}
	late := time.Since(m.Notes[0].At) > filePatience && d.RetryAfter == 0
	if d.Status != approvals.Posted && (late || certainNo(err)) {
		d.Status = approvals.Rejected
	}
	return d
}

// errAddress says that Slack's address for an upload is none that may be sent
// to.
var errAddress = errors.New("the address for the upload is refused")

// certainNo reports whether another try of an upload will do no better: the
// right is missing (in an app that was made before it was asked for), or its
// host, or a proxy before it, refuses.
func certainNo(err error) bool {
	status, refused := errors.AsType[slack.StatusCodeError](err)
	passes := status.Code == http.StatusRequestTimeout || status.Code == http.StatusTooManyRequests
	return errors.Is(err, errAddress) || hasSlackCode(err, "missing_scope") || refused && status.Code/100 == 4 && !passes
}

// shareFile makes the calls. shown tells whether the last one was begun.
func (po *poster) shareFile(ctx context.Context, m approvals.Message) (shown bool, err error) {
	r := m.Request
	f, err := po.fileOf(ctx, m)
	if err != nil {
		return false, err
	}
	at, err := po.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: f.name, FileSize: len(f.content)})
	if err != nil {
		return false, fmt.Errorf("files.getUploadURLExternal: %w", err)
	}
	if err := po.api.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: at.UploadURL, Content: f.content, Filename: f.name}); err != nil {
		if strings.Contains(err.Error(), "refusing to send the token") {
			err = errors.Join(errAddress, err)
		}
		return false, fmt.Errorf("upload: %w", err)
	}
	_, err = po.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
		Files:   []slack.FileSummary{{ID: at.FileID, Title: f.title}},
		Channel: r.Thread.Channel, ThreadTimestamp: r.Thread.TS, InitialComment: f.comment,
	})
	if err != nil {
		return true, fmt.Errorf("files.completeUploadExternal: %w", err)
	}
	return true, nil
}

// file is a file in a thread, and what is said with it.
type file struct{ name, title, comment, content string }

// fileOf is the file that m tells: the frozen list, or what became of it.
func (po *poster) fileOf(ctx context.Context, m approvals.Message) (file, error) {
	r := m.Request
	if m.Notes[0].Topic == approvals.TopicResults {
		return file{r.ID + "-results.csv", sayResultsTitle(r.ID), sayResultsComment(r), resultsCSV(m.Batches)}, nil
	}
	frozen, err := po.desk.ServerList(ctx, r.ID)
	if err != nil {
		return file{}, err
	}
	return file{r.ID + ".csv", sayListTitle(r.ID), sayListComment(r), listCSV(frozen)}, nil
}

// tells reports whether the message is the one that tells the note id: by its
// metadata, or as a file, which cannot carry any.
func tells(m slack.Message, r approvals.Request, id string) bool {
	title := ""
	switch id {
	case r.ID + approvals.ListNote:
		title = sayListTitle(r.ID)
	case r.ID + approvals.ResultsNote:
		title = sayResultsTitle(r.ID)
	}
	if title != "" {
		return slices.ContainsFunc(m.Files, func(f slack.File) bool { return f.Title == title })
	}
	all, _ := m.Metadata.EventPayload["all"].(string)
	return m.Metadata.EventType == eventType && slices.Contains(strings.Fields(all), id)
}

// resultsCSV is what became of each server as a table, in the list's order. The seconds
// are from when the cloud accepted the call until the outcome was known.
func resultsCSV(batches []approvals.Batch) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Write([]string{"name", "id", "outcome", "code", "reason", "seconds"})
	for _, batch := range batches {
		for _, r := range batch.Results {
			reason := sayCause(r.Cause())
			if reason == "" && r.Skip != "" {
				reason = sayWhy(r.Skip)
			}
			seconds := ""
			if r.Seconds > 0 {
				seconds = strconv.Itoa(r.Seconds)
			}
			w.Write([]string{cell(r.Server.Name), cell(r.Server.ID), sayOutcome(r), cell(r.Code), cell(reason), seconds})
		}
	}
	w.Flush()
	return b.String()
}

// needsFile reports whether the results are too many for a message.
func needsFile(batches []approvals.Batch) bool {
	var t approvals.Tally
	for _, b := range batches {
		t = t.Plus(b.Tally())
	}
	return t.Long()
}

// listCSV is the frozen list as a table: one line a server, then what is left
// out.
func listCSV(f approvals.ServerList) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	row := func(s approvals.Server, out string) {
		w.Write([]string{cell(s.Name), cell(s.ID), cell(s.Status), cell(s.Address), cell(s.Flavor), cell(strings.Join(s.Tags, " ")), out})
	}
	w.Write([]string{"name", "id", "state", "address", "flavor", "tags", "skipped"})
	for _, s := range f.Servers {
		row(s, "")
	}
	for _, l := range f.LeftOut {
		row(l.Server, sayWhy(l.Skip))
	}
	w.Flush()
	return b.String()
}

// signs are what a spreadsheet takes for the beginning of a formula, also in
// their full width.
const signs = "=+-@＝＋－＠"

// cell keeps a spreadsheet from taking foreign text for a formula. Where
// semicolons separate columns, and with line breaks, a text is several cells.
func cell(s string) string {
	var b strings.Builder
	begins := true
	for _, r := range s {
		if begins && strings.ContainsRune(signs+"\t\r", r) {
			b.WriteByte('\'')
		}
		b.WriteRune(r)
		begins = strings.ContainsRune(";；\n\r\t", r) || begins && r == ' '
	}
	return b.String()
}
