// What is asked here, as code to paste elsewhere. The key is read from the environment: it never
// stands in a page.

/** @typedef {{model: string, messages: object[], parameters: object}} Asked */

/** Return the samples by name, for the platform at `base` (an origin). @param {Asked} asked */
export function codeSamples(base, asked) {
  const body = { model: asked.model, messages: asked.messages, ...asked.parameters };
  return { curl: curl(base, body), Python: python(base, body), JavaScript: javascript(base, body) };
}

function curl(base, body) {
  return [
    `curl ${shell(`${base}/v1/chat/completions`)} \\`,
    '  -H "Authorization: Bearer $API_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d ${shell(JSON.stringify(body, null, 2))}`,
  ].join("\n");
}

/** In single quotes a shell reads everything as it is, but for a single quote. */
function shell(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function python(base, body) {
  const lines = Object.entries(body).map(([name, value]) => `    ${name}=${pythonValue(value, 4)},`);
  return [
    "import os",
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url=${pythonValue(`${base}/v1`)}, api_key=os.environ["API_KEY"])`,
    "stream = client.chat.completions.create(",
    ...withSdkNames(lines, body),
    "    stream=True,",
    ")",
    "for chunk in stream:",
    "    if chunk.choices:",
    '        print(chunk.choices[0].delta.content or "", end="", flush=True)',
  ].join("\n");
}

/** What OpenAI's SDK has no argument for goes into the body by another way. */
function withSdkNames(lines, body) {
  const further = ["top_k", "min_p", "repetition_penalty"].filter((name) => name in body);
  const kept = lines.filter((line) => !further.some((name) => line.startsWith(`    ${name}=`)));
  if (!further.length) return kept;
  const extra = Object.fromEntries(further.map((name) => [name, body[name]]));
  return [...kept, `    extra_body=${pythonValue(extra, 4)},`];
}

/** JSON's strings are Python's too; its true, false and null are not. */
function pythonValue(value, indent = 0) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) {
    return enclosed("[", value.map((one) => pythonValue(one, indent + 4)), "]", indent);
  }
  if (typeof value !== "object") return pythonLiteral(value);
  const pairs = Object.entries(value).map(
    ([name, one]) => `${JSON.stringify(name)}: ${pythonValue(one, indent + 4)}`,
  );
  return `{${pairs.join(", ")}}`;
}

function pythonLiteral(value) {
  // Lone surrogates are escaped by JSON.stringify as well, and Python reads them the same.
  return JSON.stringify(value).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

function enclosed(open, values, close, indent) {
  if (values.length === 0) return open + close;
  const inner = " ".repeat(indent + 4);
  return `${open}\n${values.map((one) => `${inner}${one},\n`).join("")}${" ".repeat(indent)}${close}`;
}

function javascript(base, body) {
  return [
    `const response = await fetch(${JSON.stringify(`${base}/v1/chat/completions`)}, {`,
    '  method: "POST",',
    "  headers: {",
    "    Authorization: `Bearer ${process.env.API_KEY}`,",
    '    "Content-Type": "application/json",',
    "  },",
    `  body: JSON.stringify(${indented(JSON.stringify({ ...body, stream: true }, null, 2))}),`,
    "});",
    "if (!response.ok) throw new Error(await response.text());",
    'let rest = "";',
    "for await (const part of response.body.pipeThrough(new TextDecoderStream())) {",
    '  const lines = (rest + part).split("\\n");',
    "  rest = lines.pop();",
    '  for (const line of lines.filter((one) => one.startsWith("data: {"))) {',
    "    const { choices } = JSON.parse(line.slice(6));",
    '    process.stdout.write(choices[0]?.delta?.content ?? "");',
    "  }",
    "}",
  ].join("\n");
}

function indented(text) {
  return text.replaceAll("\n", "\n  ");
}
