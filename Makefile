# Every command of the project; the work is done by scripts/.

.PHONY: help run example client install test bench bench-docs stop clean-cluster env

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## install what is missing, build, start a private server, take the tour
	@scripts/setup
	@scripts/install
	@scripts/cluster start
	@scripts/tour

example: ## show tenants kept apart: examples/multi-tenant on the private server
	@examples/multi-tenant/run

client: ## build the TypeScript client and run the tests that need no server
	@scripts/setup tests
	@scripts/client test

install: ## build the release and install it into PostgreSQL 15
	@scripts/setup
	@scripts/install

test: ## everything that tests
	@scripts/test

bench: ## measure: needs a quiet machine
	@bench/run

bench-docs: ## put the last measurement into docs/performance.md and draw its picture
	@bench/publish

stop: ## stop the private server
	@scripts/cluster stop

clean-cluster: ## stop the private server and delete its data
	@scripts/cluster remove

env: ## print the shell lines for the private server: eval "$(make -s env)"
	@scripts/cluster env
