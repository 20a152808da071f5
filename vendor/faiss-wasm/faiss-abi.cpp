// C interface over FAISS for src/vector: an exact inner-product index over vectors of 8-bit components, whose rows the
// caller may write in place.
//
// Contract: no exception leaves a function. A function that returns a pointer answers null on failure, one that
// returns int answers 0 on success and -1 on failure; `fm_error` then tells why until the next failure.
// Memory that the caller passes in belongs to the caller (`malloc`, `free`).
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <wasm_simd128.h>

#include <faiss/IndexFlatCodes.h>
#include <faiss/impl/FaissAssert.h>
#include <faiss/impl/IDSelector.h>
#include <faiss/utils/Heap.h>

namespace {

// A query as integers of 16 bits. Its error is a 200th of the error of 8-bit vectors, and four such integers are
// multiplied and added in the time of one conversion to floats.
struct Query {
    float scale;
    std::vector<std::int16_t> values;

    Query(const float* query, int dimension) : values(dimension) {
        float largest = 0;
        for (int place = 0; place < dimension; place++) largest = std::max(largest, std::abs(query[place]));
        // At most so large that four sums of products with bytes fit into 32 bits each.
        const float limit = std::min(32767.0f, std::floor(4 * 16777215.0f / (dimension + 64)));
        scale = largest / limit;
        if (scale == 0) return;
        for (int place = 0; place < dimension; place++)
            values[place] = static_cast<std::int16_t>(std::lrint(query[place] / scale));
    }

    float inner_product(const std::int8_t* row) const {
        const int dimension = values.size();
        const std::int16_t* query = values.data();
        v128_t sums = wasm_i32x4_splat(0), others = sums;
        int place = 0;
        for (; place + 16 <= dimension; place += 16) {
            const v128_t bytes = wasm_v128_load(row + place);
            const v128_t low = wasm_i16x8_extend_low_i8x16(bytes), high = wasm_i16x8_extend_high_i8x16(bytes);
            sums = wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(low, wasm_v128_load(query + place)));
            others = wasm_i32x4_add(others, wasm_i32x4_dot_i16x8(high, wasm_v128_load(query + place + 8)));
        }
        sums = wasm_i32x4_add(sums, others);
        std::int64_t sum = std::int64_t{wasm_i32x4_extract_lane(sums, 0)} + wasm_i32x4_extract_lane(sums, 1) +
                wasm_i32x4_extract_lane(sums, 2) + wasm_i32x4_extract_lane(sums, 3);
        for (; place < dimension; place++) sum += query[place] * row[place];
        return scale * sum;
    }
};

// Rows of a float32 scale and one signed byte for each dimension; a component is its byte times the scale. FAISS has no
// codec of this form: its own learn one range for all vectors.
struct ByteIndex : faiss::IndexFlatCodes {
    explicit ByteIndex(int dimension)
            : IndexFlatCodes(sizeof(float) + dimension, dimension, faiss::METRIC_INNER_PRODUCT) {}

    // The rows need not be aligned, because the dimension may be any.
    float scale(idx_t position) const {
        float value;
        std::memcpy(&value, codes.data() + position * code_size, sizeof value);
        return value;
    }

    const std::int8_t* bytes(idx_t position) const {
        return reinterpret_cast<const std::int8_t*>(codes.data() + position * code_size + sizeof(float));
    }

    // Puts the rows that are better among the k best so far, a heap with the worst on top. `first` is the position of
    // the first row in the whole.
    void rank(
            const Query& query,
            idx_t k,
            float* scores,
            idx_t* positions,
            idx_t first = 0,
            const faiss::IDSelector* selector = nullptr) const {
        for (idx_t position = 0; position < ntotal; position++) {
            if (selector != nullptr && !selector->is_member(first + position)) continue;
            const float score = scale(position) * query.inner_product(bytes(position));
            if (score > scores[0]) faiss::minheap_replace_top(k, scores, positions, score, first + position);
        }
    }

    void search(
            idx_t queries,
            const float* query,
            idx_t k,
            float* scores,
            idx_t* positions,
            const faiss::SearchParameters* parameters) const override {
        for (; queries > 0; queries--, query += d, scores += k, positions += k) {
            faiss::minheap_heapify(k, scores, positions);
            rank(Query(query, d), k, scores, positions, 0, parameters == nullptr ? nullptr : parameters->sel);
            faiss::minheap_reorder(k, scores, positions);
        }
    }
};

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

ByteIndex* const no_index = nullptr;
std::uint8_t* const no_rows = nullptr;

}  // namespace

extern "C" {

// The reason of the last failure, UTF-8, zero-terminated.
const char* fm_error() {
    return last_error;
}

// An empty index; free it with `fm_free`.
ByteIndex* fm_create(int dimension) {
    return guarded(no_index, [&] { return new ByteIndex(dimension); });
}

void fm_free(ByteIndex* index) {
    delete index;
}

// Sets the number of vectors and answers the address of the first: rows of a float32 scale and `dimension` signed bytes.
// Rows that stay keep their values, new ones are zero until written. Addresses from before are void whenever
// `capacity` (in vectors, never less than `count`) exceeds every capacity asked for until now.
std::uint8_t* fm_resize(ByteIndex* index, int count, int capacity) {
    return guarded(no_rows, [&] {
        if (count < 0 || capacity < count) throw std::invalid_argument("count or capacity");
        // In 64 bits: the product may not fit into a size_t of WebAssembly.
        if (std::uint64_t{index->code_size} * capacity > index->codes.max_size()) throw std::bad_alloc();
        index->codes.reserve(static_cast<std::size_t>(capacity) * index->code_size);
        index->codes.resize(static_cast<std::size_t>(count) * index->code_size);
        index->ntotal = count;
        return index->codes.data();
    });
}

// The k best vectors for one query in `count` indexes of one dimension, best first. Positions count through them all.
// `allowed` has one bit for each vector (bit i % 8 of byte i / 8), or is null for all. `scores` and `positions` have
// room for k; places left over get position -1.
int fm_search(
        const ByteIndex* const* indexes,
        int count,
        const float* query,
        int k,
        const std::uint8_t* allowed,
        float* scores,
        std::int64_t* positions) {
    return guarded(-1, [&] {
        FAISS_THROW_IF_NOT(k > 0 && count > 0);
        std::int64_t total = 0;
        for (int part = 0; part < count; part++) total += indexes[part]->ntotal;
        const faiss::IDSelectorBitmap selector((total + 7) / 8, allowed);
        const Query integers(query, indexes[0]->d);
        faiss::minheap_heapify(k, scores, positions);
        std::int64_t first = 0;
        for (int part = 0; part < count; part++) {
            indexes[part]->rank(integers, k, scores, positions, first, allowed == nullptr ? nullptr : &selector);
            first += indexes[part]->ntotal;
        }
        faiss::minheap_reorder(k, scores, positions);
        return 0;
    });
}

// Sets `sum` to the sum of the vectors from `start` to `end` (excluded): `dimension` floats.
void fm_sum(const ByteIndex* index, int start, int end, float* __restrict sum) {
    const int dimension = index->d;
    std::fill_n(sum, dimension, 0.0f);
    for (int position = start; position < end; position++) {
        const std::int8_t* __restrict bytes = index->bytes(position);
        const float scale = index->scale(position);
        for (int place = 0; place < dimension; place++) sum[place] += scale * bytes[place];
    }
}

}  // extern "C"
