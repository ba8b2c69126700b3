DOCKER  ?= docker
IMAGE   ?= ecsbot
SEEDS   ?= 20
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

help: ## Print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

BROWSER := command -v chromium || command -v chromium-browser || command -v google-chrome || command -v google-chrome-stable
BROWSER := { $(BROWSER) || test -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; } >/dev/null

test: redis valkey chromium ## Run all tests with the race detector
	@if $(BROWSER); then echo go test -race ./...; go test -race ./...; \
	else echo "no Chromium: the demo's page is NOT TESTED" >&2; go test -race -skip '^TestPage' ./...; fi
	@if command -v valkey-server >/dev/null; then echo "internal/store and internal/jobs on Valkey"; ECSBOT_REDIS_SERVER=valkey-server go test ./internal/store ./internal/jobs; \
	else echo "no valkey-server: Valkey is NOT TESTED" >&2; fi

redis: ## Install redis-server, which tests need, where it is missing
	@command -v redis-server >/dev/null || { \
	  SUDO=; [ "$$(id -u)" = 0 ] || SUDO="$$(command -v sudo)" || SUDO=none; \
	  if [ "$$SUDO" = none ] || ! command -v apt-get >/dev/null; then \
	    echo "redis-server is missing: install it with your system's packages (redis-server or redis)" >&2; exit 1; \
	  fi; \
	  $$SUDO apt-get update && $$SUDO apt-get install -y --no-install-recommends redis-server; }

valkey: ## Install Valkey, on which the store's tests run, too, where Debian has it
	@command -v valkey-server >/dev/null || { \
	  SUDO=; [ "$$(id -u)" = 0 ] || SUDO="$$(command -v sudo)" || SUDO=none; \
	  if [ "$$SUDO" != none ] && command -v apt-get >/dev/null; then \
	    $$SUDO apt-get update; . /etc/os-release; \
	    if ! apt-cache policy valkey-server | grep -q 'Candidate: [0-9]' && [ "$$VERSION_CODENAME" = bookworm ]; then \
	      site="$$(apt-get indextargets --format '$$(SITE) $$(RELEASE)' 'Created-By: Packages' | sed -n 's/ bookworm$$//p' | head -1)"; \
	      echo "deb $$site bookworm-backports main" | $$SUDO tee /etc/apt/sources.list.d/bookworm-backports.list; $$SUDO apt-get update; \
	    fi; \
	    $$SUDO apt-get install -y --no-install-recommends valkey-server || echo "Valkey cannot be installed" >&2; \
	  fi; }

chromium: ## Install Chromium, which tests of the demo's page need, where it is missing
	@$(BROWSER) || { \
	  SUDO=; [ "$$(id -u)" = 0 ] || SUDO="$$(command -v sudo)" || SUDO=none; \
	  if [ "$$SUDO" != none ] && command -v apt-get >/dev/null; then \
	    $$SUDO apt-get update && $$SUDO apt-get install -y --no-install-recommends chromium fonts-noto-color-emoji; \
	  fi; }

lint: format vet static tidy modern bundle vuln ## Check form, mistakes, modules and known vulnerabilities

format:
	@files=$$(gofmt -l .); [ -z "$$files" ] || { echo "gofmt -w is needed:"; echo "$$files"; exit 1; }

vet:
	go vet ./...
	go vet -tags crashpoints,campaign,fixtures ./...

static: # one run over both builds: code that only one of them uses is used
	printf 'plain:\ntagged: -tags=crashpoints,campaign,fixtures\n' | go tool -modfile=tools.mod staticcheck -matrix ./...

tidy:
	go mod tidy -diff

modern:
	go fix -diff ./...

vuln: # its database is on the network; not to reach it is no finding
	@echo govulncheck ./...; out=$$(go tool -modfile=tools.mod govulncheck ./... 2>&1) && echo "$$out" || { \
	  echo "$$out"; echo "$$out" | grep -q 'fetching vulnerabilities' && \
	  echo "govulncheck: NOT CHECKED, the database cannot be reached"; }

bundle: # the page that is committed is what its sources give
	@command -v npm >/dev/null || { echo "no npm: that cmd/demo/page/dist is up to date is NOT CHECKED"; exit 0; }; \
	set -e; again="$$(mktemp -d)"; trap 'rm -rf "$$again"' EXIT; \
	cd cmd/demo/page; npm ci --silent; node build.mjs "$$again"; \
	diff -r dist "$$again" >/dev/null || { echo "cmd/demo/page/dist is old: make page"; exit 1; }; echo "cmd/demo/page/dist is what its sources give"

page: ## Rebuild the demo's page from cmd/demo/page/src (needs node)
	cd cmd/demo/page && npm ci && node build.mjs

pictures: chromium ## Make the pictures of README and docs again from the demo's page
	go test ./cmd/demo -run 'TestPagePictures|TestPageNewerBlocks' -count 1 -args -pictures "$(CURDIR)/docs"

demo: ## Open the demo in the browser: the bot in a simulated world
	go run ./cmd/demo

script: ## Play the demo in the terminal: six stories, from asking to stopped
	go run ./cmd/demo -script

campaign: redis ## Break things at random for SEEDS (20) seeds; takes long
	go test -race -tags campaign -run Campaign -timeout 0 ./internal/bot -seeds=$(SEEDS)

busy: redis ## Measure channels that are behind: 200 requests in one, 1,000 running ones in ten; takes 20 minutes
	go test -tags campaign -run InFull -count 1 -timeout 60m -v ./internal/bot

rolling: redis ## Replace replicas of the bot at ECSBOT_OLD by this version while people work
	go test -race -tags campaign -run TestRollingUpgrade -count 1 -timeout 10m -v ./internal/bot

build: ## Build bin/bot
	CGO_ENABLED=0 go build -trimpath -o bin/bot ./cmd/bot

image: ## Build the container image
	$(DOCKER) build --build-arg VERSION=$(VERSION) -t $(IMAGE) .

.PHONY: help test redis valkey chromium lint format vet static tidy modern bundle vuln page pictures demo script campaign busy rolling build image
