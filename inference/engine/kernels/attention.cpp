#include "attention.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "attention_stretch.h"

namespace {

// Fewer rows and key heads than this a thread, and long rows are shared out by stretches.
constexpr int64_t FEW_TASKS = 4;

int64_t stretches(int64_t length) { return (length + STRETCH - 1) / STRETCH; }

int64_t longest(Rows rows) {
    return *std::max_element(rows.positions, rows.positions + rows.count) + 1;
}

bool by_stretches(const Cache& cache, Rows rows, int threads) {
    return rows.count * cache.kv_heads < FEW_TASKS * threads && longest(rows) > STRETCH;
}

// Add what a later stretch gathered.
void merge(State state, State later) {
    float peak = std::max(state.peak(), later.peak());
    float ours = std::exp(state.peak() - peak), theirs = std::exp(later.peak() - peak);
    state.peak() = peak;
    state.mass() = state.mass() * ours + later.mass() * theirs;
    for (int64_t d = 0; d < state.size; d += LANES) {
        vec old = multiply(load(state.sums + d), broadcast(ours));
        store(state.sums + d, fma(load(later.sums + d), broadcast(theirs), old));
    }
}

void finish(State state, activation* to) {
    vec share = broadcast(1.0f / state.mass());
    for (int64_t d = 0; d < state.size; d += LANES)
        store(to + d, multiply(load(state.sums + d), share));
}

// Queries that are worked on together: of one key head, and of one row or, with tiles, of rows of
// one slot at consecutive positions.
struct Portion {
    int64_t head;
    int64_t row, rows;
    int64_t query, queries;  // of each row's group; all of it if there are several rows

    int count() const { return int(rows * queries); }
    int64_t row_of(int i) const { return row + i / queries; }
    int64_t query_of(int i) const { return query + i % queries; }
};

// What every thread knows of an attend().
class Attention {
public:
    Attention(const Cache& cache, Strided<const float> queries, int64_t heads, Rows rows,
              Strided<activation> to)
        : cache_(cache), queries_(queries), heads_(heads), rows_(rows), to_(to) {
        // Portions of one prompt follow each other, so that their keys are still in the cache.
        for (int64_t head = 0; head < cache.kv_heads; head++)
            for (int64_t row = 0; row < rows.count;) row += cut(head, row);
    }

    int64_t portions() const { return int64_t(portions_.size()); }

    // All of a portion.
    void whole(int64_t portion) const {
        const Portion& p = portions_[portion];
        alignas(64) float memory[2][MOST_QUERIES][MAX_HEAD_DIM + 2];
        auto state = [&](int part, int i) { return State{memory[part][i], cache_.head_dim}; };
        for (int64_t number = 0; number * STRETCH < length(p, p.count() - 1); number++) {
            Stretch s = stretch(p, number);
            for (int i = 0; i < s.count; i++) s.states[i] = state(number > 0, i);
            attend(s);
            for (int i = 0; number && i < s.count; i++)
                if (s.lengths[i]) merge(state(0, i), s.states[i]);
        }
        for (int i = 0; i < p.count(); i++) finish(state(0, i), place(p, i));
    }

    // One stretch of a portion; what it gathers goes to `scratch`, of `most` stretches a query.
    void part(int64_t portion, int64_t number, int64_t most, float* scratch) const {
        const Portion& p = portions_[portion];
        if (number * STRETCH >= length(p, p.count() - 1)) return;
        Stretch s = stretch(p, number);
        for (int i = 0; i < s.count; i++) s.states[i] = kept(p, i, number, most, scratch);
        attend(s);
    }

    // What the stretches of a portion gathered.
    void put_together(int64_t portion, int64_t most, float* scratch) const {
        const Portion& p = portions_[portion];
        for (int i = 0; i < p.count(); i++) {
            State first = kept(p, i, 0, most, scratch);
            for (int64_t number = 1; number * STRETCH < length(p, i); number++)
                merge(first, kept(p, i, number, most, scratch));
            finish(first, place(p, i));
        }
    }

private:
    int64_t group() const { return heads_ / cache_.kv_heads; }
    bool tiles() const { return heads_fit_tiles(cache_.head_dim); }

    // Adds portions of a key head that begin with `row`; returns how many rows they are.
    int64_t cut(int64_t head, int64_t row) {
        int64_t rows = 1, most = tiles() ? MOST_QUERIES : MOST_BY_VECTORS;
        if (tiles())
            while ((rows + 1) * group() <= most && follows(row + rows)) rows++;
        for (int64_t query = 0; query < group(); query += most)
            portions_.push_back({head, row, rows, query, std::min(most, group() - query)});
        return rows;
    }

    // Whether a row is the next token of the slot of the row before.
    bool follows(int64_t row) const {
        return row < rows_.count && rows_.slots[row] == rows_.slots[row - 1] &&
               rows_.positions[row] == rows_.positions[row - 1] + 1;
    }

    int64_t length(const Portion& p, int i) const { return rows_.positions[p.row_of(i)] + 1; }

    Stretch stretch(const Portion& p, int64_t number) const {
        int64_t first = number * STRETCH, at = cache_.at(rows_.slots[p.row], p.head, first);
        Stretch s;
        s.keys = cache_.keys + at;
        s.values = cache_.values + at;
        s.head_dim = cache_.head_dim;
        s.count = p.count();
        for (int i = 0; i < s.count; i++) {
            s.queries[i] = queries_.row(p.row_of(i)) + head_of(p, i) * cache_.head_dim;
            s.lengths[i] = std::clamp<int64_t>(length(p, i) - first, 0, STRETCH);
        }
        return s;
    }

    void attend(const Stretch& s) const { tiles() ? attend_by_tiles(s) : attend_by_vectors(s); }

    int64_t head_of(const Portion& p, int i) const { return p.head * group() + p.query_of(i); }

    activation* place(const Portion& p, int i) const {
        return to_.row(p.row_of(i)) + head_of(p, i) * cache_.head_dim;
    }

    State kept(const Portion& p, int i, int64_t number, int64_t most, float* scratch) const {
        int64_t query = p.row_of(i) * heads_ + head_of(p, i), size = cache_.head_dim;
        return {scratch + (query * most + number) * state_size(size), size};
    }

    Cache cache_;
    Strided<const float> queries_;
    int64_t heads_;
    Rows rows_;
    Strided<activation> to_;
    std::vector<Portion> portions_;
};

}  // namespace

int64_t attention_scratch(const Cache& cache, int64_t heads, Rows rows, int threads) {
    if (!by_stretches(cache, rows, threads)) return 0;
    return rows.count * heads * stretches(longest(rows)) * state_size(cache.head_dim);
}

void attend(const Cache& cache, Strided<const float> queries, int64_t heads, Rows rows,
            Strided<activation> to, float* scratch) {
    Attention attention(cache, queries, heads, rows, to);
    begin_tiles();
    if (!by_stretches(cache, rows, omp_get_num_threads())) {
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < attention.portions(); i++) attention.whole(i);
    } else {
        int64_t most = stretches(longest(rows));
#pragma omp for schedule(dynamic)
        for (int64_t i = 0; i < attention.portions() * most; i++)
            attention.part(i / most, i % most, most, scratch);
#pragma omp for schedule(static)
        for (int64_t i = 0; i < attention.portions(); i++)
            attention.put_together(i, most, scratch);
    }
    end_tiles();
}
