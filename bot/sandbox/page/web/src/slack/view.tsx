// A modal of Slack, with its inputs.

import { useEffect, useRef, useState } from "react";

import { Modal, useDo } from "../parts";
import { act, encoded, type Json } from "../wire";
import { Blocks } from "./blocks";
import { grouped, Options, useSuggestions } from "./elements";
import type { Given, SlackView, State } from "./types";

const TYPING_MS = 300;

export function View({ view, user }: { view: SlackView; user: string }) {
  const run = useDo();
  const [given, setGiven] = useState<State>({});
  const [busy, setBusy] = useState(false);
  const latest = useRef(given);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    latest.current = {};
    setGiven({});
    return () => clearTimeout(timer.current);
  }, [view.id]);
  // The app may have put another input in the place of one that was touched: what it held is not sent any more.
  const there = new Set(view.blocks.filter((block) => block.type === "input").map((block) => block.block_id));
  const filled = () => Object.fromEntries(Object.entries(latest.current).filter(([block]) => there.has(block)));

  /** Tell the app of a change where it wants to know, of letters after a short pause. */
  const tell = (block: Json, value: Given) => {
    if (!block.dispatch_action) return;
    clearTimeout(timer.current);
    const typed = ["plain_text_input", "number_input"].includes(block.element.type);
    const send = () => {
      const used = { action_id: block.element.action_id, block_id: block.block_id, option: value };
      void run(() => act("slack", "click", { user, view: view.id, ...used, state: filled() }));
    };
    timer.current = setTimeout(send, typed ? TYPING_MS : 0);
  };

  const close = (all: boolean) => run(() => act("slack", "close", { user, view: view.id, all_views: all }));
  const submit = async () => {
    setBusy(true);
    clearTimeout(timer.current);
    try {
      await act("slack", "submit", { user, view: view.id, state: filled() });
    } catch (error) {
      // What is missing stands under its input by now; anything else is told in passing.
      if (!(error as Error).message.startsWith("input_required")) await run(() => Promise.reject(error));
    }
    setBusy(false);
  };

  const input = (block: Json) => {
    const { action_id: action } = block.element;
    const set = (value: Given) => {
      const all = latest.current;
      latest.current = { ...all, [block.block_id]: { ...all[block.block_id], [action]: value } };
      setGiven(latest.current);
      tell(block, value);
    };
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
          <Blocks blocks={view.blocks} place={{ user, view: view.id, state: filled() }} inputs={input} />
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
  return element.initial_value ?? element.initial_date ?? element.initial_time ?? element.initial_date_time ?? null;
}

type InputProps = { block: Json; value: Given; set: (value: Given) => void; error?: string; view: SlackView; user: string };

function Input(props: InputProps) {
  const { block, error } = props;
  const id = `${props.view.id}-${block.block_id}`;
  const ticks = ["checkboxes", "radio_buttons", "multi_static_select"].includes(block.element.type);
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
  const several = element.type === "checkboxes";
  const chosen: Given[] = Array.isArray(value) ? value : value ? [value] : [];
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
    case "datetimepicker":
      return (
        <input
          id={id}
          type="datetime-local"
          value={value ? local(value as number) : ""}
          onChange={(event) => set(event.target.value ? Math.floor(new Date(event.target.value).getTime() / 1000) : null)}
        />
      );
    case "file_input":
      return <Files id={id} user={user} most={element.max_files ?? 10} set={set} />;
    case "multi_static_select":
      return <Several id={id} element={element} chosen={chosen as string[]} set={set} />;
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
                  else set((event.target.checked ? [...chosen, option.value] : chosen.filter((each) => each !== option.value)) as string[]);
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

/** A moment as the browser's own picker writes it: in the browser's zone, without one. */
function local(seconds: number): string {
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** A multiple select: what is chosen as chips, the rest in a list. */
function Several(props: { id: string; element: Json; chosen: string[]; set: (value: Given) => void }) {
  const { element, chosen, set } = props;
  const options: Json[] = element.options ?? element.option_groups.flatMap((group: Json) => group.options);
  const text = (value: string) => options.find((option) => option.value === value)?.text.text ?? value;
  const rest = options.filter((option) => !chosen.includes(option.value));
  const full = chosen.length >= (element.max_selected_items ?? 100);
  return (
    <span className="several">
      {chosen.map((value) => (
        <button key={value} type="button" className="chosen" aria-label={`Remove ${text(value)}`} onClick={() => set(chosen.filter((each) => each !== value))}>
          {text(value)} <span aria-hidden>×</span>
        </button>
      ))}
      {rest.length > 0 && !full && (
        <select id={props.id} className="select" value="" aria-labelledby={`${props.id}-label`} onChange={(event) => set([...chosen, event.target.value])}>
          <option value="">{chosen.length ? "Choose more" : (element.placeholder?.text ?? "Choose some options")}</option>
          <Options given={{ options: rest }} />
        </select>
      )}
    </span>
  );
}

function Files(props: { id: string; user: string; most: number; set: (value: Given) => void }) {
  const run = useDo();
  const upload = async (files: File[]) => {
    const ids: string[] = [];
    for (const file of files.slice(0, props.most)) {
      const body = { user: props.user, ...(await encoded(file)) };
      const taken = await run(() => act<{ id: string }>("slack", "attach", body));
      if (taken) ids.push(taken.id);
    }
    props.set(ids);
  };
  return <input id={props.id} type="file" multiple={props.most > 1} onChange={(event) => void upload([...(event.target.files ?? [])])} />;
}

/** A select whose options the app gives while somebody types. It shows what is chosen, also what the app chose. */
function Searched(props: { id: string; element: Json; block: string; view: SlackView; user: string; set: (value: Given) => void }) {
  const first: string = props.element.initial_option?.text.text ?? "";
  const [chosen, setChosen] = useState(first);
  const [typed, setTyped] = useState(first);
  const [found, setFound] = useState<Json[]>([]);
  const search = useSuggestions(props.element, props.block, { user: props.user, view: props.view.id }, setFound);
  const choose = (value: string) => {
    const options: Json[] = found[0]?.options ? found.flatMap((group) => group.options) : found;
    const text: string = options.find((option) => option.value === value)?.text.text ?? value;
    setChosen(text);
    setTyped(text);
    setFound([]);
    props.set(value);
  };
  return (
    <span className="external">
      <input
        id={props.id}
        type="search"
        value={typed}
        placeholder={props.element.placeholder?.text ?? "Type to search"}
        onChange={(event) => {
          setTyped(event.target.value);
          search(event.target.value);
        }}
        onBlur={() => found.length === 0 && setTyped(chosen)}
      />
      {found.length > 0 && (
        <select className="select" aria-label="Found" defaultValue="" onChange={(event) => choose(event.target.value)}>
          <option value="" disabled>
            {found.length} found: choose
          </option>
          <Options given={grouped(found)} />
        </select>
      )}
    </span>
  );
}
