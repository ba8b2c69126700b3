package ecssim

import (
	"fmt"
	"math/rand/v2"
)

// kinds are what a fleet is made of.
var kinds = []struct {
	name, flavor, role string
	share              int // of 20
}{
	{"web", "s6.large.2", "frontend", 6},
	{"api", "c7.xlarge.2", "backend", 5},
	{"worker", "c7.large.4", "batch", 4},
	{"db", "m7.2xlarge.8", "database", 2},
	{"cache", "m7.large.8", "cache", 2},
	{"bastion", "t6.small.1", "access", 1},
}

// Fleet makes n believable servers: web-1, api-1, db-1 and so on, each with a
// UUID, an address of its own and tags. The same seed gives the same fleet.
func Fleet(n int, seed uint64) []Server {
	draw := rand.New(rand.NewPCG(seed, 2))
	var deck []int
	for k, kind := range kinds {
		for range kind.share {
			deck = append(deck, k)
		}
	}
	count := make([]int, len(kinds))
	fleet := make([]Server, n)
	for i := range fleet {
		k := deck[draw.IntN(len(deck))]
		count[k]++
		env := []string{"prod", "staging", "dev", "dev"}[draw.IntN(4)]
		s := Server{
			ID:           uuid(draw),
			Name:         fmt.Sprintf("%s-%d", kinds[k].name, count[k]),
			Status:       active,
			Zone:         "ap-southeast-1" + string(rune('a'+draw.IntN(3))),
			Flavor:       kinds[k].flavor,
			Address:      fmt.Sprintf("10.%d.%d.%d", 10+i/62500, i/250%250, 4+i%250),
			ChargingMode: "0",
			Tags:         []string{"env=" + env, "role=" + kinds[k].role},
		}
		if draw.IntN(10) == 0 {
			s.ChargingMode = "1"
		}
		if draw.IntN(12) == 0 {
			s.Tags = append(s.Tags, "keep") // a tag without value is a bare key
		}
		if env == "dev" && draw.IntN(10) == 0 {
			s.Status = shutoff
		}
		fleet[i] = s
	}
	return fleet
}

func uuid(draw *rand.Rand) string {
	a, b := draw.Uint64(), draw.Uint64()
	a = a&^0xf000 | 0x4000 // version 4
	b = b&^(3<<62) | 2<<62 // variant 1
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}
