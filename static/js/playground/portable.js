// Conversations as files: what is exported, and what is believed of a file that is imported.

import { MAX_MESSAGES, MAX_TITLE } from "./conversation.js";
import { MAX_CONVERSATIONS } from "./conversations.js";
import { newId } from "./ids.js";

export const MAX_FILE_BYTES = 16 * 1024 * 1024;
const FORMAT = "aiplatform.playground";
const VERSION = 1;
const ROLES = ["user", "assistant"];
const STATUSES = ["finished", "cancelled", "failed"];
const ID = /^[0-9a-f]{24}$/;
const MAX_CONTENT = 1_000_000; // characters

/** Return the text of a file with these conversations. */
export function exported(conversations) {
  const file = { format: FORMAT, version: VERSION, exported_at: new Date().toISOString() };
  return JSON.stringify({ ...file, conversations }, null, 2);
}

/** Return the conversations in a file's text, under new ids. Raises Error that says what is wrong. */
export function imported(text) {
  const file = parsed(text);
  if (file?.format !== FORMAT || file.version !== VERSION) {
    throw new Error("This is no file that the playground exported.");
  }
  const { conversations } = file;
  if (!Array.isArray(conversations) || conversations.length > MAX_CONVERSATIONS) {
    throw new Error(`A file has at most ${MAX_CONVERSATIONS} conversations.`);
  }
  conversations.forEach((one, index) => {
    if (!isConversation(one)) throw new Error(`Conversation ${index + 1} of the file is damaged.`);
  });
  return conversations.map(copied);
}

/** Whether a value has the shape of a conversation; text in it may be anything. */
export function isConversation(value) {
  if (!isObject(value) || !ID.test(value.id) || !Number.isFinite(value.at)) return false;
  if (typeof value.title !== "string" || value.title.length > MAX_TITLE) return false;
  if (!isObject(value.messages) || !isObject(value.chosen)) return false;
  const messages = Object.entries(value.messages);
  return messages.length <= MAX_MESSAGES && messages.every(([id, one]) => isMessage(id, one, value));
}

function isMessage(id, message, { messages }) {
  return (
    isObject(message) &&
    ID.test(id) &&
    message.id === id &&
    ROLES.includes(message.role) &&
    isText(message.content, MAX_CONTENT) &&
    isText(message.model ?? "", 100) &&
    isText(message.error ?? "", 2000) &&
    Number.isFinite(message.at) &&
    (message.parent === "" || Object.hasOwn(messages, message.parent))
  );
}

/** Only known members, and nothing under way: whoever wrote the file waits for it, not this page. */
function copied(conversation) {
  const messages = Object.values(conversation.messages).map((message) => {
    const { id, parent, role, content, model, error, at } = message;
    const status = STATUSES.includes(message.status) ? message.status : "cancelled";
    const known = { id, parent, role, content, at };
    if (role === "assistant") Object.assign(known, { model: model ?? "", status });
    return [id, error ? { ...known, error } : known];
  });
  const { title, at } = conversation;
  const chosen = Object.entries(conversation.chosen).filter(([, id]) => ID.test(id));
  return {
    id: newId(), title, at,
    messages: Object.fromEntries(messages),
    chosen: Object.fromEntries(chosen),
  };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("This is no JSON file.");
  }
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value, most) {
  return typeof value === "string" && value.length <= most;
}
