// parallel(): with its own pool, or with the OpenMP runtime that TEST_OPENMP names.
#include "throughtime/threads.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cfloat>
#include <cstdlib>
#include <thread>

#include "programs.h"
#include "run_case.h"

namespace throughtime::test {
namespace {

void each_once(int count) {
  std::vector<std::atomic<int>> calls(static_cast<std::size_t>(std::max(1, count)));
  parallel(count, [&](int i) { ++calls[std::size_t(i)]; });
  for (int i = 0; i < count; ++i) CHECK(calls[std::size_t(i)] == 1);
}

TEST(threads_call_each_task_once) {
  for (int count : {0, 1, 2, 3, 8, 2, 5, 1, 33}) each_once(count);
}

TEST(threads_may_nest) {
  std::atomic<int> calls{0};
  parallel(3, [&](int) { parallel(4, [&](int) { ++calls; }); });
  CHECK(calls == 12);
}

TEST(threads_serve_several_callers) {
  std::vector<std::thread> callers;
  callers.reserve(6);
  std::atomic<int> bad{0};
  for (int i = 0; i < 6; ++i)
    callers.emplace_back([&] {
      for (int n = 0; n < 100; ++n) {
        std::atomic<int> sum{0};
        parallel(3, [&](int k) { sum += k + 1; });
        bad += sum != 6;
      }
    });
  for (auto& t : callers) t.join();
  CHECK(bad == 0);
}

// A program and a tape are only read, the pool and the recycler are everybody's.
TEST(threads_share_a_program_and_a_tape) {
  const Program p = load("lstm_wide");
  Options o;
  o.steps = 4, o.rows = 5, o.threads = 2, o.ragged = true;
  Run<float> wanted(p, o);
  wanted.forward(true), wanted.backward();
  std::vector<std::thread> callers;
  callers.reserve(6);
  std::atomic<int> bad{0};
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] {
      for (int n = 0; n < 10; ++n) {
        Run<float> mine(p, o);
        mine.forward(n % 2);
        mine.tape = wanted.tape;
        mine.backward();
        bad += !std::equal(mine.output.begin(), mine.output.end(), wanted.output.begin());
        for (std::size_t a = 0; a < mine.d_arrays.size(); ++a)
          bad += !std::equal(mine.d_arrays[a].begin(), mine.d_arrays[a].end(), wanted.d_arrays[a].begin());
      }
    });
  for (auto& t : callers) t.join();
  CHECK(bad == 0);
}

TEST(threads_hand_an_exception_to_the_caller) {
  for (int count : {1, 2, 5}) {
    std::atomic<int> calls{0};
    bool caught = false;
    try {
      parallel(count, [&](int i) {
        ++calls;
        if (i == count - 1) throw std::runtime_error("from a task");
      });
    } catch (const std::runtime_error& error) {
      caught = std::string(error.what()) == "from a task";
    }
    CHECK(caught && calls == count);
  }
}

TEST(threads_flush_denormals_inside_only) {
  volatile double tiny = DBL_MIN;
  std::atomic<int> flushed{0};
  parallel(3, [&](int) { flushed += tiny * 0.25 == 0; });
#if defined(__x86_64__) || defined(__aarch64__)
  CHECK(flushed == 3);
#endif
  CHECK(tiny * 0.25 != 0);
}

TEST(threads_start_afresh_in_a_child) {  // forks while other threads work: tests/engine/test_processes.py
  // AddressSanitizer's allocator does not prepare for a fork: a thread of OpenMP that ends at that moment leaves its
  // lock closed in the child.
  if (kGuarded && std::getenv("TEST_OPENMP")) return;
  each_once(3);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    int code = 1;
    try {
      for (int count : {2, 3, 1}) each_once(count);
      code = 0;
    } catch (...) {
      code = 1;
    }
    _exit(code);
  }
  int status = 1;
  waitpid(child, &status, 0);
  CHECK_SAY(status == 0, "the child hung or died: " + text(status));
  each_once(4);
}

}  // namespace
}  // namespace throughtime::test
