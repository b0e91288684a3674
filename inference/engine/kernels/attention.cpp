#include "attention.h"

#include <algorithm>
#include <cmath>

namespace {

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

// What every thread knows of an attend().
class Attention {
public:
    Attention(const AttentionPlan& plan, const Cache& cache, Strided<const float> queries,
              Strided<activation> to)
        : plan_(plan), cache_(cache), queries_(queries), to_(to) {}

    // What a part gathers is kept in the plan.
    void part(const Portion& p) const {
        Stretch s = stretch(p, p.stretch);
        for (int i = 0; i < s.count; i++) s.states[i] = plan_.kept(p, i, p.stretch);
        attend(s);
    }

    // What parts have kept, and the stretches that are in none.
    void complete(const Portion& p) const {
        alignas(64) float memory[2][MOST_QUERIES][MAX_HEAD_DIM + 2];
        auto state = [&](int part, int i) { return State{memory[part][i], cache_.head_dim}; };
        for (int i = 0; i < p.count() && p.stretch; i++) put_together(p, i, state(0, i));
        const int64_t longest = plan_.length(p, p.count() - 1);
        for (int64_t number = p.stretch; number * STRETCH < longest; number++) {
            Stretch s = stretch(p, number);
            for (int i = 0; i < s.count; i++) s.states[i] = state(number > 0, i);
            attend(s);
            for (int i = 0; number && i < s.count; i++)
                if (s.lengths[i]) merge(state(0, i), s.states[i]);
        }
        for (int i = 0; i < p.count(); i++) finish(state(0, i), place(p, i));
    }

private:
    void put_together(const Portion& p, int i, State state) const {
        State first = plan_.kept(p, i, 0);
        std::copy_n(first.sums, state_size(first.size), state.sums);
        const int64_t length = plan_.length(p, i);
        for (int64_t number = 1; number < p.stretch && number * STRETCH < length; number++)
            merge(state, plan_.kept(p, i, number));
    }

    Stretch stretch(const Portion& p, int64_t number) const {
        int64_t first = number * STRETCH, at = cache_.at(p.slot, p.head, first);
        Stretch s;
        s.keys = cache_.keys + at;
        s.values = cache_.values + at;
        s.head_dim = cache_.head_dim;
        s.count = p.count();
        for (int i = 0; i < s.count; i++) {
            s.queries[i] = queries_.row(plan_.row_of(p, i)) + plan_.head_of(p, i) * s.head_dim;
            s.lengths[i] = std::clamp<int64_t>(plan_.length(p, i) - first, 0, STRETCH);
        }
        return s;
    }

    void attend(const Stretch& s) const {
        heads_fit_tiles(s.head_dim) ? attend_by_tiles(s) : attend_by_vectors(s);
    }

    activation* place(const Portion& p, int i) const {
        return to_.row(plan_.row_of(p, i)) + plan_.head_of(p, i) * cache_.head_dim;
    }

    const AttentionPlan& plan_;
    Cache cache_;
    Strided<const float> queries_;
    Strided<activation> to_;
};

}  // namespace

void attend(const AttentionPlan& plan, const Cache& cache, Strided<const float> queries,
            Strided<activation> to) {
    Attention attention(plan, cache, queries, to);
    begin_tiles();
    if (!plan.parts().empty()) {
#pragma omp for schedule(dynamic)
        for (size_t i = 0; i < plan.parts().size(); i++) attention.part(plan.parts()[i]);
    }
#pragma omp for schedule(dynamic)
    for (size_t i = 0; i < plan.portions().size(); i++) attention.complete(plan.portions()[i]);
    end_tiles();
}
