#!/usr/bin/env bash
# The long tests: scripts/test_long.sh [asan|tsan|fuzz|simulation|kill|networks|plans|schedules]...   (default: all)
# FUZZ_SECONDS (60) is for each fuzz target, SIMULATION_RUNS (200000) for the simulator, KILLS (300) for the kill loop.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(asan tsan fuzz simulation kill networks plans schedules)

sanitized() {
  scripts/build.sh "$1" "$jobs" all
  # The mutations look for violations, thousands of runs each: they would take an hour here and race no more than the rest.
  ctest --preset "$1" -LE 'long|house' -E workflow_sim_mutations -j "$jobs"
}

fuzz() {
  scripts/build.sh asan "$jobs" wrench_fuzz_targets
  local count=0 name corpus seeds
  while IFS= read -r target; do
    name=$(basename "$target")
    corpus=build/asan/fuzz/corpus/$name
    mkdir -p "$corpus"
    # New inputs go to the first folder; the module's test data are seeds.
    seeds=$(dirname "${target#build/asan/}")/testdata
    [ -d "$seeds" ] || seeds=
    echo "fuzz: $name, ${FUZZ_SECONDS:-60} s"
    "$target" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=4096 -rss_limit_mb=2048 -timeout=20 -print_final_stats=1 \
      -artifact_prefix="build/asan/fuzz/$name-" "$corpus" ${seeds:+"$seeds"} >"build/asan/fuzz/$name.log" 2>&1 || { tail -40 "build/asan/fuzz/$name.log"; exit 1; }
    grep -E 'number_of_executed_units|average_exec_per_sec' "build/asan/fuzz/$name.log"
    count=$((count + 1))
  done < <(find build/asan/src -name '*_fuzz' -type f -perm -u+x | sort)
  [ "$count" -gt 0 ] || { echo "fuzz: no target was built" >&2; exit 1; }
}

# One process for each core, each with seeds of its own.
simulation() {
  local share=$(((${SIMULATION_RUNS:-200000} + jobs - 1) / jobs)) processes=() process failed=0
  for ((i = 0; i < jobs; i++)); do
    build/release-tests/tests/crash/wrench_sim --seed $((1 + i * share)) --runs "$share" &
    processes+=($!)
  done
  for process in "${processes[@]}"; do wait "$process" || failed=1; done
  return "$failed"
}

for part in "${parts[@]}"; do
  echo "== $part"
  case $part in
    asan | tsan) sanitized "$part" ;;
    fuzz) fuzz ;;
    simulation)
      scripts/build.sh release-tests "$jobs" wrench_sim
      simulation
      build/release-tests/tests/crash/wrench_sim --mutations --runs 20000
      ;;
    networks)  # Needs root: workers in network namespaces, whose cables are pulled out.
      scripts/build.sh release-tests "$jobs" wrench_kill_workers
      build/release-tests/tests/crash/wrench_kill_workers --seconds 300 --workers 4 --networks yes
      ;;
    plans)  # 200,000 tasks, a million steps.
      scripts/build.sh dev "$jobs" wrench_workflow_test
      WRENCH_PLAN_TASKS=200000 build/dev/src/workflow/wrench_workflow_test --gtest_filter='Statements.HaveGoodQueryPlans*'
      ;;
    schedules)  # Every minute of ten years in five zones.
      scripts/build.sh dev "$jobs" wrench_workflow_test
      WRENCH_CRON_ORACLE=1 build/dev/src/workflow/wrench_workflow_test --gtest_filter='ScheduleSpec.FiresWhenASlowLookAtClocksSays'
      ;;
    kill)
      scripts/build.sh release "$jobs" wrench
      # A copy: the loop checks that nobody writes to what is reviewed, and people work in this tree.
      rm -rf build/kill-repo
      git clone --quiet . build/kill-repo
      python3 tests/crash/kill_playbook.py --wrench build/release/wrench
      python3 tests/crash/kill_serve.py --wrench build/release/wrench --kills "${KILLS:-300}"
      scripts/build.sh release-tests "$jobs" wrench_kill_workers wrench_kill_workers_mutable wrench_set_clock wrench_test_postgres
      server=build/release-tests/tests/cli/wrench_test_postgres
      python3 tests/crash/kill_worker_playbooks.py --wrench build/release/wrench --server "$server" --kills "${KILLS:-300}"
      python3 tests/crash/kill_migrations.py --wrench build/release/wrench --server "$server" --kills 100
      python3 tests/crash/kill_retention.py --wrench build/release/wrench --kills "${KILLS:-300}"
      python3 tests/crash/kill_retention.py --wrench build/release/wrench --server "$server" --kills 60
      build/release-tests/tests/crash/wrench_kill_workers --seconds 300 --workers 4
      build/release-tests/tests/crash/wrench_kill_workers_mutable --mutations
      clock=build/release-tests/tests/crash/libwrench_set_clock.so
      python3 tests/crash/jump_clocks.py --wrench build/release/wrench --clock "$clock" --jumps 100
      python3 tests/crash/jump_clocks.py --wrench build/release/wrench --clock "$clock" --jumps 100 --server "$server"
      python3 tests/crash/kill_review.py --wrench build/release/wrench --repo build/kill-repo --kills "${KILLS:-300}"
      ;;
    *) echo "test_long: unknown part '$part'" >&2; exit 2 ;;
  esac
done
echo "test-long: passed: ${parts[*]}"
