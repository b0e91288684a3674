#include "attention_plan.h"

#include <algorithm>
#include <numeric>

#include "cache.h"

namespace {

// Fewer rows and key heads than this a thread, and long rows are shared out by stretches.
constexpr int64_t FEW_TASKS = 4;

int64_t stretches(int64_t length) { return (length + STRETCH - 1) / STRETCH; }

}  // namespace

AttentionPlan::AttentionPlan(int64_t head_dim, int64_t heads, int64_t kv_heads, Rows rows,
                             int threads)
    : head_dim_(head_dim),
      heads_(heads),
      group_(heads / kv_heads),
      kv_heads_(kv_heads),
      rows_(rows),
      order_(static_cast<size_t>(rows.count)),
      shared_(static_cast<size_t>(rows.count)) {
    std::iota(order_.begin(), order_.end(), 0);
    const bool few = rows.count * kv_heads < FEW_TASKS * threads;
    if (!few && rows.contents) {
        order_rows();
        share_stretches();
    }
    // Portions of one prompt follow each other, so that their keys are still in the cache.
    for (int64_t head = 0; head < kv_heads; head++) add_portions(head);
    if (few) cut_into_parts();
    for (const Portion& p : portions_) kept_stretches_ = std::max(kept_stretches_, p.stretch);
    kept_.reset(new float[rows.count * heads * kept_stretches_ * state_size(head_dim)]);
}

State AttentionPlan::kept(const Portion& p, int i, int64_t stretch) const {
    int64_t query = row_of(p, i) * heads_ + head_of(p, i);
    return {kept_.get() + (query * kept_stretches_ + stretch) * state_size(head_dim_), head_dim_};
}

// What a row finds in a stretch that it sees all of; 0 if nobody else may have the same.
int64_t AttentionPlan::content(int64_t place, int64_t stretch) const {
    if (shared_[place] < stretch || position(place) + 1 < (stretch + 1) * STRETCH) return 0;
    return rows_.contents[slot(place) * rows_.stretches + stretch];
}

void AttentionPlan::order_rows() {
    auto contents = [&](int64_t row) {
        return rows_.contents + rows_.slots[row] * rows_.stretches;
    };
    std::stable_sort(order_.begin(), order_.end(), [&](int64_t a, int64_t b) {
        return std::lexicographical_compare(contents(a), contents(a) + rows_.stretches,
                                            contents(b), contents(b) + rows_.stretches);
    });
}

// Finds neighbours with the same content, stretch by stretch.
void AttentionPlan::share_stretches() {
    for (int64_t stretch = 0, found = 1; found && stretch < rows_.stretches; stretch++) {
        found = 0;
        for (int64_t first = 0, next; first < rows_.count; first = next) {
            const int64_t wanted = content(first, stretch);
            next = first + 1;
            while (wanted && next < rows_.count && content(next, stretch) == wanted) next++;
            if (next - first < 2) continue;
            found = 1;
            for (int64_t place = first; place < next; place++) shared_[place] = stretch + 1;
            for (int64_t head = 0; head < kv_heads_; head++)
                add_parts(head, first, next - first, stretch);
        }
    }
}

int64_t AttentionPlan::most_queries() const {
    return heads_fit_tiles(head_dim_) ? MOST_QUERIES : MOST_BY_VECTORS;
}

void AttentionPlan::add_parts(int64_t head, int64_t first, int64_t rows, int64_t stretch) {
    const int64_t most =
        heads_fit_tiles(head_dim_) ? std::max<int64_t>(1, most_queries() / group_) : 1;
    for (int64_t row = 0; row < rows; row += most)
        for (int64_t query = 0; query < group_; query += most_queries())
            parts_.push_back({head, first + row, std::min(most, rows - row), query,
                              std::min(most_queries(), group_ - query), slot(first), stretch});
}

void AttentionPlan::add_portions(int64_t head) {
    const int64_t most = most_queries();
    for (int64_t first = 0, rows; first < rows_.count; first += rows) {
        rows = 1;
        if (heads_fit_tiles(head_dim_))
            while ((rows + 1) * group_ <= most && follows(first + rows)) rows++;
        for (int64_t query = 0; query < group_; query += most)
            portions_.push_back({head, first, rows, query, std::min(most, group_ - query),
                                 slot(first), shared_[first]});
    }
}

// Whether a row is the next token of the slot of the row before.
bool AttentionPlan::follows(int64_t place) const {
    return place < rows_.count && shared_[place] == shared_[place - 1] &&
           slot(place) == slot(place - 1) &&
           position(place) == position(place - 1) + 1;
}

void AttentionPlan::cut_into_parts() {
    for (Portion& p : portions_) {
        const int64_t count = stretches(length(p, p.count() - 1));
        if (count < 2) continue;
        for (p.stretch = 0; p.stretch < count; p.stretch++) parts_.push_back(p);
    }
}
