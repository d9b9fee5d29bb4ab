package main

import (
	"context"
	"errors"
	"testing"

	"kagiban/hostsetup/book"
)

// TestOneAtAServer: two names of one server are worked on one after the other, two servers side by side.
func TestOneAtAServer(t *testing.T) {
	v, ctx := &visits{}, context.Background()
	one, again := book.Host{Name: "a", User: "owner", Address: "192.0.2.1", Port: 22}, book.Host{Name: "b", User: "root", Address: "192.0.2.1", Port: 22}
	leave, err := v.enter(ctx, one)
	if err != nil {
		t.Fatal(err)
	}
	leaveOther, err := v.enter(ctx, book.Host{Address: "192.0.2.1", Port: 2222})
	if err != nil {
		t.Fatal(err)
	}
	defer leaveOther()
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := v.enter(over, again); !errors.Is(err, context.Canceled) {
		t.Errorf("in while another is there: %v", err)
	}
	leave()
	if leave, err = v.enter(ctx, again); err != nil {
		t.Error(err)
	}
	leave()
}
