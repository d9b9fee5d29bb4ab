package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"kagiban/agent"
	"kagiban/agent/helper"
)

// hardware is agent.Hardware by way of OpenSSH's helpers.
type hardware struct{ helper *helper.Hardware }

// newHardware lets providers be used whose paths match allowed (ssh-agent -P; "" is what ssh-agent allows). Where the helpers are,
// SSH_SK_HELPER and SSH_PKCS11_HELPER say, as in ssh-agent(1).
func newHardware(getenv func(string) string, allowed string, log *slog.Logger) agent.Hardware {
	o := helper.Options{SKHelper: getenv("SSH_SK_HELPER"), PKCS11Helper: getenv("SSH_PKCS11_HELPER"), Log: log}
	if allowed != "" {
		o.Allowed = []string{allowed}
	}
	return hardware{helper.New(o)}
}

func (h hardware) SignFIDO(ctx context.Context, provider string, key, data, pin []byte) ([]byte, error) {
	signature, err := h.helper.SignFIDO(ctx, provider, key, data, pin)
	return signature, hardwareError(err)
}

func (h hardware) OpenToken(ctx context.Context, provider string, pin []byte) (agent.Token, error) {
	t, err := h.helper.OpenToken(ctx, provider, pin)
	if err != nil {
		return nil, hardwareError(err)
	}
	return hardToken{t}, nil
}

func (h hardware) CheckProvider(provider string) (string, error) {
	path, err := h.helper.CheckProvider(provider)
	return path, hardwareError(err)
}

type hardToken struct{ *helper.Token }

func (t hardToken) Keys() []agent.TokenKey {
	keys := make([]agent.TokenKey, 0, len(t.Token.Keys()))
	for _, k := range t.Token.Keys() {
		keys = append(keys, k)
	}
	return keys
}

// hardwareError says it in the agent's words, too.
func hardwareError(err error) error {
	switch {
	case errors.Is(err, helper.ErrNeedPIN):
		return fmt.Errorf("%w: %w", agent.ErrNeedPIN, err)
	case errors.Is(err, helper.ErrNotAllowed):
		return fmt.Errorf("%w: %w", agent.ErrProvider, err)
	}
	return err
}
