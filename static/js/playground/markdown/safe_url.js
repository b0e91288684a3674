/**
 * Return `text` as an address that may be linked to, or null.
 *
 * The browser's own parser decides which scheme it is, so that no spelling of `javascript:` that a
 * browser would follow can differ from what was looked at here.
 */
export function safeUrl(text) {
  let url;
  try {
    url = new URL(text);
  } catch {
    return null; // no address, or one that is relative to this page
  }
  return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
}
