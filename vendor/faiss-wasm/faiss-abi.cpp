// C ABI over FAISS for the TypeScript wrapper: an exact inner-product index addressed by position.
//
// Contract: every function catches all exceptions. Functions that return int answer 0 or a count on success and
// -1 on failure; functions that return a pointer answer null on failure. `fm_error` then has the reason.
// Buffers belong to the caller (malloc/free) unless stated otherwise.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <faiss/IndexFlat.h>
#include <faiss/impl/IDSelector.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>
#include <faiss/utils/distances.h>

namespace {

std::string last_error;
std::vector<uint8_t> saved;

template <typename Action>
int guarded(Action action) {
    try {
        return action();
    } catch (const std::exception& error) {
        last_error = error.what();
    } catch (...) {
        last_error = "unknown C++ exception";
    }
    return -1;
}

}  // namespace

extern "C" {

const char* fm_error() { return last_error.c_str(); }

faiss::IndexFlatIP* fm_create(int dimension) {
    faiss::IndexFlatIP* index = nullptr;
    guarded([&] { index = new faiss::IndexFlatIP(dimension); return 0; });
    return index;
}

void fm_free(faiss::IndexFlatIP* index) { delete index; }

int fm_count(const faiss::IndexFlatIP* index) { return static_cast<int>(index->ntotal); }

// Appends n row-major vectors; their positions follow the last one.
int fm_add(faiss::IndexFlatIP* index, int n, const float* vectors) {
    return guarded([&] { index->add(n, vectors); return 0; });
}

// Overwrites the vector at a position.
int fm_set(faiss::IndexFlatIP* index, int position, const float* vector) {
    return guarded([&] {
        if (position < 0 || position >= index->ntotal) throw std::out_of_range("position");
        std::memcpy(index->get_xb() + static_cast<size_t>(position) * index->d, vector, sizeof(float) * index->d);
        return 0;
    });
}

// Moves the last vector to a position and shortens the index by one: removal without shifting.
int fm_remove_swap(faiss::IndexFlatIP* index, int position) {
    return guarded([&] {
        if (position < 0 || position >= index->ntotal) throw std::out_of_range("position");
        const size_t last = static_cast<size_t>(index->ntotal) - 1;
        float* rows = index->get_xb();
        if (static_cast<size_t>(position) != last) {
            std::memcpy(rows + position * static_cast<size_t>(index->d), rows + last * index->d, sizeof(float) * index->d);
        }
        index->codes.resize(last * index->code_size);
        index->ntotal = static_cast<faiss::Index::idx_t>(last);
        return 0;
    });
}

// Searches one query. `allowed` is a bitmap over positions (bit i of byte i/8), or null for all.
// scores and positions have room for k; unused places get position -1.
int fm_search(
        const faiss::IndexFlatIP* index,
        const float* query,
        int k,
        const uint8_t* allowed,
        float* scores,
        int64_t* positions) {
    return guarded([&] {
        if (allowed == nullptr) {
            index->search(1, query, k, scores, positions);
            return 0;
        }
        const faiss::IDSelectorBitmap selector((index->ntotal + 7) / 8, allowed);
        faiss::SearchParameters parameters;
        parameters.sel = const_cast<faiss::IDSelectorBitmap*>(&selector);
        index->search(1, query, k, scores, positions, &parameters);
        return 0;
    });
}

// Inner products of one query with the vectors at n positions.
int fm_score(const faiss::IndexFlatIP* index, const float* query, int n, const int32_t* at, float* scores) {
    return guarded([&] {
        const float* rows = index->get_xb();
        for (int i = 0; i < n; i++) {
            if (at[i] < 0 || at[i] >= index->ntotal) throw std::out_of_range("position");
            scores[i] = faiss::fvec_inner_product(query, rows + static_cast<size_t>(at[i]) * index->d, index->d);
        }
        return 0;
    });
}

// Writes the index in FAISS's file format into a buffer that belongs to this module until the next save.
const uint8_t* fm_save(const faiss::IndexFlatIP* index) {
    const int result = guarded([&] {
        faiss::VectorIOWriter writer;
        faiss::write_index(index, &writer);
        saved = std::move(writer.data);
        return 0;
    });
    return result == 0 ? saved.data() : nullptr;
}

int fm_saved_size() { return static_cast<int>(saved.size()); }

void fm_release_saved() { std::vector<uint8_t>().swap(saved); }

// Reads FAISS's file format. The answer is a new index to be freed by `fm_free`.
faiss::IndexFlatIP* fm_load(const uint8_t* bytes, int size) {
    faiss::IndexFlatIP* loaded = nullptr;
    guarded([&] {
        faiss::VectorIOReader reader;
        reader.data.assign(bytes, bytes + size);
        faiss::Index* index = faiss::read_index(&reader);
        loaded = dynamic_cast<faiss::IndexFlatIP*>(index);
        if (loaded == nullptr) {
            delete index;
            throw std::runtime_error("not a flat inner-product index");
        }
        return 0;
    });
    return loaded;
}

}
