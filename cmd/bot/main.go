// Command bot is a Slack bot that stops cloud servers once the right people
// have approved.
package main

import (
	"os"

	"ecsbot/internal/bot"
)

func main() {
	os.Exit(bot.Main(os.Args[1:], os.Stdout, os.Stderr))
}
