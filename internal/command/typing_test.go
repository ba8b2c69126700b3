package command

import (
	"testing"
)

func TestAsTyped(t *testing.T) {
	for text, want := range map[string]string{
		"<http://x.org|x.org>":                   "x.org",
		"<http://x.org>":                         "http://x.org",
		"<http://x.org?a=1&amp;b|x.org?a&amp;b>": "x.org?a&b",
		"<mailto:joe@x.org>":                     "joe@x.org",
		"<tel:123|123>":                          "123",
		"<@U1> <@W2|ann> <@U3|@joe>":             "@U1 @ann @joe",
		"<#C1|ops> <#C2|> <#C3>":                 "#ops #C2 #C3",
		"<!subteam^S1> <!subteam^S1|@ops>":       "@S1 @ops",
		"<!here> <!channel|channel>":             "@here @channel",
		"<!date^1^{date}|today>":                 "today",
		"&lt;@U1&gt; &amp;lt;":                   "<@U1> &lt;",
		"<web-1> <":                              "<web-1> <",
		"a\u00a0b\r\nc\u2029d\te":                "a b\n\nc\nd e",
		"a\u200d\u00ad\ufeff\ufe0fb":             "ab",
		"a\xffb":                                 "a\ufffdb",
		"```\na\n```":                            "\na\n",
		" `a b` ":                                "a b",
		"`a` `b`":                                "`a` `b`",
		"```a `b` c```":                          "a `b` c",
		"```":                                    "```",
	} {
		if got := asTyped(text); got != want {
			t.Errorf("asTyped(%q) = %q, want %q", text, got, want)
		}
	}
}
