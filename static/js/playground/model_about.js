const NEWS = {
  ready: "",
  waiting: "It is not running yet.",
  loading: "It is being loaded.",
  fetching: "Its weights are being fetched.",
};

/** Return in words what the registry says of a model. */
export function aboutModel(model) {
  if (!model) return "";
  const { description, context_length: context, default_temperature: temperature } = model;
  const facts = `${context.toLocaleString("en")} tokens of context, temperature ${temperature}.`;
  const state = NEWS[model.state] ?? `It is ${model.state}.`;
  return [description, facts, state].filter(Boolean).join(" ");
}
