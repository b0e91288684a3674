// The platform's REST API, called as whoever is signed in on this page.

/** What the platform answered instead of what was asked for. `message` is for people. */
export class ApiFailure extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? problem?.error?.message ?? `The platform answered ${status}.`);
    this.status = status;
    this.code = problem?.code ?? problem?.error?.code ?? null;
  }
}

/** Return what `path` holds. Raises ApiFailure, or TypeError where nothing answers. */
export function read(path) {
  return call(path, { cache: "no-store" });
}

/** Send JSON or a form, and return the answer. Raises as `read`. */
export function send(path, body) {
  const isForm = body instanceof FormData;
  const headers = isForm ? {} : { "Content-Type": "application/json" };
  return call(path, { method: "POST", headers, body: isForm ? body : JSON.stringify(body) });
}

async function call(path, options) {
  const answer = await fetch(path, { credentials: "same-origin", ...options });
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new ApiFailure(answer.status, body);
  return body;
}
