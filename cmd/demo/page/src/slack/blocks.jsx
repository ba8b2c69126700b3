// Blocks. The library draws them one by one, so that a click tells its block.

import { Message as Drawing } from "slack-blocks-to-jsx";
import { useContext, useState } from "preact/hooks";
import { hooks } from "./hooks.jsx";
import { Icon } from "./icon.jsx";
import { Alert, Container, DataTable, Plan } from "./newer.jsx";
import { plainText, richText } from "./mrkdwn.js";
import { Surroundings } from "./surroundings.js";
import { refusal, silence } from "./words.js";

// Blocks draws blocks; press(element) tells Slack of a pressed button.
export function Blocks({ blocks, press }) {
  return blocks.map((b, i) => <Block key={b.block_id ?? i} block={b} press={press} />);
}

// Text draws mrkdwn.
export const Text = ({ text }) => <Drawn block={{ type: "rich_text", elements: richText(text) }} />;

function Drawn({ block }) {
  const { theme } = useContext(Surroundings);
  return <Drawing withoutWrapper blocks={[block]} name="" logo="" theme={theme} hooks={hooks} />;
}

const ofText = (t) => <Drawn block={{ type: "rich_text", elements: t.type === "mrkdwn" ? richText(t.text) : plainText(t.text) }} />;

const buttonsOf = (block) => [...(block.elements ?? []), block.accessory].filter((e) => e?.type === "button");

function Block({ block, press }) {
  const { ask } = useContext(Surroundings);
  const [trouble, setTrouble] = useState("");

  async function clicked(e) {
    const button = e.target.closest("button");
    const same = [...e.currentTarget.querySelectorAll("button")].filter((b) => b.id === button?.id);
    const element = button && buttonsOf(block).filter((x) => x.action_id === button.id)[same.indexOf(button)];
    if (!element) return; // a control of the library's own
    e.stopPropagation();
    if (button.ariaBusy === "true" || (element.confirm && !(await ask(element.confirm)))) return;
    if (element.url) window.open(element.url, "_blank", "noopener");
    button.ariaBusy = "true";
    setTrouble("");
    try {
      setTrouble(silence(await press(element)));
    } catch (error) {
      setTrouble(refusal(error));
    }
    button.ariaBusy = null;
  }

  return (
    <div class="block" dir="auto" data-block={block.type} onClickCapture={clicked}>
      {drawn(block, press)}
      <Trouble words={trouble} />
    </div>
  );
}

// Trouble is Slack's small warning under something that did not work.
export function Trouble({ words }) {
  if (!words) return null;
  return (
    <p class="trouble" role="alert">
      <Icon of="warning" size={16} /> {words}
    </p>
  );
}

// What the library draws by itself, and needs no answer.
const shown = new Set(["divider", "header", "image", "rich_text", "table", "markdown", "video"]);

function drawn(block, press) {
  switch (block.type) {
    case "section":
      return <Section block={block} />;
    case "context":
      return block.elements.map((e, i) => (e.type === "image" ? <img key={i} src={e.image_url} alt={e.alt_text} /> : <div key={i}>{ofText(e)}</div>));
    case "actions":
      return <Actions elements={block.elements} />;
    case "data_table":
      return <DataTable block={block} />;
    case "plan":
      return <Plan block={block} rich={(b) => <Drawn block={b} />} />;
    case "container":
      return (
        <Container block={block}>
          <Blocks blocks={block.child_blocks} press={press} />
        </Container>
      );
    case "alert":
      return <Alert level={block.level}>{ofText(block.text)}</Alert>;
  }
  return shown.has(block.type) ? <Drawn block={block} /> : <Unknown type={block.type} />;
}

function Section({ block }) {
  return (
    <>
      <div class="words">
        {block.text && ofText(block.text)}
        {block.fields && (
          <div class="fields">
            {block.fields.map((f, i) => (
              <div key={i}>{ofText(f)}</div>
            ))}
          </div>
        )}
      </div>
      {block.accessory && <Actions elements={[block.accessory]} />}
    </>
  );
}

function Actions({ elements }) {
  const other = elements.filter((e) => e.type !== "button");
  return (
    <>
      <Drawn block={{ type: "actions", elements: elements.filter((e) => e.type === "button").map(bare) }} />
      {other.map((e, i) => (
        <Unknown key={i} type={e.type} />
      ))}
    </>
  );
}

// bare is a button without what its click does: that is for Block to do.
function bare({ confirm, url, ...button }) {
  return { ...button, text: { ...button.text, verbatim: !/:[a-z0-9_+-]+:/.test(button.text.text) } };
}

// Unknown stands where something cannot be drawn.
export const Unknown = ({ type }) => <p class="unknown">This page cannot draw “{type}”.</p>;
