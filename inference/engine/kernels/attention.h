// Attention of many rows, each over its own slot and its own length.
#pragma once

#include "attention_plan.h"
#include "cache.h"
#include "linear.h"

// to [rows, heads, head_dim] = softmax(q k' / sqrt(head_dim)) v over positions 0 to the row's own.
// A row of queries is [heads, head_dim]. Called by every thread of a parallel region with the same
// plan, which was made for these rows and sizes.
//
// A row's keys are taken in stretches of fixed length, counted from position 0, and the stretches
// are put together from first to last: a row's bits do not depend on the other rows, on how many
// threads there are, or on how its prompt was cut.
void attend(const AttentionPlan& plan, const Cache& cache, Strided<const float> queries,
            Strided<activation> to);
