package approvals

import (
	"reflect"
	"slices"
	"testing"
)

func TestExplainNamesWhatEachServerNeeds(t *testing.T) {
	web, dev, db, dark := server("web-1"), server("dev-1", "env=dev"), server("db-1"), Server{ID: "id-dark", Name: "dark", TagsUnknown: true}
	rules := []Rule{needsLead, autoDev, {Name: "tagged", Tags: []string{"env=prod"}, Reason: true}}
	e := ruled(rules...).Explain(Subject{Mode: Soft, Servers: []Server{web, dev, db, dark}}, noon)
	if want := []string{"dev", "prod", "tagged"}; !slices.Equal(e.Names(), want) {
		t.Fatalf("rules %v, want %v", e.Names(), want)
	}
	if want := [][]Server{{dev}, {web}, {dark}}; !reflect.DeepEqual(e.Touched, want) {
		t.Errorf("touched %+v", e.Touched)
	}
	if !reflect.DeepEqual(e.Auto, []Server{dev}) || !reflect.DeepEqual(e.Defaults, []Server{db, dark}) {
		t.Errorf("automatic %+v, by default %+v", e.Auto, e.Defaults)
	}
	if e.Automatic || e.Approvals() != 2 {
		t.Errorf("automatic %v, %d approvals", e.Automatic, e.Approvals())
	}
	if e := ruled().Explain(Subject{Servers: []Server{web}}, noon); len(e.Rules) != 0 || len(e.Defaults) != 1 {
		t.Errorf("without rules: %+v", e)
	}
}
