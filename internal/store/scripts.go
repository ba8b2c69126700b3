package store

import (
	"embed"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var luaFiles embed.FS

// script is the script of lua/<name>.lua, with the files before it that it needs.
// What each does, and its KEYS, ARGV and results, is said above its code.
func script(names ...string) *redis.Script {
	var code strings.Builder
	for _, name := range append([]string{"lib"}, names...) {
		b, err := luaFiles.ReadFile("lua/" + name + ".lua")
		if err != nil {
			panic(err) // unreachable unless program bug: the files are compiled in
		}
		code.Write(b)
	}
	return redis.NewScript(code.String())
}

var (
	commitScript  = script("permits", "commit")
	roomScript    = script("permits", "room")
	beatScript    = script("permits", "beat")
	openScript    = script("permits", "open")
	blockScript   = script("block")
	claimScript   = script("claim")
	releaseScript = script("release")
	recordScript  = script("record")
	markScript    = script("mark")
	viewedScript  = script("viewed")
	countScript   = script("count")
	waitingScript = script("waiting")
	turnScript    = script("turns", "turn")
	freeScript    = script("turns", "free")
)
