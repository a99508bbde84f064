// Runs a few equal tasks side by side.
#pragma once

#include <exception>
#include <mutex>

namespace throughtime {

// Calls task(context, i) for i in [0, count), each once, on up to `count` threads, and waits for all of them.
// Uses the OpenMP runtime already loaded in the process (PyTorch's), so that two pools never fight over the cores; a
// sleeping pool of its own where there is none, which serves one call at a time: meanwhile others, and a task's own
// calls, run on their caller. count 1 runs on the caller without any threading call. Tasks must not throw.
// std::bad_alloc before the first task where the pool cannot be made. Denormals count as zero inside a task; the
// thread's mode is restored after it. May be called from any threads, and again in a child after a fork.
void parallel(int count, void (*task)(void* context, int index), void* context);

// The same with a callable. It may throw: the first exception is thrown again here, when all tasks have ended.
template <class F>
void parallel(int count, F&& f) {
  struct Call {
    F& f;
    std::mutex mutex;
    std::exception_ptr error;
  } call{f, {}, nullptr};
  parallel(
      count,
      [](void* context, int index) {
        Call& c = *static_cast<Call*>(context);
        try {
          c.f(index);
        } catch (...) {
          std::lock_guard<std::mutex> lock(c.mutex);
          if (!c.error) c.error = std::current_exception();
        }
      },
      &call);
  if (call.error) std::rethrow_exception(call.error);
}

}  // namespace throughtime
