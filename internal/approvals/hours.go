package approvals

import (
	"slices"
	"time"
	_ "time/tzdata" // all replicas know the same zones, whatever their image has
)

// Contains reports whether at is within the hours. It fails if the zone is unknown.
func (h Hours) Contains(at time.Time) (bool, error) {
	zone, err := time.LoadLocation(h.Zone)
	if err != nil {
		return false, err
	}
	at = at.In(zone)
	minute, today := at.Hour()*60+at.Minute(), at.Weekday()
	if h.To > h.From {
		return h.on(today) && h.From <= minute && minute < h.To, nil
	}
	yesterday := (today + 6) % 7
	return h.on(today) && h.From <= minute || h.on(yesterday) && minute < h.To, nil
}

// on reports whether the hours begin on that day.
func (h Hours) on(day time.Weekday) bool { return len(h.Days) == 0 || slices.Contains(h.Days, day) }
