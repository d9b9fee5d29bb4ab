# What people who work on kagiban type. scripts/need, which most targets begin with, looks
# first and says what is missing.
.POSIX:
.PHONY: help build windows lint test test-all test-windows bench demo cover clean

# Stripped, and without what urfave/cli has for manuals, which begins half a millisecond later.
BUILD = go build -trimpath -tags urfave_cli_no_docs -ldflags '-s -w'

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

build: ## bin/kagiban
	CGO_ENABLED=0 $(BUILD) -o bin/ ./cmd/kagiban

windows: ## bin/windows-*/: kagiban.exe, and kagibanw.exe, the same without a window, which starts in the background and at login
	@for arch in amd64 arm64 386; do echo "windows/$$arch"; \
	  GOOS=windows GOARCH=$$arch $(BUILD) -o bin/windows-$$arch/kagiban.exe ./cmd/kagiban && \
	  GOOS=windows GOARCH=$$arch $(BUILD:-w'=-w -H=windowsgui') -o bin/windows-$$arch/kagibanw.exe ./cmd/kagiban || exit 1; done

lint: ## gofmt, vet for four systems, build for every Windows, staticcheck, shellcheck
	@scripts/need lint
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "gofmt -w $$out"; exit 1; fi
	@for os in linux darwin windows freebsd; do echo "go vet for $$os"; GOOS=$$os go vet -tags=wine ./... || exit 1; done
	@for arch in 386 arm64; do echo "go vet for windows/$$arch"; GOOS=windows GOARCH=$$arch go vet ./... || exit 1; done
	@$(MAKE) -s windows
	@for os in linux windows; do echo "staticcheck for $$os"; \
	  GOOS= go build -modfile=scripts/tools/go.mod -o bin/ honnef.co/go/tools/cmd/staticcheck && \
	  GOOS=$$os bin/staticcheck -tags=wine ./... || exit 1; done
	@echo shellcheck
	@shellcheck -x $$(grep -rlE '^#! ?/(usr/)?bin/(env )?(ba|da)?sh' .ci scripts)

test: ## every test that this machine can run, and what they come to
	@scripts/test

test-windows: ## every test as a Windows program, and PuTTY's own tools with kagiban.exe, by wine
	@scripts/windows test

test-all: test ## the same, and what takes longer: OpenSSH's tests, other clients, Windows, the throwaway servers' own test, every scenario on every release, 200 random kills, how fast the agent is
	@if [ "$$(id -u)" = 0 ]; then scripts/vps_test.sh; else sudo scripts/vps_test.sh; fi
	@scripts/regress
	@scripts/clients
	@scripts/windows test
	@scripts/test-matrix
	@scripts/bench-agents -gate

bench: ## the agent beside ssh-agent, pageant and that of golang.org/x/crypto: docs/performance.md; needs a quiet machine
	@scripts/bench-agents

demo: ## a throwaway server made key-only, before your eyes
	@scripts/need demo
	@scripts/demo

cover: ## how much of each package its tests run
	@go test -cover ./...

clean: ## removes bin/
	rm -rf bin
