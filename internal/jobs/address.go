package jobs

// BadAddress says what is wrong with the address of a store. It holds no part
// of the address, so that it can be shown to people.
type BadAddress string

func (b BadAddress) Error() string { return "not a URL: " + string(b) }
