package bot

// Fast is the quick clock of the stories.
var Fast = fast
