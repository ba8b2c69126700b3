// Slack's mrkdwn, read into rich text elements, as Slack's own clients do it.
// The library reads mrkdwn as Markdown, which pairs asterisks across code, and
// shows text that is "verbatim" without reading it at all.

// richText reads text into the elements of a rich_text block.
export function richText(text) {
  const elements = [];
  text.split(/```\n?/).forEach((part, i) => {
    if (i % 2 === 1) elements.push({ type: "rich_text_preformatted", elements: [{ type: "text", text: plain(part.replace(/\n$/, "")) }] });
    else elements.push(...paragraphs(elements.length ? part.replace(/^\n/, "") : part));
  });
  return elements;
}

// paragraphs puts lines that follow each other together: quotes, and the rest.
function paragraphs(text) {
  const runs = [];
  for (const line of text.split("\n")) {
    const quote = /^(&gt;|>) ?(?!\S*>)/.exec(line);
    const type = quote ? "rich_text_quote" : "rich_text_section";
    const body = quote ? line.slice(quote[0].length) : line;
    if (runs.at(-1)?.type === type) runs.at(-1).lines.push(body);
    else runs.push({ type, lines: [body] });
  }
  return runs
    .filter((r) => r.lines.join("") !== "" || runs.length === 1)
    .map((r) => ({ type: r.type, elements: inline(r.lines.join("\n")) }));
}

// Each way to write something within a line, and what becomes of it.
const marks = [
  [/`([^`\n]+)`/, (m, style) => [{ type: "text", text: plain(m[1]), style: { ...style, code: true } }]],
  [/<([^<>\n]+)>/, (m, style) => [angled(m[1], style)]],
  [/:([a-z0-9_+'-]+):/, (m) => [{ type: "emoji", name: m[1] }]],
  [/(?<![\p{L}\p{N}*])\*(?![\s*])([^*\n]*[^\s*])\*(?![\p{L}\p{N}*])/u, (m, style) => inline(m[1], { ...style, bold: true })],
  [/(?<![\p{L}\p{N}_])_(?![\s_])([^_\n]*[^\s_])_(?![\p{L}\p{N}_])/u, (m, style) => inline(m[1], { ...style, italic: true })],
  [/(?<![\p{L}\p{N}~])~(?![\s~])([^~\n]*[^\s~])~(?![\p{L}\p{N}~])/u, (m, style) => inline(m[1], { ...style, strike: true })],
];

function inline(text, style) {
  const found = marks.map(([pattern, read]) => ({ m: pattern.exec(text), read })).filter((f) => f.m);
  if (found.length === 0) return text ? [{ type: "text", text: plain(text), style }] : [];
  const { m, read } = found.reduce((a, b) => (b.m.index < a.m.index ? b : a));
  const before = text.slice(0, m.index);
  return [
    ...(before ? [{ type: "text", text: plain(before), style }] : []),
    ...read(m, style),
    ...inline(text.slice(m.index + m[0].length), style),
  ];
}

// angled reads what stands between < and >.
function angled(body, style) {
  const bar = body.indexOf("|");
  const [head, label] = bar < 0 ? [body, ""] : [body.slice(0, bar), plain(body.slice(bar + 1))];
  if (head.startsWith("@")) return { type: "user", user_id: head.slice(1), style };
  if (head.startsWith("#")) return { type: "channel", channel_id: head.slice(1), style };
  if (head.startsWith("!subteam^")) return { type: "usergroup", usergroup_id: label.replace(/^@/, "") || head.slice(9), style };
  if (head.startsWith("!date^")) {
    const [, seconds, format] = head.split("^");
    if (!format || !(Math.abs(seconds) <= 8.64e12)) return { type: "text", text: label || `<${plain(body)}>`, style };
    return { type: "date", timestamp: Number(seconds), format, fallback: label, style };
  }
  if (/^!(here|channel|everyone)$/.test(head)) return { type: "broadcast", range: head.slice(1) };
  if (/^(https?|mailto|tel):/.test(head)) return { type: "link", url: plain(head), text: label || plain(head.replace(/^mailto:/, "")), style };
  return { type: "text", text: `<${plain(body)}>`, style };
}

const entities = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

export const plain = (text) => text.replace(/&(lt|gt|amp);/g, (e) => entities[e]);

// plainText is the rich text of text that is not mrkdwn: emoji, nothing else.
export const plainText = (text) => [
  {
    type: "rich_text_section",
    elements: text.split(/(:[a-z0-9_+'-]+:)/).filter(Boolean).map((t) => (/^:.+:$/.test(t) ? { type: "emoji", name: t.slice(1, -1) } : { type: "text", text: t })),
  },
];
