// How fast an answer comes. While it is under way the page counts and times what arrives; at its
// end the platform's own figures take that place.

/** Return the figures of a generation so far: tokens, tokens_per_s, ttft_ms, whether exact. */
export function statisticsOf(generation, now = performance.now()) {
  return generation.usage ? told(generation) : measured(generation, now);
}

/** A delta is one token, or several where the connection was slow: what is shown is a lower bound. */
function measured({ deltas, firstAt, askedAt, lastAt, promptTokens }, now) {
  const seconds = firstAt === null ? 0 : ((lastAt > firstAt ? lastAt : now) - firstAt) / 1000;
  return {
    exact: false,
    tokens: deltas,
    prompt_tokens: promptTokens,
    ttft_ms: firstAt === null ? null : firstAt - askedAt,
    tokens_per_s: deltas > 1 && seconds > 0 ? (deltas - 1) / seconds : null,
  };
}

function told({ usage, timings }) {
  const seconds = (timings.duration_ms - (timings.ttft_ms ?? 0)) / 1000;
  const following = usage.completion_tokens - 1;
  return {
    exact: true,
    tokens: usage.completion_tokens,
    prompt_tokens: usage.prompt_tokens,
    ttft_ms: timings.ttft_ms,
    tokens_per_s: following > 0 && seconds > 0 ? following / seconds : null,
  };
}

/** Return them in words, in the order of interest. */
export function inWords({ exact, tokens, tokens_per_s, ttft_ms, prompt_tokens }) {
  const about = exact ? "" : "≈ ";
  const words = [];
  if (tokens_per_s) words.push(`${about}${tokens_per_s.toFixed(1)} tokens/s`);
  if (ttft_ms !== null && ttft_ms !== undefined) words.push(`first after ${duration(ttft_ms)}`);
  if (tokens) words.push(`${about}${counted(tokens, "token")}`);
  if (exact && prompt_tokens) words.push(`${counted(prompt_tokens, "token")} read`);
  return words.join(" · ");
}

/** Return where it stands in the queue, in words. */
export function queueInWords({ position, estimated_s }) {
  const wait = estimated_s >= 1 ? `, about ${duration(estimated_s * 1000)}` : "";
  return `Waiting: ${position} before it${wait}`;
}

function counted(count, word) {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

function duration(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
