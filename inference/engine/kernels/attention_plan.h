// Who works on what in an attend(): made once for a forward, the same for all its layers.
#pragma once

#include <memory>
#include <vector>

#include "attention_stretch.h"

// The rows of a forward: each writes one token's keys and values and looks back from there.
struct Rows {
    const int64_t* slots;
    const int64_t* positions;
    int64_t count;
    // What the stretches of each slot hold, [slots, stretches], or null: where two slots have the
    // same number other than 0 they have the same keys and values there and everywhere before.
    const int64_t* contents;
    int64_t stretches;
};

// Queries of one key head that are worked on together: of some rows' groups.
struct Portion {
    int64_t head;
    int64_t first, rows;     // in the plan's order
    int64_t query, queries;  // of each row's group; all of it if there are several rows
    int64_t slot;            // where keys and values are read
    int64_t stretch;         // a part's; of others the first that is in no part

    int count() const { return int(rows * queries); }
};

class AttentionPlan {
public:
    AttentionPlan(int64_t head_dim, int64_t heads, int64_t kv_heads, Rows rows, int threads);

    // What comes first: single stretches, either such as several rows share, which are read once
    // for all of them, or all of those of few and long rows, so that every thread has its share.
    const std::vector<Portion>& parts() const { return parts_; }
    // Then: the rows' other stretches, and what they end in.
    const std::vector<Portion>& portions() const { return portions_; }

    int64_t group() const { return group_; }
    int64_t row_of(const Portion& p, int i) const { return order_[p.first + i / p.queries]; }
    int64_t head_of(const Portion& p, int i) const {
        return p.head * group_ + p.query + i % p.queries;
    }
    // Keys that a query sees.
    int64_t length(const Portion& p, int i) const { return rows_.positions[row_of(p, i)] + 1; }
    // Where a part leaves what a query gathered in its stretch.
    State kept(const Portion& p, int i, int64_t stretch) const;

private:
    void order_rows();
    void share_stretches();
    void cut_into_parts();
    void add_portions(int64_t head);
    void add_parts(int64_t head, int64_t first, int64_t rows, int64_t stretch);
    int64_t content(int64_t place, int64_t stretch) const;
    int64_t most_queries() const;
    bool follows(int64_t place) const;
    int64_t slot(int64_t place) const { return rows_.slots[order_[place]]; }
    int64_t position(int64_t place) const { return rows_.positions[order_[place]]; }

    int64_t head_dim_, heads_, group_, kv_heads_;
    Rows rows_;
    std::vector<int64_t> order_;   // rows: such as share stretches or are one prompt's, together
    std::vector<int64_t> shared_;  // by place in it, how many stretches are in shared parts
    std::vector<Portion> parts_, portions_;
    int64_t kept_stretches_ = 0;   // at most, of a row
    std::unique_ptr<float[]> kept_;
};
