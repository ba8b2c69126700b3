// Input blocks of a modal.

import { useId } from "preact/hooks";
import { act } from "../world.js";
import { Unknown } from "./blocks.jsx";
import { me } from "./people.js";
import { Select } from "./select.jsx";

// option is one of an element's options, in the shape of those that are searched for.
const option = (o) => ({ text: o.text.text, value: o.value, description: o.description?.text });

const optionsOf = (e) => [...(e.options ?? []), ...(e.option_groups ?? []).flatMap((g) => g.options)].map(option);

const isText = (e) => e.type.endsWith("text_input") || e.type === "number_input";
const isSeveral = (e) => e.type === "checkboxes" || e.type.startsWith("multi_");

// initial is what stands in an element before it is touched: a text, or options.
export const initial = (e) => (isText(e) ? (e.initial_value ?? "") : isSeveral(e) ? (e.initial_options ?? []).map(option) : e.initial_option ? [option(e.initial_option)] : []);

// submitted is a value as a submission has it; undefined if nothing is chosen.
export const submitted = (e, value) => (isText(e) ? value : isSeveral(e) ? value.map((o) => o.value) : value[0]?.value);

// fault is what Slack itself has against a value, or undefined.
export function fault({ optional, element }, value) {
  if (!optional && value.length === 0) return "Please complete this required field.";
  if (isText(element) && value && value.length < (element.min_length ?? 0)) return `This must be at least ${element.min_length} characters.`;
}

export function Input({ block, view, value, error, onChange }) {
  const id = useId();
  const { label, hint, optional, element } = block;
  const describedby = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  const common = { id, element, value, onChange, label: `${id}-label`, describedby, invalid: Boolean(error), view, block };
  return (
    <div class="input" data-block-id={block.block_id}>
      <label id={`${id}-label`} for={id}>
        {label.text} {optional && <span>(optional)</span>}
      </label>
      <Element {...common} />
      {error && (
        <p class="error" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint.text}
        </p>
      )}
    </div>
  );
}

function Element(props) {
  const { element: e, view, block } = props;
  switch (e.type) {
    case "plain_text_input":
      return <Words {...props} />;
    case "radio_buttons":
    case "checkboxes":
      return <Choices {...props} />;
    case "static_select":
    case "multi_static_select":
      return <Choose {...props} find={(text) => optionsOf(e).filter((o) => o.text.toLowerCase().includes(text.toLowerCase()))} />;
    case "external_select":
    case "multi_external_select":
      return <Choose {...props} atLeast={e.min_query_length ?? 3} find={(text) => act("slack/sim/suggest", { user: me(), view_id: view.id, block_id: block.block_id, action_id: e.action_id, text })} />;
  }
  return <Unknown type={e.type} />;
}

function Choose({ element: e, value, onChange, ...rest }) {
  return <Select {...rest} chosen={value} several={isSeveral(e)} most={e.max_selected_items} placeholder={e.placeholder?.text ?? "Select an option"} onChange={onChange} />;
}

function Words({ id, block, element: e, value, describedby, invalid, onChange }) {
  const Field = e.multiline ? "textarea" : "input";
  const left = e.max_length - value.length;
  return (
    <div class="words-in">
      <Field id={id} data-block={block.block_id} rows={e.multiline ? 3 : undefined} value={value} maxLength={e.max_length} placeholder={e.placeholder?.text} aria-describedby={describedby} aria-invalid={invalid} onInput={(x) => onChange(x.target.value)} />
      {left < Math.min(100, e.max_length / 2) && (
        <small class="left" aria-live="polite">
          {left}
          <span class="unseen"> characters left</span>
        </small>
      )}
    </div>
  );
}

function Choices({ id, element: e, value, label, describedby, onChange }) {
  const several = isSeveral(e);
  return (
    <div class="choices" role={several ? "group" : "radiogroup"} aria-labelledby={label} aria-describedby={describedby}>
      {optionsOf(e).map((o, i) => {
        const on = value.some((v) => v.value === o.value);
        const choose = () => onChange(!several ? [o] : on ? value.filter((v) => v.value !== o.value) : [...value, o]);
        return (
          <label key={o.value}>
            <input type={several ? "checkbox" : "radio"} id={i === 0 ? id : undefined} name={id} checked={on} onChange={choose} />
            <span>
              {o.text}
              {o.description && <small>{o.description}</small>}
            </span>
          </label>
        );
      })}
    </div>
  );
}
