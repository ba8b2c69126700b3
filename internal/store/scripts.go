package store

import (
	"embed"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var luaFiles embed.FS

// script joins lua/lib.lua and the named files to one script. Each file explains at
// its top what it does, and its KEYS, ARGV and results.
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

// flag is a truth value as the scripts take it in ARGV: '1' or '0'.
func flag(set bool) string {
	if set {
		return "1"
	}
	return "0"
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
