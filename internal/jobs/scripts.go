package jobs

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/permits.lua
var permitsLua string

//go:embed lua/commit.lua
var commitLua string

//go:embed lua/room.lua
var roomLua string

//go:embed lua/claim.lua
var claimLua string

//go:embed lua/release.lua
var releaseLua string

//go:embed lua/beat.lua
var beatLua string

//go:embed lua/open.lua
var openLua string

//go:embed lua/freeze.lua
var freezeLua string

//go:embed lua/record.lua
var recordLua string

//go:embed lua/ask.lua
var askLua string

//go:embed lua/mark.lua
var markLua string

//go:embed lua/home.lua
var homeLua string

//go:embed lua/watch.lua
var watchLua string

// What each script does, and its KEYS, ARGV and results, stands above its code.
var (
	commitScript  = redis.NewScript(permitsLua + commitLua)
	roomScript    = redis.NewScript(permitsLua + roomLua)
	beatScript    = redis.NewScript(permitsLua + beatLua)
	openScript    = redis.NewScript(permitsLua + openLua)
	freezeScript  = redis.NewScript(permitsLua + freezeLua)
	claimScript   = redis.NewScript(permitsLua + claimLua)
	releaseScript = redis.NewScript(permitsLua + releaseLua)
	recordScript  = redis.NewScript(permitsLua + recordLua)
	markScript    = redis.NewScript(permitsLua + markLua)
	homeScript    = redis.NewScript(permitsLua + homeLua)
	askScript     = redis.NewScript(askLua)
	watchScript   = redis.NewScript(permitsLua + watchLua)
)
