// The one BLAS routine that the linked part of FAISS refers to. FAISS multiplies matrices only for 20 queries or more
// at once; this module answers one query at a time.
extern "C" int sgemm_(
        const char*, const char*, int*, int*, int*, const float*, const float*, int*, const float*, int*, float*,
        float*, int*) {
    __builtin_trap();
}
