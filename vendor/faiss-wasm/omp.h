// One-thread stand-in for OpenMP's header: FAISS includes it unconditionally, WebAssembly has one thread.
#pragma once

static inline int omp_get_max_threads(void) {
    return 1;
}
