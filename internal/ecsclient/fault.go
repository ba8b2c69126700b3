package ecsclient

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// fault is the content of an error answer, which has many forms.
type fault struct {
	code, message, requestID string
}

// maxMessage is how much of an error text is kept, in characters.
const maxMessage = 400

// readFault finds code, message and request id in an error body:
//
//	{"error":{"code":"Ecs.0005","message":"…"}}             ECS, with or without details
//	{"error":{…},"internalError":[{"error_code":"…"}]}      ECS batch calls
//	{"error_code":"…","error_msg":"…","request_id":"…"}     the gateway, IAM policies
//	{"code":"Common.0011","message":"…"}                    the job query
//	{"error":{"code":401,"message":"…","title":"…"}}        IAM: a number for a code
//	{"badRequest":{"code":400,"message":"…"}}               Nova
//	{"error":{"code":"Ecs.1000","message":"{\"badRequest\":…}"}}   Nova inside ECS
//
// Anything else (HTML from a proxy, nothing at all) gives an empty fault.
func readFault(body []byte) fault {
	f := faultIn(body)
	// Ecs.1000 carries Nova's answer as escaped JSON; the code is kept, the text becomes Nova's.
	if strings.HasPrefix(f.message, "{") {
		if inner := faultIn([]byte(f.message)); inner.message != "" {
			f.message = inner.message
		}
	}
	f.code = brief(f.code, 64)
	f.message = brief(f.message, maxMessage)
	f.requestID = brief(f.requestID, 128)
	return f
}

func faultIn(body []byte) fault {
	fields := fieldsOf(body)
	f := coded(fields)
	f.requestID = firstText(fields, "request_id", "requestId")
	if f.code != "" || f.message != "" {
		return f
	}
	f.message = firstText(fields, "error") // {"error":"some words"}
	// Other forms are objects under a name of their own, "error" before "badRequest".
	names := append([]string{"error"}, slices.Sorted(maps.Keys(fields))...)
	for _, name := range names {
		inner := fieldsOf(first(fields[name]))
		nested := coded(inner)
		if nested.code == "" && nested.message == "" {
			continue
		}
		if nested.message == "" {
			nested.message = coded(fieldsOf(first(inner["details"]))).message
		}
		f.code, f.message = nested.code, nested.message
		break
	}
	return f
}

// coded reads code and message from these fields, without nested ones.
func coded(fields map[string]json.RawMessage) fault {
	return fault{
		code:    firstText(fields, "error_code", "errorCode", "code"),
		message: firstText(fields, "error_msg", "errorMsg", "error_message", "message", "title"),
	}
}

// fieldsOf returns the fields of a JSON object; none if raw is anything else.
func fieldsOf(raw []byte) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	return fields
}

// first returns the first element of a list, and anything else unchanged.
func first(raw json.RawMessage) json.RawMessage {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return raw
	}
	return list[0]
}

// firstText returns the first of the named fields that contains text or a number.
func firstText(fields map[string]json.RawMessage, names ...string) string {
	for _, name := range names {
		var t text
		if raw, ok := fields[name]; ok && json.Unmarshal(raw, &t) == nil && t != "" {
			return string(t)
		}
	}
	return ""
}

// brief puts s on one line of at most n characters.
func brief(s string, n int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	for i := range s {
		if n == 0 {
			return s[:i] + "…"
		}
		n--
	}
	return s
}
