// A modal of Slack, with its inputs.

import { useEffect, useState } from "react";

import { Modal, useDo } from "../parts";
import { act, type Json } from "../wire";
import { Blocks } from "./blocks";
import { grouped, Options, useSuggestions } from "./elements";
import type { SlackView } from "./types";

type Given = string | string[] | null;
type State = Record<string, Record<string, Given>>;

export function View({ view, user }: { view: SlackView; user: string }) {
  const run = useDo();
  const [given, setGiven] = useState<State>({});
  const [busy, setBusy] = useState(false);
  useEffect(() => setGiven({}), [view.id]);

  const close = (all: boolean) => run(() => act("slack", "close", { user, view: view.id, all_views: all }));
  const submit = async () => {
    setBusy(true);
    try {
      await act("slack", "submit", { user, view: view.id, state: given });
    } catch (error) {
      // What is missing stands under its input by now; anything else is told in passing.
      if (!(error as Error).message.startsWith("input_required")) await run(() => Promise.reject(error));
    }
    setBusy(false);
  };

  const input = (block: Json) => {
    const { action_id: action } = block.element;
    const set = (value: Given) =>
      setGiven((all) => ({ ...all, [block.block_id]: { ...all[block.block_id], [action]: value } }));
    const kept = given[block.block_id]?.[action];
    const value = kept !== undefined ? kept : initially(block.element);
    return <Input block={block} value={value} set={set} error={view.errors[block.block_id]} view={view} user={user} />;
  };

  return (
    <Modal title={view.title.text} className="slack-backdrop" onClose={() => void close(true)}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div className="modal-body">
          {view.errors[""] && (
            <p className="input-error" role="alert">
              {view.errors[""]}
            </p>
          )}
          <Blocks blocks={view.blocks} place={{ user, view: view.id }} inputs={input} />
        </div>
        <footer>
          {view.close && (
            <button type="button" className="button" onClick={() => void close(false)}>
              {view.close.text}
            </button>
          )}
          {view.submit && (
            <button type="submit" className="button primary" disabled={busy}>
              {view.submit.text}
            </button>
          )}
        </footer>
      </form>
    </Modal>
  );
}

function initially(element: Json): Given {
  if (element.initial_options) return element.initial_options.map((option: Json) => option.value);
  if (element.initial_option) return element.initial_option.value;
  return element.initial_value ?? element.initial_date ?? element.initial_time ?? null;
}

type InputProps = { block: Json; value: Given; set: (value: Given) => void; error?: string; view: SlackView; user: string };

function Input(props: InputProps) {
  const { block, error } = props;
  const id = `${props.view.id}-${block.block_id}`;
  const ticks = ["checkboxes", "radio_buttons"].includes(block.element.type);
  const Label = ticks ? "div" : "label";
  return (
    <div className={error ? "input wrong" : "input"} role={ticks ? "group" : undefined} aria-labelledby={ticks ? `${id}-label` : undefined}>
      <Label id={`${id}-label`} {...(ticks ? {} : { htmlFor: id })} className="input-label">
        {block.label.text} {block.optional && <small>(optional)</small>}
      </Label>
      <Field {...props} id={id} />
      {block.hint && <p className="input-hint">{block.hint.text}</p>}
      {error && (
        <p className="input-error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

const TYPES: Record<string, string> = {
  plain_text_input: "text",
  number_input: "text",
  email_text_input: "email",
  url_text_input: "url",
  datepicker: "date",
  timepicker: "time",
};

function Field({ block, value, set, view, user, id }: InputProps & { id: string }) {
  const element: Json = block.element;
  const hint = element.placeholder?.text;
  const several = element.type.startsWith("multi_") || element.type === "checkboxes";
  const chosen = Array.isArray(value) ? value : value ? [value] : [];
  switch (element.type) {
    case "plain_text_input":
    case "number_input":
    case "email_text_input":
    case "url_text_input":
    case "datepicker":
    case "timepicker":
      if (element.multiline) {
        return <textarea id={id} rows={4} value={(value as string) ?? ""} placeholder={hint} onChange={(event) => set(event.target.value || null)} />;
      }
      return (
        <input
          id={id}
          type={TYPES[element.type]}
          inputMode={element.type === "number_input" ? "decimal" : undefined}
          value={(value as string) ?? ""}
          placeholder={hint}
          onChange={(event) => set(event.target.value || null)}
        />
      );
    case "static_select":
      return (
        <select id={id} className="select" value={(value as string) ?? ""} onChange={(event) => set(event.target.value || null)}>
          <option value="">{hint ?? "Choose an option"}</option>
          <Options given={element} />
        </select>
      );
    case "multi_static_select":
      return (
        <select id={id} className="select" multiple value={chosen} onChange={(event) => set([...event.target.selectedOptions].map((option) => option.value))}>
          <Options given={element} />
        </select>
      );
    case "external_select":
      return <Searched id={id} element={element} block={block.block_id} view={view} user={user} set={set} />;
    case "checkboxes":
    case "radio_buttons":
      return (
        <span className="ticks">
          {element.options.map((option: Json) => (
            <label key={option.value}>
              <input
                type={several ? "checkbox" : "radio"}
                name={id}
                checked={chosen.includes(option.value)}
                onChange={(event) => {
                  if (!several) set(option.value);
                  else set(event.target.checked ? [...chosen, option.value] : chosen.filter((each) => each !== option.value));
                }}
              />
              {option.text.text}
            </label>
          ))}
        </span>
      );
    default:
      return <span className="unusable">A {element.type.replaceAll("_", " ")} cannot be filled in on this page.</span>;
  }
}

function Searched(props: { id: string; element: Json; block: string; view: SlackView; user: string; set: (value: Given) => void }) {
  const [found, setFound] = useState<Json[]>([]);
  const search = useSuggestions(props.element, props.block, { user: props.user, view: props.view.id }, setFound);
  return (
    <span className="external">
      <input id={props.id} type="search" placeholder={props.element.placeholder?.text ?? "Type to search"} onChange={(event) => search(event.target.value)} />
      {found.length > 0 && (
        <select className="select" aria-label="Found" defaultValue="" onChange={(event) => props.set(event.target.value)}>
          <option value="" disabled>
            {found.length} found: choose
          </option>
          <Options given={grouped(found)} />
        </select>
      )}
    </span>
  );
}
