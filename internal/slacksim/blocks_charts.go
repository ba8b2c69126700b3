package slacksim

import (
	"fmt"
	"slices"
)

// Limits of charts: characters of a label, items of a list.
const (
	chartLabel  = 20
	chartParts  = 12 // segments of a pie, series of another chart
	chartPoints = 20
)

// chart checks a data_visualization block.
func (c *checker) chart(b fields, at string) {
	c.charts++
	c.required(b, at, "title", "chart")
	c.chars(b, at, "title", 1, 50)
	o, at := c.object(b["chart"], at+"/chart"), at+"/chart"
	if o["type"] == "pie" {
		c.pie(o, at)
		return
	}
	c.oneOf(o, at, "type", "bar", "area", "line")
	c.required(o, at, "axis_config")
	c.series(o, at, c.axis(o["axis_config"], at+"/axis_config"))
}

func (c *checker) pie(o fields, at string) {
	for i, v := range c.list(o, at, "segments", 1, chartParts) {
		at := fmt.Sprintf("%s/segments/%d", at, i)
		s := c.object(v, at)
		c.required(s, at, "label", "value")
		c.chars(s, at, "label", 1, chartLabel)
		if n, ok := s["value"].(float64); s["value"] != nil && (!ok || n <= 0) {
			c.fail(at+"/value", "must be greater than 0")
		}
	}
}

// axis checks the axes of a chart and returns its categories, nil if it has none.
func (c *checker) axis(v any, at string) []string {
	if v == nil {
		return nil // that it is missing is said already
	}
	o := c.object(v, at)
	c.chars(o, at, "x_label", 1, 50)
	c.chars(o, at, "y_label", 1, 50)
	categories := []string{}
	for i, v := range c.list(o, at, "categories", 1, chartPoints) {
		c.chars(fields{"label": v}, fmt.Sprintf("%s/categories/%d", at, i), "label", 1, chartLabel)
		if s, ok := v.(string); ok {
			categories = append(categories, s)
		}
	}
	return categories
}

// series checks that each series has a name of its own and exactly one point for
// each category.
func (c *checker) series(o fields, at string, categories []string) {
	names := map[string]bool{}
	for i, v := range c.list(o, at, "series", 1, chartParts) {
		at := fmt.Sprintf("%s/series/%d", at, i)
		s := c.object(v, at)
		c.required(s, at, "name", "data")
		c.chars(s, at, "name", 1, chartLabel)
		if name, _ := s["name"].(string); names[name] {
			c.fail(at+"/name", "series %q already exists", name)
		} else {
			names[name] = true
		}
		labels := c.points(s, at)
		if categories != nil && !slices.Equal(slices.Sorted(slices.Values(labels)), slices.Sorted(slices.Values(categories))) {
			c.fail(at+"/data", "must have exactly one point for each category")
		}
	}
}

// points checks the points of a series and returns their labels.
func (c *checker) points(s fields, at string) []string {
	var labels []string
	for i, v := range c.list(s, at, "data", 1, chartPoints) {
		at := fmt.Sprintf("%s/data/%d", at, i)
		p := c.object(v, at)
		c.required(p, at, "label", "value")
		c.chars(p, at, "label", 1, chartLabel)
		if _, ok := p["value"].(float64); p["value"] != nil && !ok {
			c.fail(at+"/value", "must be a number")
		}
		label, _ := p["label"].(string)
		labels = append(labels, label)
	}
	return labels
}
