DOCKER  ?= docker
IMAGE   ?= ecsbot
SEEDS   ?= 20
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

help: ## Print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: redis ## Run all tests with the race detector
	go test -race ./...

redis: ## Install redis-server, which tests need, where it is missing
	@command -v redis-server >/dev/null || { \
	  SUDO=; [ "$$(id -u)" = 0 ] || SUDO="$$(command -v sudo)" || SUDO=none; \
	  if [ "$$SUDO" = none ] || ! command -v apt-get >/dev/null; then \
	    echo "redis-server is missing: install it with your system's packages (redis-server or redis)" >&2; exit 1; \
	  fi; \
	  $$SUDO apt-get update && $$SUDO apt-get install -y --no-install-recommends redis-server; }

lint: format vet static tidy modern vuln ## Check form, mistakes, modules and known vulnerabilities

format:
	@files=$$(gofmt -l .); [ -z "$$files" ] || { echo "gofmt -w is needed:"; echo "$$files"; exit 1; }

vet:
	go vet ./...
	go vet -tags crashpoints,campaign ./...

static: # one run over both builds: code that only one of them uses is used
	printf 'plain:\ntagged: -tags=crashpoints,campaign\n' | go tool -modfile=tools.mod staticcheck -matrix ./...

tidy:
	go mod tidy -diff

modern:
	go fix -diff ./...

vuln: # its database is on the network; not to reach it is no finding
	@echo govulncheck ./...; out=$$(go tool -modfile=tools.mod govulncheck ./... 2>&1) && echo "$$out" || { \
	  echo "$$out"; echo "$$out" | grep -q 'fetching vulnerabilities' && \
	  echo "govulncheck: NOT CHECKED, the database cannot be reached"; }

demo: ## Play the demo: the bot in a simulated world, from asking to stopped
	go run ./cmd/demo -script

campaign: redis ## Break things at random for SEEDS (20) seeds; takes long
	go test -race -tags campaign -run Campaign -timeout 0 ./internal/bot -seeds=$(SEEDS)

build: ## Build bin/bot
	CGO_ENABLED=0 go build -trimpath -o bin/bot ./cmd/bot

image: ## Build the container image
	$(DOCKER) build --build-arg VERSION=$(VERSION) -t $(IMAGE) .

.PHONY: help test redis lint format vet static tidy modern vuln demo campaign build image
