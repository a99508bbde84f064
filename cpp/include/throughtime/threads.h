// Runs a few equal tasks side by side.
#pragma once

namespace throughtime {

// Calls task(context, i) for i in [0, count), each once, on up to `count` threads, and waits for all of them.
// Uses the OpenMP runtime already loaded in the process (PyTorch's), so that two pools never fight over the cores; a
// sleeping pool of its own where there is none. count 1 runs on the caller without any threading call. Tasks must not
// throw. Denormals count as zero inside a task; the thread's mode is restored after it.
void parallel(int count, void (*task)(void* context, int index), void* context);

template <class F>
void parallel(int count, F&& f) {
  parallel(count, [](void* context, int index) { (*static_cast<F*>(context))(index); }, &f);
}

}  // namespace throughtime
