// C interface over FAISS for src/vector: an exact inner-product index whose rows the caller may write in place.
//
// Contract: no exception leaves a function. A function that returns a pointer answers null on failure, one that
// returns int answers 0 on success and -1 on failure; `fm_error` then tells why until the next failure.
// Memory that the caller passes in belongs to the caller (`malloc`, `free`).
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>

#include <faiss/IndexFlat.h>
#include <faiss/impl/IDSelector.h>

namespace {

using faiss::IndexFlatIP;

// Of fixed size, so that running out of memory can still be reported.
char last_error[512];

void remember(const char* reason) {
    std::size_t length = 0;
    for (; reason[length] != '\0' && length + 1 < sizeof last_error; length++) {
        last_error[length] = reason[length];
    }
    last_error[length] = '\0';
}

// Runs an action; answers its result, or `failed` after any exception.
template <typename Result, typename Action>
Result guarded(Result failed, Action action) {
    try {
        return action();
    } catch (const std::exception& error) {
        remember(error.what());
    } catch (...) {
        remember("unknown C++ exception");
    }
    return failed;
}

IndexFlatIP* const no_index = nullptr;
float* const no_rows = nullptr;

}  // namespace

extern "C" {

// The reason of the last failure, UTF-8, zero-terminated.
const char* fm_error() {
    return last_error;
}

// An empty index; free it with `fm_free`.
IndexFlatIP* fm_create(int dimension) {
    return guarded(no_index, [&] { return new IndexFlatIP(dimension); });
}

void fm_free(IndexFlatIP* index) {
    delete index;
}

// Sets the number of vectors and answers the address of the first: rows of `dimension` floats, row-major.
// Rows that stay keep their values, new ones are zero until written. Addresses from before are void whenever
// `capacity` (in vectors, never less than `count`) exceeds every capacity asked for until now.
float* fm_resize(IndexFlatIP* index, int count, int capacity) {
    return guarded(no_rows, [&] {
        if (count < 0 || capacity < count) throw std::invalid_argument("count or capacity");
        // In 64 bits: the product may not fit into a size_t of WebAssembly.
        if (std::uint64_t{index->code_size} * capacity > index->codes.max_size()) throw std::bad_alloc();
        index->codes.reserve(static_cast<std::size_t>(capacity) * index->code_size);
        index->codes.resize(static_cast<std::size_t>(count) * index->code_size);
        index->ntotal = count;
        return index->get_xb();
    });
}

// The k best vectors for one query, best first. `allowed` has one bit for each vector (bit i % 8 of byte i / 8),
// or is null for all. `scores` and `positions` have room for k; places left over get position -1.
int fm_search(
        const IndexFlatIP* index,
        const float* query,
        int k,
        const std::uint8_t* allowed,
        float* scores,
        std::int64_t* positions) {
    return guarded(-1, [&] {
        faiss::IDSelectorBitmap selector((index->ntotal + 7) / 8, allowed);
        faiss::SearchParameters parameters;
        if (allowed != nullptr) parameters.sel = &selector;
        index->search(1, query, k, scores, positions, &parameters);
        return 0;
    });
}

}  // extern "C"
