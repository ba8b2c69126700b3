package approvals

import (
	"fmt"
	"regexp"
	"testing"
)

func TestTheIDOfAnAskStaysTheSame(t *testing.T) {
	for _, test := range []struct {
		op   string
		n    int
		want string
	}{
		{"E1", 0, "S-AC2BE"},
		{"E1", 1, "S-5H6MG"},
		{"E2", 0, "S-TWQDN"},
		{"", 0, "S-SQ9HV"},
	} {
		if got := IDFor(test.op, test.n); got != test.want {
			t.Errorf("IDFor(%q, %d) = %s, and was %s", test.op, test.n, got, test.want)
		}
	}
}

func TestIDsAreSpreadOut(t *testing.T) {
	sayable := regexp.MustCompile(`^S-[2-9A-HJKMNP-Z]{5}$`)
	const ops = 100_000
	ids := map[string]bool{}
	var letters [5]map[byte]int
	for i := range letters {
		letters[i] = map[byte]int{}
	}
	for n := range ops {
		id := IDFor(fmt.Sprintf("op-%d", n), 0)
		if !sayable.MatchString(id) {
			t.Fatalf("%q cannot be said aloud", id)
		}
		ids[id] = true
		for i := range letters {
			letters[i][id[2+i]]++
		}
	}
	// Of 31^5 ids, chance alone gives 175 repeats.
	if repeats := ops - len(ids); repeats > 230 {
		t.Errorf("%d repeats", repeats)
	}
	for i, count := range letters {
		if len(count) != len(alphabet) {
			t.Errorf("place %d has %d different letters", i, len(count))
		}
		for letter, n := range count {
			if fair := ops / len(alphabet); n < fair*9/10 || n > fair*11/10 {
				t.Errorf("place %d: %c stands there %d times, %d would be fair", i, letter, n, fair)
			}
		}
	}
}

func TestAnIDThatIsTakenHasAnother(t *testing.T) {
	ids := map[string]bool{}
	for n := range 100 {
		ids[IDFor("E1", n)] = true
	}
	if len(ids) != 100 {
		t.Errorf("100 candidates are %d different ids", len(ids))
	}
}
