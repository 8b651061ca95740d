# A thin door to the presets and scripts; nothing is decided here.
REPO ?= .
JOBS ?= $(shell nproc)
WRENCH := build/release/wrench

.PHONY: help review release test test-long bench fmt tidy coverage clean
.DEFAULT_GOAL := help

help:
	@echo "make review [REPO=path]   set up, build, review a repository (default: this one)"
	@echo "make test                 set up, build, run every test and check"
	@echo "make test-long            sanitizers, fuzzing, long simulation, kill loop (about an hour)"
	@echo "make bench                benchmarks, with ratios to peers where these are installed"
	@echo "make fmt | tidy           format all sources | lint the changed ones"
	@echo "make coverage             line coverage of src/"
	@echo "make clean                remove build/"

release:
	@scripts/setup.sh build
	@scripts/build.sh release $(JOBS) wrench

# A review that finds something (1) or had to skip a file (10) did its work; anything else is a failure.
review: release
	@$(WRENCH) review "$(REPO)" || case $$? in 1|10) ;; *) exit $$? ;; esac

test:
	@scripts/setup.sh test
	@scripts/build.sh dev $(JOBS) all all_verify_interface_header_sets
	@ctest --preset dev -LE long -j $(JOBS)

test-long:
	@scripts/setup.sh dev
	@scripts/test_long.sh

bench:
	@scripts/setup.sh test
	@scripts/build.sh release $(JOBS) wrench wrench_benchmarks
	@python3 bench/run.py --wrench $(WRENCH)

fmt:
	@scripts/setup.sh dev
	@scripts/check_format.sh --fix

tidy:
	@scripts/setup.sh dev
	@scripts/tidy.sh

coverage:
	@scripts/setup.sh dev
	@scripts/coverage.sh

clean:
	rm -rf build
