package slackapp

import "fmt"

// Words of the newer blocks.

// The outcome's table.

const (
	sayTableCaption = "Result of each server"
	sayNothing      = "–" // a cell without a value
	sayUnconfirmed  = "no job confirms it"
)

var sayTableHeader = []string{"Server", "Result", "Code", "Reason", "Seconds"}

// sayRowsLeft tells of the servers that the table does not show.
func sayRowsLeft(n int, file bool) string {
	if file {
		return fmt.Sprintf(":page_facing_up: The table leaves out %s. All of them follow as a file.", count(n, "server"))
	}
	return fmt.Sprintf("The table leaves out %s.", count(n, "server"))
}
