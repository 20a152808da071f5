// One-thread stand-in for OpenMP's header: FAISS includes it unconditionally, WebAssembly has one thread.
#pragma once
#ifdef __cplusplus
extern "C" {
#endif
typedef int omp_lock_t;
static inline int omp_get_max_threads(void) { return 1; }
static inline int omp_get_num_threads(void) { return 1; }
static inline int omp_get_thread_num(void) { return 0; }
static inline int omp_in_parallel(void) { return 0; }
static inline int omp_get_nested(void) { return 0; }
static inline int omp_get_max_active_levels(void) { return 1; }
static inline void omp_set_num_threads(int n) { (void)n; }
static inline void omp_set_nested(int n) { (void)n; }
static inline void omp_set_max_active_levels(int n) { (void)n; }
static inline void omp_init_lock(omp_lock_t* lock) { (void)lock; }
static inline void omp_destroy_lock(omp_lock_t* lock) { (void)lock; }
static inline void omp_set_lock(omp_lock_t* lock) { (void)lock; }
static inline void omp_unset_lock(omp_lock_t* lock) { (void)lock; }
#ifdef __cplusplus
}
#endif
