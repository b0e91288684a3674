// A conversation is a tree of messages. Editing a question or asking again makes another branch;
// nothing is overwritten. `chosen` says which child of each message is shown.

import { newId } from "./ids.js";

export const MAX_MESSAGES = 1000;
export const MAX_TITLE = 80;
const ROOT = "";

/**
 * @typedef {{id: string, parent: string, role: "user"|"assistant", content: string, model?: string,
 *   status?: "answering"|"finished"|"cancelled"|"failed", statistics?: object, error?: string,
 *   at: number}} Message
 * @typedef {{id: string, title: string, at: number, messages: Object<string, Message>,
 *   chosen: Object<string, string>}} Conversation
 */

/** @returns {Conversation} */
export function newConversation() {
  return { id: newId(), title: "", at: Date.now(), messages: {}, chosen: {} };
}

/** Add a message below `parent` (the beginning where it is null), and show it. */
export function append(conversation, parent, fields) {
  if (Object.keys(conversation.messages).length >= MAX_MESSAGES) {
    throw new RangeError(`A conversation has at most ${MAX_MESSAGES} messages. Begin a new one.`);
  }
  // No two at the same time: alternatives stand in the order in which they came.
  const at = Math.max(Date.now(), conversation.at + 1);
  const message = { id: newId(), parent: parent ?? ROOT, at, ...fields };
  conversation.messages[message.id] = message;
  conversation.chosen[message.parent] = message.id;
  conversation.at = message.at;
  if (!conversation.title) conversation.title = titleOf(message.content);
  return message;
}

/** Return the messages that are shown, from the first. */
export function shown(conversation) {
  const path = [];
  for (let at = ROOT; path.length <= MAX_MESSAGES; ) {
    const next = conversation.messages[conversation.chosen[at]];
    if (!next) break;
    path.push(next);
    at = next.id;
  }
  return path;
}

/** Return the messages from the first to the one before `message`. */
export function before(conversation, message) {
  const path = [];
  let at = conversation.messages[message.parent];
  while (at && path.length <= MAX_MESSAGES) {
    path.unshift(at);
    at = conversation.messages[at.parent];
  }
  return path;
}

/** Return the alternatives to a message, itself among them, oldest first. */
export function siblings(conversation, message) {
  return Object.values(conversation.messages)
    .filter((one) => one.parent === message.parent)
    .sort((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1));
}

/** Show a message instead of its alternatives. */
export function choose(conversation, message) {
  conversation.chosen[message.parent] = message.id;
}

/** Return both, none of their messages lost: two tabs may have gone on with the same one. */
export function merged(stored, ours) {
  const messages = { ...stored.messages };
  for (const [id, message] of Object.entries(ours.messages)) {
    messages[id] = further(messages[id], message);
  }
  return { ...ours, messages, chosen: { ...stored.chosen, ...ours.chosen } };
}

/** Of two states of a message the later one: an answer only grows, until it is over. */
function further(stored, ours) {
  return stored && ours.status === "answering" && stored.status !== "answering" ? stored : ours;
}

function titleOf(content) {
  const line = content.trim().split("\n", 1)[0];
  return line.length > MAX_TITLE ? `${line.slice(0, MAX_TITLE - 1)}…` : line;
}
