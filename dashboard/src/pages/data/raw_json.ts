// JSON as it is written. JavaScript's own parser rounds integers over 2^53, and what is rounded must not be saved.

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** The values of an object's members, each as its text; `text` has to be valid JSON. */
export function members(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  let [depth, name, begin] = [0, "", -1];
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (depth === 1 && begin >= 0 && (token === "," || token === "}")) {
      found[name] = text.slice(begin, index).trim();
      begin = -1;
    } else if (depth === 1 && token === ":") {
      begin = index + 1;
    } else if (depth === 1 && begin < 0 && token.startsWith('"')) {
      name = JSON.parse(token);
    }
    if (token === "{" || token === "[") depth += 1;
    if (token === "}" || token === "]") depth -= 1;
  }
  return found;
}

/** The same value on lines of its own, in valid JSON; no number, string or order is changed. */
export function indented(text: string): string {
  const tokens = text.match(TOKEN) ?? [];
  let [written, depth] = ["", 0];
  const line = () => `\n${"  ".repeat(depth)}`;
  tokens.forEach((token, at) => {
    const before = tokens[at - 1];
    if (token === "}" || token === "]") {
      depth -= 1;
      written += before === "{" || before === "[" ? token : line() + token;
      return;
    }
    if (before === "{" || before === "[" || before === ",") written += line();
    if (token === "{" || token === "[") depth += 1;
    written += token === ":" ? ": " : token;
  });
  return written;
}
